"""The stand-in's clock, which a test can move."""

import time
from collections.abc import Callable


class Clock:
    """A clock with an offset from its source."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        """Start without an offset."""
        self._source = source
        self._offset = 0.0

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self._source() + self._offset

    def move(self, seconds: float) -> None:
        """Move forward by this many seconds, or back if negative."""
        self._offset += seconds
