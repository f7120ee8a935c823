"""The two halves of an HTTP exchange, the message sent and the response received, and the dates in a response; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from helseid_fn.errors import InvalidResponse
from helseid_fn.http.json_text import parse_json


class Stream(Protocol):
    """A body of known length that is read while it is sent."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def read(self, size: int = -1) -> bytes:
        """Read at most so many bytes, none at the end."""
        ...


class Blocks(Protocol):
    """A body in blocks, which are read once."""

    is_read: bool

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Read nothing more, and free the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """The headers and the body of one request, built for one attempt."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Stream | None = field(default=None, repr=False)


Build = Callable[[str, str | None], Message]
"""Builds a message from the URL as it will be sent and the nonce to use, which is None while none is known."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response, whatever its status."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Header names are case-insensitive."""
    body: bytes = field(repr=False)
    unreadable: InvalidResponse | None = field(default=None, compare=False, repr=False)
    """Why there is no body, if it could not be read."""
    stream: Blocks | None = field(default=None, compare=False, repr=False)
    """The body instead, if it is to be read as it arrives."""

    def require_body(self) -> None:
        """Raise why the body could not be read, if it could not."""
        if self.unreadable is not None:
            raise self.unreadable

    def json(self) -> Any:
        """Return the body parsed as JSON, or None if it is not JSON."""
        try:
            return parse_json(self.body)
        except ValueError:
            return None

    def json_members(self) -> dict[str, Any]:
        """Return the body parsed as a JSON object, or an empty one if it is not an object."""
        members = self.json()
        return members if isinstance(members, dict) else {}


def parse_http_date(value: str | None) -> float | None:
    """Return an HTTP date (RFC 9110 section 5.6.7) as seconds since the epoch, or None if it is missing or invalid."""
    try:
        at = parsedate_to_datetime(value or "")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
