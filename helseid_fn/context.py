"""One invocation's deadline and record: every wait fits inside the one, and the log line is written from the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded
from helseid_fn.keys.expiry import DAY_SECONDS, KeyExpiry

_NAMES = {party: party.slug for party in Party} | {Party.SECRET_MANAGER: "secret_store"}


class Context:
    """The deadline, the request counts, the durations and the facts of one invocation; used by one thread."""

    def __init__(
        self,
        deadline_seconds: float,
        *,
        invocation_id: str = "",
        facts: Mapping[str, Any] = MappingProxyType({}),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the countdown; the clock is monotonic, so that a clock step changes nothing."""
        self.deadline_seconds = deadline_seconds
        self.invocation_id = invocation_id
        self.traceparent = ""
        """The W3C traceparent that the invocation came with, of version 00, whose trace goes on in calls to the API."""
        self._monotonic = monotonic
        self._started_at = monotonic()
        self._ends_at = self._started_at + deadline_seconds
        self._seconds = dict.fromkeys(Party, 0.0)
        self.requests = dict.fromkeys(Party, 0)
        self.outcomes: dict[Party, list[int | str]] = {party: [] for party in Party}
        """Per party, in order: the status of each response, or the word for why there was none."""
        self.facts: dict[str, Any] = dict(facts)
        """More fields of the log line: trace, organization, `kid`, `assertion_jti`. Never anything that grants access."""
        self.runs_own_job = False
        """Whether a job of the user's own runs, whose exceptions are not defects of ours."""
        self.early_connections: dict[str, Callable[[float], None]] = {}
        """For each origin that a thread connects to for this invocation, what waits for that and raises its failure."""
        self.longest_seconds = 0.0
        """The longest request so far, to whichever party."""
        self.token_expires_at = 0.0
        self.token_scopes: frozenset[str] = frozenset()
        self.sent_secrets: tuple[str, ...] = ()
        """What the latest call to the API sent that must not be shown, should the API echo it."""

    @property
    def attempt_seconds(self) -> float:
        """The time limit of one attempt at a party that responds fast or not at all: a third, so that two retries fit."""
        return self.deadline_seconds / 3

    def left_seconds(self) -> float:
        """Return the time left, never less than 0."""
        return max(0.0, self._ends_at - self._monotonic())

    def check(self, party: Party) -> float:
        """Return the time left, or raise `DeadlineExceeded` for the party that would have been waited for."""
        left = self.left_seconds()
        if left <= 0:
            raise DeadlineExceeded(party, self.deadline_seconds)
        return left

    @contextmanager
    def request(self, party: Party) -> Iterator[None]:
        """Count one request to the party, and the time that it takes whatever its outcome."""
        self.requests[party] += 1
        began_at = self._monotonic()
        try:
            yield
        finally:
            seconds = self._monotonic() - began_at
            self._seconds[party] += seconds
            self.longest_seconds = max(self.longest_seconds, seconds)

    def note_outcome(self, party: Party, outcome: int | str) -> None:
        """Note a response's status, or the word for why there was no response."""
        self.outcomes[party].append(outcome)

    def note(self, **facts: Any) -> None:
        """Note facts for the log line; the latest value of a name counts, and None removes it."""
        self.facts.update(facts)
        self.facts = {name: fact for name, fact in self.facts.items() if fact is not None}

    def note_token(self, expires_at: float, scopes: frozenset[str], sent_secrets: tuple[str, ...]) -> None:
        """Note the token of the latest call: when it expires, in wall-clock seconds, and what was sent with it."""
        self.token_expires_at, self.token_scopes, self.sent_secrets = expires_at, scopes, sent_secrets

    def note_key_expiry(self, expiry: KeyExpiry | None, now: float) -> None:
        """Note when the client key expires, None when nothing is known of it; `now` is wall-clock seconds.

        A moment that is only assumed is not noted, but the days until then are.
        """
        self.note(key_expires=None, key_expires_in_days=None, key_expires_assumed=None, key_expires_unknown=None)
        if expiry is None:
            return self.note(key_expires_unknown=True)
        self.note(key_expires_in_days=round((expiry.at - now) / DAY_SECONDS, 2))
        if expiry.is_assumed:
            return self.note(key_expires_assumed=True)
        return self.note(key_expires=datetime.fromtimestamp(expiry.at, UTC).isoformat().replace("+00:00", "Z"))

    def duration_ms(self) -> int:
        """Return the time since the invocation began, in whole milliseconds."""
        return round((self._monotonic() - self._started_at) * 1000)

    def request_counts(self) -> dict[str, int]:
        """Return the number of requests to each party; Selvbetjening and the place of delivery are listed only if called."""
        rare = (Party.SELVBETJENING, Party.DELIVERY)
        parties = [party for party in Party if party not in rare or self.requests[party]]
        return {_NAMES[party]: self.requests[party] for party in parties}

    def log_fields(self) -> dict[str, Any]:
        """Return the fields of the log line: the facts, and the requests with their outcomes and durations."""
        called = [party for party in Party if self.requests[party]]
        return {
            "invocation": self.invocation_id,
            "duration_ms": self.duration_ms(),
            "durations_ms": {_NAMES[party]: round(self._seconds[party] * 1000) for party in called},
            "requests": self.request_counts(),
            "outcomes": {_NAMES[party]: self.outcomes[party] for party in called},
            **self.facts,
        }
