"""What HelseID's refusals mean and what to do about them (HelseID: "Feilmeldinger"); pure."""

from __future__ import annotations

import re

from helseid_fn.context import Journal
from helseid_fn.errors import Garbled, HelseidFnError, Party, Refused
from helseid_fn.http.clocks import describe_clock, read_seconds_ahead
from helseid_fn.http.messages import Answer
from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.redaction import quote

REMEDIES = {
    "invalid_request": "compare the organization numbers that were sent, the usual cause, with what the client may send",
    "invalid_scope": "check in Selvbetjening that the client has every scope in HELSEID_SCOPE",
    "invalid_grant": "check in Selvbetjening that the client may use client credentials",
    "invalid_target": "check in Selvbetjening which API each scope in HELSEID_SCOPE belongs to, and ask for those of one",
    "invalid_dpop_proof": "check this machine's clock (NTP)",
    "unauthorized_client": "let the client use client credentials in Selvbetjening",
    "unsupported_grant_type": "check that HELSEID_ISSUER is HelseID's",
}
OTHER_REMEDY = "look the words up in HelseID's list of error messages"

HID_REMEDIES = {
    "HID-1001": "let the parent organization delegate to you in Altinn, or correct its number",
    "HID-1002": "name another child organization, or add this one to the client in Selvbetjening",
    "HID-1003": "name a child organization that belongs to the parent",
    "HID-1004": "give organization numbers of nine digits",
    "HID-1005": "name a parent organization that is in use, or none",
    "HID-1006": "name a child organization that is in use, or none",
    "HID-1007": "name a parent if Selvbetjening shows the client as multi-tenant, at most a child if as single-tenant",
    "HID-1008": "give the client a public key in place of its shared secret in Selvbetjening",
    "HID-1009": "make the client one for machine-to-machine use in Selvbetjening",
    "HID-1010": "let the client name organizations in Selvbetjening, or name none",
}

_HID = re.compile(r"HID-\d{4}")


def explain_refusal(
    answer: Answer, key: SigningKey, *, client_id: str, issuer: str, now: float, journal: Journal
) -> HelseidFnError:
    """Return the error that an answer of the token endpoint amounts to, with HelseID's own words and what to do.

    `now` is our wall clock; its difference from the answer's `Date` goes into the journal, and into the sentence where it may
    be the cause.
    """
    members = answer.json_members()
    error, description = members.get("error"), members.get("error_description")
    if not isinstance(error, str) or not error:
        return Garbled(
            Party.HELSEID,
            "token_answer",
            f"HelseID's token endpoint answered with status {answer.status} but without an OAuth error; check HELSEID_ISSUER "
            "and what stands between it and us.",
        )
    seconds_ahead = read_seconds_ahead(answer, now)
    if seconds_ahead is not None:
        journal.note(clock_difference_seconds=seconds_ahead)
    clock = describe_clock(seconds_ahead, Party.HELSEID)
    words = quote(error)
    if isinstance(description, str) and description.strip():
        words += f" ({quote(description).rstrip('.')})"
    if error == "invalid_client":
        return Refused(
            Party.HELSEID, error, f"HelseID refused the client: {words}; {_what_to_compare(key, client_id, issuer, clock)}."
        )
    hid = _HID.search(description) if isinstance(description, str) else None
    remedy = HID_REMEDIES.get(hid.group() if hid else "") or REMEDIES.get(error, OTHER_REMEDY)
    if error == "invalid_dpop_proof":
        remedy += f"; it is {clock}"
    reason = error if error in REMEDIES else "other"
    return Refused(Party.HELSEID, reason, f"HelseID refused the token request: {words}; {remedy}.")


def _what_to_compare(key: SigningKey, client_id: str, issuer: str, clock: str) -> str:
    """Return what stands on our side of everything that invalid_client may mean, since HelseID does not tell which it is."""
    kid = f"kid {key.kid}" if key.kid else "no kid, though HelseID knows its keys by it"
    return (
        f"compare with Selvbetjening the client id {client_id}, the key ({kid}, alg {key.alg}) and its expiry, "
        f"and the environment (HELSEID_ISSUER {issuer}); this machine's clock is {clock}; "
        "a key registered within the last 20 s needs only time"
    )
