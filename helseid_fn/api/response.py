"""The API's response to a program's call, as it came; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urljoin

from helseid_fn.api.json_response import decode_text
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http.json_text import parse_json
from helseid_fn.http.links import parse_links
from helseid_fn.http.messages import Blocks

_BLOCK_BYTES = 64 * 1024


class ApiResponse:
    """The status, the headers and the body of a response; `repr` shows the status alone: the rest may be about a person.

    A response that was asked for with `stream` is yet to be read: in blocks by `iter_bytes`, or whole by whatever else needs
    it. Its connection is free at the end of the body, or of a `with` block.
    """

    __slots__ = ("_body", "headers", "status", "url")

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes | Blocks, url: str) -> None:
        """Take headers that are found by their names in any case, a body that is decoded, and the URL that was called."""
        self.status = status
        self.headers = headers
        self.url = url
        self._body = content

    def __repr__(self) -> str:
        return f"ApiResponse(status={self.status})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not isinstance(self._body, bytes):
            self._body.close()

    @property
    def is_streamed(self) -> bool:
        """Whether the body is yet to be read, or was read in blocks."""
        return not isinstance(self._body, bytes)

    @property
    def content(self) -> bytes:
        """The body, decoded if a gateway has compressed it.

        Reading a streamed one raises `Unavailable`, `DeadlineExceeded` or `InvalidResponse`.
        """
        if not isinstance(self._body, bytes):
            self._body = b"".join(self._body)
        return self._body

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
        """Yield the body in blocks of at most 64 KiB; of a streamed one they are read as they arrive, and once.

        Raises what `content` raises.
        """
        if not isinstance(self._body, bytes):
            yield from self._body
            return
        for start in range(0, len(self._body), _BLOCK_BYTES):
            yield self._body[start : start + _BLOCK_BYTES]
