"""Everything that goes wrong while the register is followed, one mishap after the other."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import inf

from standin import StandIn, faults
from tests.long.delivery.places import AwsPlace, GooglePlace


class Mishaps:
    """Causes each in turn, once there was progress since the one before, and ends it after a tenth of a run's deadline."""

    def __init__(
        self, standin: StandIn, place: GooglePlace | AwsPlace, deadline_seconds: float, progress: Callable[[], int]
    ) -> None:
        """Take what returns the cursor: on a busy machine, mishaps must not come faster than pages."""
        self.happened: Counter[str] = Counter()
        self._standin = standin
        self._place = place
        self._progress = progress
        self._seconds = deadline_seconds / 10
        self._over = threading.Event()
        api, helseid, slow_seconds = standin.api, standin.helseid, deadline_seconds * 0.4
        place.slow_down(slow_seconds)
        self._all: dict[str, Callable[[], None]] = {
            "the API is down": api.stop,
            "the API responds with 503": lambda: api.fail_always("api", faults.Problem(503)),
            "the API responds with 429": lambda: api.fail_next("api", faults.Problem(429), times=3),
            "the API loses responses": lambda: api.fail_next("api", faults.Reset(handled=True), times=4),
            "the API cuts responses short": lambda: api.fail_next("api", faults.CutShort(), times=4),
            "the API closes connections": lambda: api.fail_next("api", faults.Close(), times=4),
            "the API is slow": lambda: api.fail_next("api", faults.Slow(slow_seconds), times=2),
            "the API never responds": lambda: api.fail_next("api", faults.Hang()),
            "the API revokes the tokens": standin.revoke_tokens,
            "the API replaces its nonces": lambda: standin.rotate_nonces("api"),
            "HelseID is down": lambda: self._deny_tokens(helseid.stop),
            "HelseID responds with 503": lambda: self._deny_tokens(lambda: helseid.fail_always("token", faults.Problem(503))),
            **{f"the bucket {fault}": partial(place.fail, fault, inf if fault == "is down" else 4) for fault in place.faults},
        }

    def __len__(self) -> int:
        return len(self._all)

    @property
    def all_happened(self) -> bool:
        """Whether each has happened."""
        return len(self.happened) == len(self._all)

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
            before = self._progress()
            while self._progress() == before and not self._over.is_set():
                self._over.wait(self._seconds)
            if self._over.is_set():
                return
            self._all[name]()
            self.happened[name] += 1
            self._over.wait(self._seconds)
            self._recover()

    def _deny_tokens(self, fail: Callable[[], None]) -> None:
        self._standin.revoke_tokens()
        fail()

    def _recover(self) -> None:
        for party in (self._standin.api, self._standin.helseid):
            party.clear_faults()
            party.start()
        self._place.recover()
