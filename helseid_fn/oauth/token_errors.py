"""What HelseID's OAuth errors mean and what to do about them (HelseID: "Feilmeldinger"); pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused
from helseid_fn.http.clock import describe_clock, is_likely_cause, read_seconds_ahead
from helseid_fn.http.messages import Response
from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.redaction import quote

REMEDIES = {
    "invalid_request": "Compare the organization numbers, the usual cause, with those that the client may use.",
    "invalid_scope": "Check in Selvbetjening that the client has each of the scopes: {scopes}.",
    "invalid_grant": "Check in Selvbetjening that the client may use client credentials.",
    "invalid_target": "Request the scopes of one API; these were requested: {scopes}.",
    "invalid_dpop_proof": "Look the words up in HelseID's list of error messages.",
    "unauthorized_client": "Let the client use client credentials in Selvbetjening.",
    "unsupported_grant_type": "Check that HELSEID_ISSUER is HelseID's.",
}
OTHER_REMEDY = "Look the words up in HelseID's list of error messages."

HID_REMEDIES = {
    "HID-1001": "Let the parent organization delegate to you in Altinn, or correct its number.",
    "HID-1002": "Use another child organization, or add this one to the client in Selvbetjening.",
    "HID-1003": "Use a child organization that belongs to the parent.",
    "HID-1004": "Use organization numbers of nine digits.",
    "HID-1005": "Use an active parent organization, or none.",
    "HID-1006": "Use an active child organization, or none.",
    "HID-1007": "Set a parent if Selvbetjening shows the client as multi-tenant, at most a child if as single-tenant.",
    "HID-1008": "Replace the client's shared secret by a public key in Selvbetjening.",
    "HID-1009": "Make the client one for machine-to-machine use in Selvbetjening.",
    "HID-1010": "Allow the client to name organizations in Selvbetjening, or name none.",
}

_HID = re.compile(r"HID-\d{4}")


def parse_token_error(
    response: Response, key: SigningKey, *, client_id: str, issuer: str, scopes: frozenset[str], now: float, ctx: Context
) -> HelseidFnError:
    """Return the error that a response of the token endpoint means, with HelseID's own words and what to do.

    `now` is our wall clock. Its difference from the response's `Date` is noted, and begins the sentence where it is the likely
    cause.
    """
    members = response.json_members()
    error, description = members.get("error"), members.get("error_description")
    if not isinstance(error, str) or not error:
        return InvalidResponse(
            Party.HELSEID,
            "token_response",
            f"HelseID's token endpoint responded with {response.status} but without an OAuth error. Check HELSEID_ISSUER, and "
            "for a proxy or gateway in between.",
            status=response.status,
        )
    seconds_ahead = read_seconds_ahead(response, now)
    if seconds_ahead is not None:
        ctx.note(clock_difference_seconds=seconds_ahead)
    said = quote(error)
    if isinstance(description, str) and description.strip():
        said += f" ({quote(description).rstrip('.')})"
    what = "the client" if error == "invalid_client" else "the token request"
    refusal = f"HelseID refused {what}: {said}."
    clock = f"This machine's clock is {describe_clock(seconds_ahead, Party.HELSEID)}"
    reason = error if error in REMEDIES or error == "invalid_client" else "other"
    if error in ("invalid_client", "invalid_dpop_proof") and is_likely_cause(seconds_ahead):
        detail = f"{clock}: synchronize it (NTP). {refusal}"
    elif error == "invalid_client" and key.expires_at is not None and key.expires_at <= now:
        detail = f"The client key expired on {datetime.fromtimestamp(key.expires_at, UTC):%Y-%m-%d}: replace it. {refusal}"
    elif error == "invalid_client":
        detail = f"{refusal} {_explain_invalid_client(key, client_id, issuer)} {clock}."
    else:
        hid = _HID.search(description) if isinstance(description, str) else None
        remedy = HID_REMEDIES.get(hid.group() if hid else "") or REMEDIES.get(error, OTHER_REMEDY)
        remedy = remedy.format(scopes=", ".join(sorted(scopes)))
        detail = f"{refusal} {remedy}" + (f" {clock}." if error == "invalid_dpop_proof" else "")
    return Refused(Party.HELSEID, reason, detail, status=response.status)


def _explain_invalid_client(key: SigningKey, client_id: str, issuer: str) -> str:
    """Return all that is to be compared: HelseID does not say what is wrong."""
    kid = f"kid {key.kid}" if key.kid else "no kid, though HelseID finds its keys by it"
    return (
        f"Compare the client id {client_id}, the key ({kid}, alg {key.alg}) and its expiry, and the environment ({issuer}) "
        "with Selvbetjening; a key registered within the last 20 s only needs time."
    )
