"""Remembers for a moment what HelseID has refused for good, so that repeated calls do not repeat the token request."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from helseid_fn.errors import Refused

REMEMBERED_SECONDS = 30
MAX_REFUSALS = 1000

_MAY_PASS = ("invalid_client", "invalid_dpop_proof")
"""Not remembered: HelseID knows a new key after some seconds, and a replaced key or a corrected clock counts at once."""

Key = TypeVar("Key", bound=Hashable)


class RecentRefusals(Generic[Key]):
    """The latest refusals by what was asked for; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refusals: OrderedDict[Key, tuple[Refused, float]] = OrderedDict()

    def check(self, key: Key, now: float) -> None:
        """Raise the refusal of this within the last 30 s, if there was one; `now` is seconds since the epoch."""
        with self._lock:
            refusal, refused_at = self._refusals.get(key, (None, 0.0))
            if refusal is not None and not 0 <= now - refused_at < REMEMBERED_SECONDS:
                del self._refusals[key]
                refusal = None
        if refusal is not None:
            raise refusal.without_traceback()

    def add(self, key: Key, refusal: Refused, now: float) -> None:
        """Remember a refusal, unless it may pass within seconds."""
        if refusal.reason in _MAY_PASS:
            return
        with self._lock:
            if key not in self._refusals:
                self._refusals[key] = (refusal.without_traceback(), now)
            if len(self._refusals) > MAX_REFUSALS:
                self._refusals.popitem(last=False)
