"""Memory of what may be used once only: the jti of assertions and proofs."""

import threading
from collections.abc import Callable


class SeenOnce:
    """Remembers each value until a moment that the caller names."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Forget by this clock."""
        self._now = now
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def burn(self, value: str, until: float) -> bool:
        """Use a value up; false when it was used before."""
        now = self._now()
        with self._lock:
            if self._until.get(value, 0.0) > now:
                return False
            self._forget(now)
            self._until[value] = until
            return True

    def _forget(self, now: float) -> None:
        # Dictionaries keep insertion order, so the first entries are the oldest: stop at the first that is still held.
        for value, until in list(self._until.items())[:8]:
            if until <= now:
                del self._until[value]
