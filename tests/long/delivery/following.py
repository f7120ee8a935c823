"""Follows a growing register to its end, with two instances whose runs overlap, while everything fails."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from demo.processes import bare_environment
from standin import StandIn, make_jwk
from standin.address_register import SCOPE
from tests.conftest import ROOT
from tests.long.delivery.mishaps import Mishaps
from tests.long.delivery.places import CURSOR, AwsPlace, GooglePlace, open_place, read_cursor
from tests.support.deployment import client_of
from tests.support.register import Register

INSTANCES = 2
MOST_GROWTH_BYTES = 8 * 1024 * 1024
LEAST_CYCLES = 3
"""How often each mishap must have happened before memory is judged."""
OUR_FAULT = ("helseid.refused.", "function.", "job.", "invocation.", "signing_key.", "delivery.invalid_response.cursor")


@dataclass(frozen=True)
class Task:
    """How long the register is, and how long its requests and a run may take."""

    events: int
    page: int
    page_seconds: float
    deadline_seconds: float

    @property
    def most_runs(self) -> int:
        """After how many runs the register counts as not followed."""
        return 100 + 20 * self.events // self.page


class Instance:
    """A process that runs the function, and how its runs have ended."""

    def __init__(self, cloud: str, environment: dict[str, str], log: Path) -> None:
        self.codes: Counter[str] = Counter()
        self._memory: list[int] = []
        """In bytes, after each run."""
        with log.open("a") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.long.delivery.host", cloud],
                cwd=ROOT,
                env={**bare_environment(), **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(timeout=60)

    def run(self) -> None:
        """Run the function once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write('{"pages": -1, "by_event": false}\n')
        self._process.stdin.flush()
        report = json.loads(self._process.stdout.readline())
        self.codes[report["code"]] += 1
        self._memory.append(report["resident_bytes"])

    @property
    def is_misused(self) -> bool:
        """Whether a run ended in a way that no mishap explains."""
        return any(code.startswith(OUR_FAULT) for code in self.codes)

    def early_and_late(self) -> tuple[int, int]:
        """Return the most memory after the runs of each half; in both, failed clients of the clouds were replaced."""
        half = len(self._memory) // 2 + 1
        return max(self._memory[:half]), max(self._memory[-half:])


@dataclass
class Watch:
    """Looks at the bucket all the time."""

    place: GooglePlace | AwsPlace
    register: Register
    looks: int = 0
    cursor: int = 0
    faults: list[str] = field(default_factory=list)

    def look(self) -> int:
        """Check that the cursor has not gone back, nor passed what is stored, and return it."""
        before, self.cursor = self.cursor, read_cursor(self.place)
        reached = find_reach(self.place.names())  # read after the cursor: objects are only ever added
        self.looks += 1
        if self.cursor < before:
            self.faults.append(f"the cursor went back from {before} to {self.cursor}")
        if self.cursor > reached:
            self.faults.append(f"the cursor stood at {self.cursor} when only {reached} events were delivered")
        return self.cursor

    def check_objects(self, events: int) -> int:
        """Check each object against the register, and return how many there are."""
        names = [name for name in self.place.names() if name != CURSOR]
        for name in names:
            first, last = (int(number) for number in name.split("-"))
            if json.loads(self.place.read(name) or b"null") != self.register.read(first, last):
                self.faults.append(f"{name} has other events, or in another order")
        if (reached := find_reach(names)) != events:
            self.faults.append(f"{reached} of {events} events were delivered")
        return len(names)


def find_reach(names: Iterable[str]) -> int:
    """Return the number up to which every event is in an object of these names."""
    reached = 0
    for first, last in sorted(tuple(map(int, name.split("-"))) for name in names if name != CURSOR):
        if first > reached + 1:
            break
        reached = max(reached, last)
    return reached


def follow_register(cloud: str, task: Task, folder: Path) -> dict[str, Any]:
    """Follow a register to its end, and return the figures."""
    jwk = make_jwk("ES256")
    key_file = folder / f"{cloud}-follow.jwk.json"
    key_file.touch(0o600)
    key_file.write_text(json.dumps(jwk))
    with StandIn([client_of(jwk, other_scopes=[SCOPE])], api_nonce=True) as standin, open_place(cloud) as place:
        growth = task.page * 2 // 5
        register = Register(standin, task.events, task.page, growth=growth, page_seconds=task.page_seconds)
        places = {"RESULT_TO": place.address, "DEADLINE_SECONDS": f"{task.deadline_seconds:g}"}
        environment = {**standin.environment(f"file:{key_file}"), **place.environment, **register.settings, **places}
        watch, ended = Watch(place, register), threading.Event()
        mishaps = Mishaps(standin, place, task.deadline_seconds, lambda: watch.cursor)

        def keep_running(number: int) -> Instance:
            with Instance(cloud, environment, folder / f"{cloud}-{number}.log") as instance:
                while not ended.is_set() and instance.codes.total() < task.most_runs and not instance.is_misused:
                    instance.run()
                    ended.wait(task.deadline_seconds / 25)
                return instance

        with ThreadPoolExecutor(INSTANCES) as pool, mishaps.occurring():
            working = [pool.submit(keep_running, number) for number in range(INSTANCES)]
            while not all(each.done() for each in working):
                register.is_open = not mishaps.all_happened  # on a busy machine they may take more than the events asked for
                if watch.look() >= register.events and not register.is_growing:
                    ended.set()
                ended.wait(0.05)
            instances = [each.result() for each in working]
        objects = watch.check_objects(register.events)
        codes = sum((instance.codes for instance in instances), Counter[str]())
        faults = [*watch.faults, *(f"{times} runs: {code}" for code, times in codes.items() if code.startswith(OUR_FAULT))]
        memory = [each.early_and_late() for each in instances]
        if min(mishaps.happened.values(), default=0) >= LEAST_CYCLES:
            faults += [f"memory grew from {early} to {late}" for early, late in memory if late - early > MOST_GROWTH_BYTES]
        if not mishaps.all_happened:
            faults.append(f"of {len(mishaps)} kinds of mishap, {len(mishaps.happened)} happened")
        return {
            "events": watch.cursor,
            "objects": objects,
            "uploads": place.uploads(),
            "pages served": register.requests,
            "runs": dict(codes.most_common()),
            "mishaps": dict(mishaps.happened),
            "looks at cursor and objects": watch.looks,
            "MiB early and late, of each instance": [[early >> 20, late >> 20] for early, late in memory],
            "faults": faults,
        }
