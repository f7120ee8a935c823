"""Where every millisecond and megabyte of a call goes, on Google Cloud's host and loopback, with the key in a file.

`programs/timed_host.py` times the steps. What belongs to none is the host's: the whole, measured from outside, less the steps.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.batches import PROGRAMS, ROOT
from bench.measures import DEPLOYED, in_turns
from bench.memory import resident_megabytes
from bench.parties import Parties
from bench.parts import COLD, MEMORY, UNTIMED, WARM, WHOLE, Part
from bench.programs.timed_host import BETWEEN, LOADED, REST, SETTINGS
from bench.start import Served, serve, time_call

HOST = "the host: Python, functions-framework, Flask, gunicorn"
FIRST_CALL = "the first call"
_WARM_CALLS = 30

Amounts = dict[str, float]


def measure_parts(parties: Parties, rounds: int) -> Iterator[Part]:
    """Measure where the time and the memory of a call go, step by step."""
    in_file, plain = parties.with_key_file(), parties.with_plain_api()
    untimed = Served(DEPLOYED, ROOT, in_file)
    works: dict[str, Callable[[], Amounts]] = {
        COLD: partial(_start_cold, in_file),
        MEMORY: partial(_count_memory, in_file),
        UNTIMED: lambda: {UNTIMED: untimed.start_cold().seconds},
    }
    cold = in_turns(works, rounds)
    yield from to_parts(COLD, [first | second for first, second in zip(cold[COLD], cold[UNTIMED], strict=True)])
    yield from to_parts(MEMORY, cold[MEMORY])
    with ExitStack() as stack:
        host = stack.enter_context(_timed_host("warm", "seconds", plain, time.perf_counter()))
        _, port = stack.enter_context(Served(DEPLOYED, ROOT, plain).running())
        calls = {WARM: lambda: add_host(*host.call()), UNTIMED: lambda: {UNTIMED: time_call(port)}}
        warm = in_turns(calls, rounds * _WARM_CALLS)
    yield from to_parts(WARM, [first | second for first, second in zip(warm[WARM], warm[UNTIMED], strict=True)])


def to_parts(kind: str, turns: Sequence[Amounts]) -> Iterator[Part]:
    """Return the median of each step, in the order of the first turn."""
    for step in turns[0]:
        yield Part(kind, step, statistics.median(turn.get(step, 0.0) for turn in turns))


def add_host(whole: float, steps: Amounts) -> Amounts:
    """Return the steps after the host, which has the rest of the whole, and before the whole."""
    own = {step: amount for step, amount in steps.items() if step not in (REST, BETWEEN)}
    between = {BETWEEN: steps[BETWEEN]} if BETWEEN in steps else {}
    return {HOST: whole - sum((own | between).values()), **own, **between, WHOLE: whole}


def group_first_call(steps: Amounts) -> Amounts:
    """Return the steps with all of the first call as one: what each of its steps adds to memory is by chance."""
    loaded = {step: amount for step, amount in steps.items() if step in (*LOADED, SETTINGS)}
    return {**loaded, FIRST_CALL: sum(amount for step, amount in steps.items() if step not in (*loaded, REST))}


@dataclass(frozen=True)
class _TimedHost:
    """`programs/timed_host.py` while it runs."""

    pid: int
    port: int
    lines: Path
    """Where each call has a line."""

    def call(self) -> tuple[float, Amounts]:
        """Call the function, and return the seconds that it took from outside, and the steps since the call before."""
        seconds = time_call(self.port)
        return seconds, json.loads(self.lines.read_text().splitlines()[-1])


@contextmanager
def _timed_host(which: str, counted: str, environment: Mapping[str, str], begun_at: float) -> Iterator[_TimedHost]:
    with tempfile.NamedTemporaryFile() as file:
        program = [str(DEPLOYED / "bin" / "python"), str(PROGRAMS / "timed_host.py")]
        command = [*program, which, counted, str(begun_at), file.name]
        with serve(command, ROOT, {**environment, "PYTHONPATH": str(ROOT)}) as (process, port):
            yield _TimedHost(process.pid, port, Path(file.name))


def _start_cold(environment: Mapping[str, str]) -> Amounts:
    begun_at = time.perf_counter()
    with _timed_host("cold", "seconds", environment, begun_at) as host:
        _, steps = host.call()
        return add_host(time.perf_counter() - begun_at, steps)


def _count_memory(environment: Mapping[str, str]) -> Amounts:
    with _timed_host("cold", "megabytes", environment, 0.0) as host:
        _, steps = host.call()
        return add_host(resident_megabytes(host.pid), group_first_call(steps))
