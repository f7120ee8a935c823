"""One HTTP exchange: the message that is built for it and the answer that came; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """The headers and the body of one request, made for this one attempt."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


Build = Callable[[str, str | None], Message]
"""Builds a message anew from the URL as it will be sent and the nonce to use, None when none is known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, whatever its status."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names compare without regard to case."""
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Parse the body as JSON; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def json_members(self) -> dict[str, Any]:
        """Parse the body as a JSON object; empty when it is not one."""
        members = self.json()
        return members if isinstance(members, dict) else {}


def parse_http_date(value: str | None) -> float | None:
    """Parse an HTTP date (RFC 9110 section 5.6.7) into seconds since the epoch; None when absent or unreadable."""
    try:
        at = parsedate_to_datetime(value or "")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
