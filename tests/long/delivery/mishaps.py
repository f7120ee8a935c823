"""Everything that goes wrong while the register is followed, one mishap after the other."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

from standin import StandIn, faults
from standin.http_party import HttpParty
from tests.long.delivery.places import AwsPlace, GooglePlace

LONG_FAULTS = ("is down",)
"""What a place does until it recovers; each of the others fails a few requests."""


class Mishaps:
    """Causes each in turn: a time of rest, then one that is over after as long."""

    def __init__(self, standin: StandIn, place: GooglePlace | AwsPlace, deadline_seconds: float) -> None:
        self.happened: Counter[str] = Counter()
        self._standin = standin
        self._place = place
        self._seconds = deadline_seconds / 5
        self._over = threading.Event()
        api, slow_seconds = standin.api, deadline_seconds * 0.4
        place.slow_down(slow_seconds)
        lost = (faults.Reset(handled=True), faults.CutShort(), faults.Close(), faults.Reset())
        self._all: dict[str, Callable[[], object]] = {
            "the API is down": lambda: self._stop(api),
            "the API responds with 503": lambda: api.fail_always("api", faults.Problem(503)),
            "the API responds with 429": lambda: api.fail_next("api", faults.Problem(429), times=3),
            "the API loses connections": lambda: [api.fail_next("api", fault, times=2) for fault in lost],
            "the API is slow": lambda: api.fail_next("api", faults.Slow(slow_seconds), times=2),
            "the API never responds": lambda: api.fail_next("api", faults.Hang()),
            "the API revokes the tokens": standin.revoke_tokens,
            "the API replaces its nonces": lambda: standin.rotate_nonces("api"),
            "HelseID is down": lambda: (standin.revoke_tokens(), self._stop(standin.helseid)),
            "HelseID responds with 503": lambda: (
                standin.revoke_tokens(),
                standin.helseid.fail_always("token", faults.Problem(503)),
            ),
            **{
                f"the bucket {fault}": lambda fault=fault: place.fail(fault, inf if fault in LONG_FAULTS else 4)
                for fault in place.faults
            },
        }

    def __len__(self) -> int:
        return len(self._all)

    @contextmanager
    def occurring(self) -> Iterator[None]:
        """Cause them in a thread, and recover from the last at the end."""
        thread = threading.Thread(target=self._cause)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _cause(self) -> None:
        for name in itertools.cycle(self._all):
            if self._over.wait(self._seconds):
                return
            self._all[name]()
            self.happened[name] += 1
            self._over.wait(self._seconds)
            self._recover()

    def _stop(self, party: HttpParty) -> None:
        party.stop()

    def _recover(self) -> None:
        for party in (self._standin.api, self._standin.helseid):
            party.clear_faults()
            party.start()
        self._place.recover()
