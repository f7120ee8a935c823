"""What HelseID's OAuth errors mean and what to do about them (HelseID: "Feilmeldinger"); pure."""

from __future__ import annotations

import re

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused
from helseid_fn.http.messages import Response, describe_clock, read_seconds_ahead
from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.redaction import quote

REMEDIES = {
    "invalid_request": "Compare the organization numbers, the usual cause, with those that the client may use.",
    "invalid_scope": "Check in Selvbetjening that the client has every scope in HELSEID_SCOPE.",
    "invalid_grant": "Check in Selvbetjening that the client may use client credentials.",
    "invalid_target": "Check in Selvbetjening which API each scope in HELSEID_SCOPE belongs to, and request those of one API.",
    "invalid_dpop_proof": "Synchronize this machine's clock (NTP).",
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

MAX_CLOCK_DIFFERENCE_SECONDS = 4
"""A larger difference makes HelseID refuse the client assertion, or is close to it."""

_HID = re.compile(r"HID-\d{4}")


def parse_token_error(
    response: Response, key: SigningKey, *, client_id: str, issuer: str, now: float, ctx: Context
) -> HelseidFnError:
    """Return the error that a response of the token endpoint means, with HelseID's own words and what to do.

    `now` is our wall clock. Its difference from the response's `Date` is noted, and is in the sentence where it may be the
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
    clock = f"This machine's clock is {describe_clock(seconds_ahead, Party.HELSEID)}"
    if error == "invalid_client":
        detail = f"HelseID refused the client: {said}. {_explain_invalid_client(key, client_id, issuer, clock, seconds_ahead)}"
        return Refused(Party.HELSEID, error, detail, status=response.status)
    hid = _HID.search(description) if isinstance(description, str) else None
    remedy = HID_REMEDIES.get(hid.group() if hid else "") or REMEDIES.get(error, OTHER_REMEDY)
    if error == "invalid_dpop_proof":
        remedy = f"{clock}. {remedy}"
    reason = error if error in REMEDIES else "other"
    detail = f"HelseID refused the token request: {said}. {remedy}"
    return Refused(Party.HELSEID, reason, detail, status=response.status)


def _explain_invalid_client(key: SigningKey, client_id: str, issuer: str, clock: str, seconds_ahead: int | None) -> str:
    """Return the clock where it is the likely cause, else all that is to be compared: HelseID does not say what is wrong."""
    if seconds_ahead is not None and abs(seconds_ahead) > MAX_CLOCK_DIFFERENCE_SECONDS:
        return f"{clock}, the likely cause. Synchronize it (NTP)."
    kid = f"kid {key.kid}" if key.kid else "no kid, though HelseID finds its keys by it"
    return (
        f"Compare the client id {client_id}, the key ({kid}, alg {key.alg}) and its expiry, and the environment ({issuer}) "
        f"with Selvbetjening; a key registered within the last 20 s only needs time. {clock}."
    )
