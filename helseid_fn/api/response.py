"""The API's response as a JSON value, or the refusal that it means, in the API's own words; pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused
from helseid_fn.http import challenges
from helseid_fn.http.challenges import Challenge
from helseid_fn.http.messages import Response, describe_clock, read_seconds_ahead
from helseid_fn.http.retries import check_available
from helseid_fn.redaction import quote, redact

_REMEDIES = {
    "invalid_token": "Check that HELSEID_SCOPE and HELSEID_ISSUER are what the API expects.",
    "invalid_dpop_proof": "Synchronize the clock (NTP), and check that API_URL is exactly the address that the API expects.",
    "insufficient_scope": "Add the scope to the client in Selvbetjening and to HELSEID_SCOPE.",
    "unauthorized": "Check HELSEID_SCOPE, HELSEID_ISSUER and this machine's clock.",
    "forbidden": "Check the scope, the organization, and what the client is allowed to do there.",
    "not_found": "Check API_URL and request.path.",
    "redirect": "A proof is valid for one address only, so set API_URL to the final one.",
    "other": "The caller gets its words in api.body.",
}
_SELVBETJENING_REMEDIES = {
    **dict.fromkeys(_REMEDIES, "Check SELVBETJENING_URL, and that HELSEID_ISSUER is of the same environment."),
    "invalid_dpop_proof": "Synchronize the clock (NTP), and check that SELVBETJENING_URL is exactly its address.",
    "insufficient_scope": "Give the client the scope nhn:selvbetjening/client in Selvbetjening.",
    "forbidden": "Give the client the scope nhn:selvbetjening/client in Selvbetjening.",
    "other": "Look its words up in Selvbetjening's documentation, or register the key by hand.",
}
_NAMED = ("invalid_token", "invalid_dpop_proof", "insufficient_scope")
_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_found"}


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The status, the body as a JSON value, the challenges of a 401 or 403, and where a redirect points."""

    status: int
    body: Any
    challenges: tuple[Challenge, ...] = ()
    location: str = ""
    party: Party = Party.API
    clock_seconds_ahead: int | None = None
    """By how much our clock is ahead of the server's, by the `Date` of the response."""

    @property
    def error(self) -> Challenge | None:
        """The first challenge with an error, whatever its scheme: the Sample API names another scheme than its own DPoP."""
        return next((each for each in self.challenges if "error" in each.parameters), None)

    @property
    def rejects_token(self) -> bool:
        """Whether the API wants another token (RFC 6750 section 3.1)."""
        return self.status == 401 and any(each.parameters.get("error") == "invalid_token" for each in self.challenges)


def read_api_response(
    response: Response, party: Party = Party.API, *, sent_secrets: tuple[str, ...], now: float
) -> ApiResponse:
    """Read a response; if the API echoes what must stay secret, it is redacted. `now` is wall-clock seconds.

    Raises `Unavailable` for a 429 or 5xx, and `InvalidResponse` when a 2xx has a body that is neither JSON nor plain text.
    """
    body = _read_body(response, party, sent_secrets)
    check_available(party, response, now, body=body)
    return ApiResponse(
        response.status,
        body,
        challenges.parse(redact(response.headers.get("WWW-Authenticate") or "", sent_secrets)),
        redact(response.headers.get("Location") or "", sent_secrets),
        party,
        read_seconds_ahead(response, now),
    )


def check_response(response: ApiResponse) -> None:
    """Raise `Refused`, with the response's status, words and body, unless the API responded with 2xx."""
    if 200 <= response.status < 300:
        return
    reason = _BY_STATUS.get(response.status, "redirect" if 300 <= response.status < 400 else "other")
    said = ""
    api_response = {"status": response.status, "body": response.body}
    if response.error is not None:
        parameters = response.error.parameters
        reason = parameters["error"] if parameters["error"] in _NAMED else reason
        said = f" with {quote(parameters['error'])}" + (f" ({quote(parameters['scope'])})" if "scope" in parameters else "")
        # For the caller alone: what an API says of a request may be about a person, and has no place in the log.
        if parameters.get("error_description"):
            api_response["error_description"] = quote(parameters["error_description"])
    elif reason == "redirect":
        said = f" and points to {_address_of(response.location)}"
    elif response.party is Party.SELVBETJENING:
        said = _quote_problem(response.body)
    remedy = (_SELVBETJENING_REMEDIES if response.party is Party.SELVBETJENING else _REMEDIES)[reason]
    if reason == "invalid_dpop_proof":
        remedy = f"This machine's clock is {describe_clock(response.clock_seconds_ahead, response.party)}. {remedy}"
    detail = f"{response.party.as_subject} responded with {response.status}{said}. {remedy}"
    raise Refused(response.party, reason, detail, status=response.status, api_response=api_response)


def _quote_problem(body: Any) -> str:
    """Quote the problem details (RFC 7807) of Selvbetjening, whose words are about the client and never about a patient."""
    members = body if isinstance(body, dict) else {}
    words = [quote(members[name]).rstrip(".") for name in ("title", "detail") if isinstance(members.get(name), str)]
    return f" ({'; '.join(words)})" if words else ""


def _address_of(location: str) -> str:
    """Return where a redirect points, without its query and user name, which may be secret."""
    try:
        parts = urlsplit(location)
        return quote(f"{parts.scheme}://{parts.hostname}{parts.path}") if parts.hostname else quote(parts.path) or "no address"
    except ValueError:
        return "no address"


def _read_body(response: Response, party: Party, sent_secrets: tuple[str, ...]) -> Any:
    """Read the body as a JSON value: JSON as it is, other text as a string, none as None."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    text = _read_text(response, sent_secrets)
    if not response.body:
        return None
    if is_json and text is not None:
        try:
            value = json.loads(text, parse_float=_finite, parse_constant=_finite)
            if "\\u" in text:
                # Once more without the escapes, which would hide an echo.
                value = json.loads(redact(json.dumps(value, ensure_ascii=False), sent_secrets))
        except (ValueError, RecursionError):
            pass
        else:
            return value
    elif text is not None and media_type != "text/html":
        return text
    if 200 <= response.status < 300:
        what = quote(media_type) or "bytes of no stated type"
        kind = "broken JSON" if is_json else f"{what}, which is neither JSON nor plain text in UTF-8"
        detail = f"{party.as_subject} responded with {response.status} and {kind}. Check its address and any gateway in front."
        raise InvalidResponse(party, "body", detail, status=response.status)
    return text


def _read_text(response: Response, sent_secrets: tuple[str, ...]) -> str | None:
    """Decode the body, with what we sent redacted; None when it is empty or not UTF-8 text."""
    try:
        text = response.body.decode("utf-8-sig")
        return redact(text, sent_secrets) if text and "\0" not in text else None
    except UnicodeDecodeError:
        return None


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("too large for a double")
    return value
