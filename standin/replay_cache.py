"""A replay cache for the jti of assertions and proofs."""

import threading
from collections.abc import Callable


class ReplayCache:
    """Remembers values until they expire."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Read the time from this clock."""
        self._now = now
        self._expiry: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, value: str, until: float) -> bool:
        """Add a value; return False if it is already there."""
        now = self._now()
        with self._lock:
            if self._expiry.get(value, 0.0) > now:
                return False
            self._purge(now)
            self._expiry[value] = until
            return True

    def _purge(self, now: float) -> None:
        # A dictionary keeps the order of insertion, so the first entries are the oldest.
        for value, until in list(self._expiry.items())[:8]:
            if until <= now:
                del self._expiry[value]
