"""The machine's noise: how far two runs of the same work differ here, so that no smaller difference is taken for one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.rows import quartiles, ratios_of_turns

_BUSY_LOAD_PER_CORE = 0.5
_PAIRS = 4


@dataclass
class Noise:
    """Pairs of the same work, spread over the whole run."""

    work: Callable[[], object]
    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)

    def sample(self) -> None:
        """Time some more pairs."""
        for _ in range(_PAIRS):
            for series in (self.first, self.second):
                begun_at = time.perf_counter()
                self.work()
                series.append(time.perf_counter() - begun_at)

    def ratio(self) -> float:
        """Return by how much two runs of the same differ, as the quartile of their ratios that is farther from 1."""
        return max(abs(each - 1) for each in quartiles(ratios_of_turns(self.first, self.second)))


def read_load() -> float:
    """Return how many processes ran or wanted to, on average in the last minute."""
    return os.getloadavg()[0]


def is_quiet(load: float, cores: int) -> bool:
    """Return whether a machine with this load leaves a benchmark alone."""
    return load <= _BUSY_LOAD_PER_CORE * cores
