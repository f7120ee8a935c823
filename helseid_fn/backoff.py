"""How long to wait before trying again, and whether the deadline leaves room for it; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_TRANSIENT_RETRIES = 2
"""A transient fault is retried at most this often for one request."""

FIRST_PAUSE_SECONDS = 0.2


def pause_seconds(retries_done: int, random: float) -> float:
    """Return the jittered pause before the next try: between half and the whole of 0.2 s, doubled with every try.

    `random` is uniform in [0, 1).
    """
    return FIRST_PAUSE_SECONDS * (1 << retries_done) * (0.5 + random / 2)


def parse_retry_after(value: str | None, now: float) -> int | None:
    """Parse a `Retry-After` header (RFC 9110 section 10.2.3) into whole seconds from now; None when absent or unreadable.

    `now` is wall-clock seconds since the epoch.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    at = parse_http_date(value)
    return None if at is None else max(0, round(at - now))


def parse_http_date(value: str | None) -> float | None:
    """Parse an HTTP date (RFC 9110 section 5.6.7) into seconds since the epoch; None when absent or unreadable."""
    try:
        at: datetime = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
