"""The API's response, its body as a JSON value; pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http import challenges
from helseid_fn.http.challenges import Challenge
from helseid_fn.http.clock import read_seconds_ahead
from helseid_fn.http.messages import Response
from helseid_fn.http.retries import check_available
from helseid_fn.redaction import quote, redact


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
    response: Response, party: Party = Party.API, *, sent_secrets: tuple[str, ...], now: float, idempotent: bool = True
) -> ApiResponse:
    """Read a response; if the API echoes what must stay secret, it is redacted. `now` is wall-clock seconds.

    Raises `Unavailable` for a 429 or 5xx, and `InvalidResponse` when a 2xx has a body that is neither JSON nor plain text.
    """
    body = _read_body(response, party, sent_secrets)
    check_available(party, response, now, body=body, idempotent=idempotent)
    return ApiResponse(
        response.status,
        body,
        challenges.parse(redact(response.headers.get("WWW-Authenticate") or "", sent_secrets)),
        redact(response.headers.get("Location") or "", sent_secrets),
        party,
        read_seconds_ahead(response, now),
    )


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
