"""What HelseID's refusals mean and what to do about them (HelseID: "Feilmeldinger"); pure."""

from __future__ import annotations

import re

from helseid_fn.backoff import parse_http_date
from helseid_fn.errors import REFUSED_REASONS, Garbled, HelseidFnError, Party, Refused
from helseid_fn.exchange import Answer
from helseid_fn.journal import Journal
from helseid_fn.redaction import quote
from helseid_fn.signing_key import SigningKey

REMEDIES = {
    "invalid_request": "compare the organization numbers that were sent, the usual cause, with what the client may send",
    "invalid_scope": "check in Selvbetjening that the client has every scope in HELSEID_SCOPE",
    "scope_not_granted": "check in Selvbetjening that the client has every scope in HELSEID_SCOPE",
    "invalid_grant": "check in Selvbetjening that the client may use client_credentials",
    "invalid_target": "check in Selvbetjening which API the scopes in HELSEID_SCOPE belong to",
    "invalid_dpop_proof": "check that this machine's clock is right (NTP)",
    "unauthorized_client": "let the client use client_credentials in Selvbetjening",
    "unsupported_grant_type": "check that HELSEID_ISSUER is HelseID and that client_credentials is switched on for the client",
    "other": "look the words up in HelseID's list of error messages",
}

HID_REMEDIES = {
    "HID-1001": "the parent organization is not on the client's list; add it in Selvbetjening",
    "HID-1002": "the child organization is not on the client's list; add it in Selvbetjening",
    "HID-1003": "the child organization does not belong to the parent; correct the pair",
    "HID-1004": "an organization number is not nine digits; correct it",
    "HID-1005": "the client may not name a parent organization; make it multi-tenant in Selvbetjening or leave the parent out",
    "HID-1006": "the client may not name a child organization; allow it in Selvbetjening or leave the child out",
    "HID-1007": "the organization claim is not as HelseID specifies; check single- against multi-tenant in Selvbetjening",
    "HID-1008": "the client is set up with a shared secret; give it a public key in Selvbetjening",
    "HID-1009": "the client is set up for authorization code; make it a machine-to-machine client in Selvbetjening",
    "HID-1010": "the client's configuration does not allow organization numbers; change it in Selvbetjening or leave them out",
}

_HID = re.compile(r"HID-\d{4}")


def explain_refusal(answer: Answer, key: SigningKey, client_id: str, now: float, journal: Journal) -> HelseidFnError:
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
    clock = _compare_clocks(answer, now, journal)
    if error == "invalid_client":
        return Refused(Party.HELSEID, error, _what_to_compare(key, client_id, clock))
    words = quote(error)
    hid = None
    if isinstance(description, str) and description:
        words += f" ({quote(description)})"
        hid = _HID.search(description)
    reason = error if error in REFUSED_REASONS[Party.HELSEID] else "other"
    remedy = HID_REMEDIES.get(hid.group() if hid else "") or REMEDIES[reason]
    if reason == "invalid_dpop_proof":
        remedy += f", which is {clock}"
    return Refused(Party.HELSEID, reason, f"HelseID refused the token request with {words}; {remedy}.")


def _what_to_compare(key: SigningKey, client_id: str, clock: str) -> str:
    kid = f"kid {quote(key.kid)}" if key.kid else "no kid, though HelseID knows its keys by it"
    return (
        "HelseID refused the client (invalid_client) and never says why; compare with Selvbetjening "
        f"the client id {client_id}, the key ({kid}, alg {key.alg}) and that it has not expired, "
        "that HELSEID_ISSUER is the environment that the client is registered in, "
        f"and this machine's clock, which is {clock}; a key registered within the last 20 s needs only time."
    )


def _compare_clocks(answer: Answer, now: float, journal: Journal) -> str:
    """Say how our clock stands to HelseID's, to the second that `Date` gives."""
    theirs = parse_http_date(answer.headers.get("Date"))
    if theirs is None:
        return "not compared, since HelseID's answer had no Date"
    ahead_seconds = round(now - theirs)
    journal.note(clock_difference_seconds=ahead_seconds)
    if abs(ahead_seconds) <= 1:
        return "right by HelseID's"
    return f"{abs(ahead_seconds)} s {'ahead of' if ahead_seconds > 0 else 'behind'} HelseID's"
