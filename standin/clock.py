"""The stand-in's own clock, which a test can move ahead of or behind the real one."""

import time
from collections.abc import Callable


class Clock:
    """Seconds since 1970 from a source, plus whatever it was moved by."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        """Start in step with the source."""
        self._source = source
        self._moved = 0.0

    def now(self) -> float:
        """Tell the time in seconds since 1970."""
        return self._source() + self._moved

    def move(self, seconds: float) -> None:
        """Go ahead by this many seconds; negative goes back."""
        self._moved += seconds
