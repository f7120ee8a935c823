"""An API's response with its body as a JSON value, text or bytes, as reports and errors show it; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from helseid_fn.echo import may_show, redact, redact_json
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http import challenges
from helseid_fn.http.challenges import Challenge
from helseid_fn.http.clock import read_seconds_ahead
from helseid_fn.http.json_text import parse_json
from helseid_fn.http.messages import Response
from helseid_fn.http.retries import check_available

CALLER_HEADERS = ("content-location", "content-type", "etag", "last-modified", "link", "location", "retry-after")
"""What a caller needs for conditional requests, for the next page, to find what was created, and to read what is not JSON."""

_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_CHARSETS = re.compile(r"us-ascii|(iso-?8859-|latin-?)\d{1,2}|(windows-|cp)125\d|utf-?(16|32)([lb]e)?")
"""Beside UTF-8; others of Python's codecs are not charsets, or not meant."""

_KNOWN_TYPES = frozenset(
    ("text/html", "text/plain", "text/xml", "application/xml", "application/pdf", "application/octet-stream", "image/png")
)
"""The media types that a sentence names: any other may be a word that is about a person."""

MAX_WORDS_BYTES = 128 * 1024
"""The largest body of a failure that a caller receives: every host can return it, even if escaping makes it 7 times larger."""


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """The status, the body, the headers that the caller gets, and the challenges of a 401 or 403."""

    status: int
    body: Any
    """A JSON value, which for text is a string; bytes, if it is neither."""
    challenges: tuple[Challenge, ...] = ()
    location: str = ""
    party: Party = Party.API
    clock_seconds_ahead: int | None = None
    """By how much our clock is ahead of the server's, by the `Date` of the response."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case; only those of `CALLER_HEADERS`, and `content-type` only of a body that is not JSON."""

    @property
    def error(self) -> Challenge | None:
        """The first challenge with an error, whatever its scheme: the Sample API names another scheme than its own DPoP."""
        return next((each for each in self.challenges if each.parameters.get("error")), None)


def rejects_token(response: Response) -> bool:
    """Return whether the API wants another token (RFC 6750 section 3.1)."""
    return "invalid_token" in _read_errors(response)


def asks_for_proof(response: Response) -> bool:
    """Return whether the API wants another proof (RFC 9449 section 7.1)."""
    return "invalid_dpop_proof" in _read_errors(response)


def _read_errors(response: Response) -> set[str | None]:
    found = challenges.parse(response.headers.get("WWW-Authenticate")) if response.status == 401 else ()
    return {each.parameters.get("error") for each in found}


def read_json_response(
    response: Response, party: Party = Party.API, *, sent_secrets: tuple[str, ...], now: float, idempotent: bool = True
) -> JsonResponse:
    """Read a response; if the API echoes what must stay secret, it is redacted. `now` is wall-clock seconds.

    Raises `Unavailable` for a transient status, and `InvalidResponse` when a 2xx has a web page or broken JSON as its body, or,
    from another party than the API, anything that is neither JSON nor text.
    """
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    body = _read_body(response, party, media_type, sent_secrets, is_json=is_json)
    check_available(party, response, now, body=body, idempotent=idempotent)
    names = (name for name in CALLER_HEADERS if name != "content-type" or (body is not None and not is_json))
    headers = {name: redact(response.headers[name], sent_secrets) for name in names if name in response.headers}
    return JsonResponse(
        response.status,
        body,
        challenges.parse(redact(response.headers.get("WWW-Authenticate") or "", sent_secrets)),
        redact(response.headers.get("Location") or "", sent_secrets),
        party,
        read_seconds_ahead(response, now),
        headers,
    )


def _read_body(response: Response, party: Party, media_type: str, sent_secrets: tuple[str, ...], *, is_json: bool) -> Any:
    """Read the body: JSON as it is, text as a string, the API's other bytes as bytes, none as None."""
    is_success = 200 <= response.status < 300
    if is_success:
        response.require_body()
    if not response.body or (response.status >= 300 and len(response.body) > MAX_WORDS_BYTES):
        return None
    text = decode_text(response.body, response.headers.get("Content-Type", ""), is_json=is_json)
    if is_success and party is Party.API and not is_json and _is_binary(media_type, text):
        return redact(response.body.decode("latin-1"), sent_secrets).encode("latin-1")
    if text is not None and not is_json:
        text = redact(text, sent_secrets)
    if is_json and text is not None:
        try:
            value = parse_json(text)
        except ValueError:
            text = redact(text, sent_secrets)
        else:
            return redact_json(value, sent_secrets) if may_show(text, sent_secrets) else value
    elif text is not None and media_type != "text/html":
        return text
    if is_success:
        what = media_type if media_type in _KNOWN_TYPES else "bytes of another type"
        kind = "broken JSON" if is_json else f"{what}, which is neither JSON nor plain text in UTF-8 or a charset that it names"
        detail = f"{party.as_subject} responded with {response.status} and {kind}. Check its address and any gateway in front."
        raise InvalidResponse(party, "body", detail, status=response.status)
    return text


def _is_binary(media_type: str, text: str | None) -> bool:
    """Return whether a body is binary by its type, or because it cannot be decoded as text; a web page never is."""
    is_text = media_type.startswith("text/") or media_type.endswith(("/xml", "+xml")) or not media_type
    return media_type != "text/html" and (text is None or not is_text)


def decode_text(body: bytes, content_type: str, *, is_json: bool) -> str | None:
    """Decode the body; None when it is not text in its charset, or else in UTF-8.

    JSON is UTF-8 whatever it says (RFC 8259 section 8.1), unless it cannot be.
    """
    named = _CHARSET.search(content_type)
    charset = named.group(1).lower() if named and _CHARSETS.fullmatch(named.group(1).lower()) else "utf-8-sig"
    for each in ("utf-8-sig", charset) if is_json else (charset,):
        try:
            text = body.decode(each)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\0" not in text:
            return text
    return None
