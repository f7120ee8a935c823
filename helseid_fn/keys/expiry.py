"""When a client key expires, or is taken to expire where nobody said it. Pure."""

from __future__ import annotations

from typing import NamedTuple

DAY_SECONDS = 86400
ASSUMED_LIFETIME_DAYS = 90
"""For a key whose expiry is not known, counted from when it was made, or else from when it was stored."""


class KeyExpiry(NamedTuple):
    """When a key expires, in seconds since the epoch, and whether that is only assumed."""

    at: int
    is_assumed: bool = False


def find_expiry(*, expires_at: int | None, made_at: int | None, stored_at: int | None) -> KeyExpiry | None:
    """Return when a key expires, from what is known of it; None when nothing is."""
    if expires_at is not None:
        return KeyExpiry(expires_at)
    starts_at = stored_at if made_at is None else made_at
    return None if starts_at is None else KeyExpiry(starts_at + ASSUMED_LIFETIME_DAYS * DAY_SECONDS, is_assumed=True)
