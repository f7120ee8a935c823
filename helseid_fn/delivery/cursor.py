"""A job's cursor: what it has delivered, stored by compare-and-swap."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused

MAX_CURSOR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """The text of a cursor and its version in the store: a generation, an ETag or a digest."""

    text: bytes = field(repr=False)
    version: str


class CursorStore(Protocol):
    """Keeps one cursor; safe for threads."""

    def read(self, ctx: Context) -> Stored | None:
        """Return the cursor, or None when there is none; at most `MAX_CURSOR_BYTES` + 1 bytes of it are read.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded` of `Party.DELIVERY`.
        """
        ...

    def write(self, text: bytes, version: str | None, ctx: Context) -> str | None:
        """Store the cursor if it is still this version, None for not there, and return its new version; else return None.

        When the outcome of a write is unknown, the cursor is read back before the write counts as failed. Raises what `read`
        raises.
        """
        ...


class Cursor:
    """Where a job stands in a feed: any JSON value, None before the first run."""

    def __init__(self, store: CursorStore, address: str, ctx: Context, *, now: Callable[[], float]) -> None:
        """Take `now`, wall-clock seconds; nothing is read before `value` is asked for."""
        self._store = store
        self._address = address
        self._ctx = ctx
        self._now = now
        self._version: str | None = None
        self._value: Any = None
        self._is_read = False

    @property
    def value(self) -> Any:
        """The value that was stored last, by this run or an earlier one.

        Raises `InvalidResponse` for a cursor that cannot be read: a job never starts from the beginning unasked.
        """
        self._read()
        return self._value

    def advance(self, value: Any) -> None:
        """Store a JSON value at once, unless another run has moved the cursor since this one read it.

        Raises `Refused` with the reason `overtaken` if one has: that run goes on, and this one ends. Raises `TypeError` or
        `ValueError` for what JSON cannot say.
        """
        self._read()
        now = self._now()
        moved = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        text = json.dumps({"value": value, "moved": moved, "invocation": self._ctx.invocation_id}, allow_nan=False).encode()
        if len(text) > MAX_CURSOR_BYTES:
            raise Refused(Party.DELIVERY, "too_large", "The cursor is larger than 64 KiB. Store less in it.")
        version = self._store.write(text, self._version, self._ctx)
        if version is None:
            what = f"Another run has moved the cursor {self._address} since this one read it, or somebody has deleted it."
            raise Refused(Party.DELIVERY, "overtaken", f"{what} The next run goes on from there, and nothing is lost.")
        # As the next run reads it: a tuple is a list then, and what the job does to its own list changes nothing.
        self._version, self._value = version, json.loads(text)["value"]
        self._ctx.note(cursor_unmoved_hours=0)

    def _read(self) -> None:
        if self._is_read:
            return
        stored = self._store.read(self._ctx)
        if stored is not None:
            self._value, moved_at = self._parse(stored.text)
            self._version = stored.version
            if moved_at is not None:
                self._ctx.note(cursor_unmoved_hours=round(max(0.0, self._now() - moved_at) / 3600, 2))
        self._is_read = True

    def _parse(self, text: bytes) -> tuple[Any, float | None]:
        """Return the value, and when it was stored, which a cursor that was written by hand need not say."""
        try:
            members = json.loads(text if len(text) <= MAX_CURSOR_BYTES else b"")
            moved = members.get("moved")
            return members["value"], None if moved is None else datetime.fromisoformat(moved).timestamp()
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError):
            remedy = 'Write {"value": ...} by hand, or delete it to start from the beginning.'
            detail = f"The cursor {self._address} cannot be read. {remedy}"
            raise InvalidResponse(Party.DELIVERY, "cursor", detail) from None
