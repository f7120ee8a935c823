"""The time that one invocation has, inside which every wait and every timeout fits."""

from __future__ import annotations

import time
from collections.abc import Callable

from helseid_fn.errors import DeadlineExceeded, Party


class Deadline:
    """Counts down from the invocation's start; the clock is monotonic, so that a clock step changes nothing."""

    def __init__(self, seconds: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.total_seconds = seconds
        self._monotonic = monotonic
        self._ends_at = monotonic() + seconds

    @property
    def share_seconds(self) -> float:
        """What one try may take of a party that answers quickly or not at all: a third, so that two retries fit."""
        return self.total_seconds / 3

    def left_seconds(self) -> float:
        """Return the time left, never less than 0."""
        return max(0.0, self._ends_at - self._monotonic())

    def check(self, party: Party) -> float:
        """Return the time left, or raise `DeadlineExceeded` for the party that was to be waited for."""
        left = self.left_seconds()
        if left <= 0:
            raise DeadlineExceeded(party, self.total_seconds)
        return left
