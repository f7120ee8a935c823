"""Kills runs within each of their steps, and has them started again until one is acknowledged."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from demo.processes import bare_environment
from standin import StandIn, make_jwk
from standin.address_register import SCOPE
from tests.conftest import ROOT
from tests.long.delivery.places import CURSOR, AwsPlace, GooglePlace, open_place, read_cursor
from tests.support.deployment import client_of
from tests.support.register import Register

STEPS = ("fetch", "deliver", "advance", "acknowledge")
PAGE = 3
PAGES_OF_A_RUN = 2
KILLED = -9


@dataclass
class Tally:
    """What was counted, and what is wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    """By step, and by how much of the step was already done at the other party."""
    runs: int = 0
    acknowledged: int = 0
    events: int = 0
    uploads: int = 0
    faults: list[str] = field(default_factory=list)

    def members(self) -> dict[str, Any]:
        """Return the figures."""
        by_step = Counter[str]()
        for each, times in self.kills.items():
            by_step[each.partition(":")[0]] += times
        return {
            "kills": dict(by_step),
            "where": dict(sorted(self.kills.items())),
            "runs": self.runs,
            "acknowledged": self.acknowledged,
            "events": self.events,
            "uploads": self.uploads,
            "faults": self.faults,
        }


class Platform:
    """Starts runs, one at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.long.delivery.forks"],
            cwd=ROOT,
            env=bare_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(timeout=30)

    def start(self, order: dict[str, Any]) -> int:
        """Start a run, and return how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@dataclass
class Checks:
    """Looks at the bucket after each run."""

    place: GooglePlace | AwsPlace
    register: Register
    tally: Tally
    cursor: int = 0
    """Where it stood when it was last looked at."""
    requests: int = 0
    """How many pages were served by then."""

    def look(self, step: str | None) -> None:
        """Check that what the cursor has passed is stored, and count how far a killed step had come."""
        before, self.cursor = self.cursor, read_cursor(self.place)
        stored = [int(name) for name in self.place.names(f"{before + 1:06}") if name != CURSOR]
        if self.cursor < before:
            self.tally.faults.append(f"the cursor went back from {before} to {self.cursor}")
        if ahead := set(range(before + 1, self.cursor + 1)) - set(stored):
            self.tally.faults.append(f"the cursor stood at {self.cursor} before {sorted(ahead)} were delivered")
        if step is not None:
            beyond = len([number for number in stored if number > self.cursor])
            arrived, self.requests = self.register.requests > self.requests, self.register.requests
            where = {
                "fetch": "the page was served" if arrived else "the page was not asked for",
                "deliver": f"{beyond} of {PAGE} events were stored",
                "advance": "the cursor had not moved" if beyond else "the cursor had moved",
                "acknowledge": "all was stored",
            }
            self.tally.kills[f"{step}: {where[step]}"] += 1

    def finish(self) -> None:
        """Check that the bucket has each event that the cursor has passed once, and nothing else but a begun page."""
        names = {name for name in self.place.names() if name != CURSOR}
        self.tally.events = self.cursor
        if names != {f"{number:06}" for number in range(1, self.cursor + 1)}:
            self.tally.faults.append(f"the bucket has {len(names)} objects, the register {self.cursor} events")
        wrong = [
            name for name in names if json.loads(self.place.read(name) or b"null") != self.register.read(int(name), int(name))
        ]
        if wrong:
            self.tally.faults.append(f"the objects {wrong[:10]} have another content")


def kill_runs(cloud: str, kills: int, folder: Path, seed: int = 13) -> dict[str, Any]:
    """Kill so many runs in each step, and return the figures.

    Each invocation is killed once in every step, in an order and on a page that are drawn, and then acknowledged.
    """
    dice, jwk, tally = random.Random(seed), make_jwk("ES256"), Tally()
    key_file = folder / f"{cloud}.jwk.json"
    key_file.touch(0o600)
    key_file.write_text(json.dumps(jwk))
    with StandIn([client_of(jwk, other_scopes=[SCOPE])]) as standin, open_place(cloud) as place, Platform() as platform:
        register = Register(standin, events=(kills + 1) * 5 * PAGE * PAGES_OF_A_RUN, page_size=PAGE)
        settings = {**register.settings, "RESULT_TO": place.address}
        order = {
            "cloud": cloud,
            "environment": {**bare_environment(), **standin.environment(f"file:{key_file}"), **place.environment, **settings},
            "input": {"pages": PAGES_OF_A_RUN, "by_event": True},
            "output": str(folder / f"{cloud}.log"),
        }
        checks = Checks(place, register, tally)
        for invocation in range(kills + 1):
            steps: list[str | None] = [*dice.sample(STEPS, len(STEPS)), None]
            for step in steps if invocation else [None]:  # the first one shows how long each step takes
                page = 1 if step == "acknowledge" else dice.randint(1, PAGES_OF_A_RUN)
                status = platform.start({**order, "kill": step, "page": page, "share": dice.uniform(0, 1.2)})
                tally.runs += 1
                tally.acknowledged += status == 0
                if status != (KILLED if step else 0):
                    tally.faults.append(f"a run that was to be killed in {step} ended with {status}")
                checks.look(step)
        checks.finish()
        tally.uploads = place.uploads()
    return tally.members()
