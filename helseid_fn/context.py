"""What one invocation did: the figures of its answer and of its one log line come from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from helseid_fn.errors import Party

_NAMES = {party: party.slug for party in Party} | {Party.SECRET_MANAGER: "secret_store"}


class Journal:
    """Counts and times the requests of one invocation; used by one thread."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started_at = monotonic()
        self._seconds = dict.fromkeys(Party, 0.0)
        self.requests = dict.fromkeys(Party, 0)
        self.outcomes: dict[Party, list[int | str]] = {party: [] for party in Party}
        """Per party, in order: the status of each answer, or the word for why there was none."""
        self.facts: dict[str, Any] = {}
        """What support will ask for: `kid`, `assertion_jti`, `clock_difference_seconds`. Never anything that opens a door."""

    @contextmanager
    def request(self, party: Party) -> Iterator[None]:
        """Count one request to the party and the time that it takes, whatever its outcome."""
        self.requests[party] += 1
        began_at = self._monotonic()
        try:
            yield
        finally:
            self._seconds[party] += self._monotonic() - began_at

    def note_outcome(self, party: Party, outcome: int | str) -> None:
        """Note a status, or the word for why there was no answer."""
        self.outcomes[party].append(outcome)

    def note(self, **facts: Any) -> None:
        """Note what support will ask for; the latest value of a name stands, and None takes it back."""
        self.facts.update(facts)
        self.facts = {name: fact for name, fact in self.facts.items() if fact is not None}

    def duration_ms(self) -> int:
        """Return the time since the invocation began, in whole milliseconds."""
        return round((self._monotonic() - self._started_at) * 1000)

    def request_counts(self) -> dict[str, int]:
        """Return how many requests went to each party; to Selvbetjening only keys that are replaced give reason."""
        parties = [party for party in Party if party is not Party.SELVBETJENING or self.requests[party]]
        return {_NAMES[party]: self.requests[party] for party in parties}

    def summary(self) -> dict[str, Any]:
        """Return the fields of the log line: what was asked of whom, with what outcome and in what time."""
        asked = [party for party in Party if self.requests[party]]
        return {
            "duration_ms": self.duration_ms(),
            "durations_ms": {_NAMES[party]: round(self._seconds[party] * 1000) for party in asked},
            "requests": self.request_counts(),
            "outcomes": {_NAMES[party]: self.outcomes[party] for party in asked},
            **self.facts,
        }
