"""The API's response to a program's call, as it came; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from helseid_fn.api.json_response import decode_text
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http.json_text import parse_json
from helseid_fn.http.links import parse_links

_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The status, the headers and the body of a response; `repr` shows the status alone: the rest may be about a person."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """By their names in any case."""
    content: bytes = field(repr=False)
    """The body, decoded if a gateway has compressed it."""
    url: str = field(repr=False)
    """The URL that was called."""

    @property
    def text(self) -> str:
        """The body as text in the charset that it names, else in UTF-8; what cannot be decoded becomes U+FFFD."""
        content_type = self.headers.get("Content-Type", "")
        text = decode_text(self.content, content_type, is_json=False)
        return self.content.decode(errors="replace") if text is None else text

    @property
    def links(self) -> dict[str, str]:
        """The URLs in the header `Link`, by their relations (RFC 8288), such as `next`."""
        found = {}
        for relation, link in parse_links(self.headers.get("Link")).items():
            with suppress(ValueError):  # a link that is no URL
                found[relation] = urljoin(self.url, link)
        return found

    def json(self) -> Any:
        """Return the body parsed as JSON, of whatever type it says it is. Raises `InvalidResponse` if it is not JSON."""
        try:
            return parse_json(decode_text(self.content, self.headers.get("Content-Type", ""), is_json=True) or "")
        except ValueError:
            what = "a body that is not JSON" if self.content else "no body"
            detail = f"The API responded with {self.status} and {what}, where JSON was expected. Look at `content`."
            raise InvalidResponse(Party.API, "body", detail, status=self.status) from None

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield the body in blocks of 64 KiB; it is in memory already."""
        for start in range(0, len(self.content), _BLOCK_BYTES):
            yield self.content[start : start + _BLOCK_BYTES]
