"""The measures of results: what delivering one adds to a warm call, and the memory of a large body."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.batches import ROOT, Program
from bench.measures import in_turns
from bench.parties import Parties
from bench.rows import Row, compare
from demo.processes import call, start_function
from tests.long.delivery.places import open_place

CLOUDS = {"google": "Cloud Storage", "aws": "S3"}
MIB = 1024 * 1024
LARGE_BYTES = 35 * MIB
_LARGE_BODIES = ROOT / "tests" / "support" / "large_bodies.py"
_PYTHON = Path(sys.executable)
"""Both clouds' clients are installed here; what is compared differs in the delivery alone."""


def measure_deliveries(parties: Parties, rounds: int) -> Iterator[Row]:
    """Measure what delivering a result adds to a warm call, on each cloud."""
    for cloud, name in CLOUDS.items():
        with ExitStack() as stack:
            place = stack.enter_context(open_place(cloud))
            environment = {**parties.with_plain_api(), **place.environment, "RESULT_TO": place.address}
            calls = stack.enter_context(Program("job_calls", _PYTHON, environment))
            works = {
                "delivered": lambda: calls.do({"calls": 50, "deliver": True})[0] / 50,  # noqa: B023  # used in this turn
                "returned": lambda: calls.do({"calls": 50})[0] / 50,  # noqa: B023  # the same
            }
            seconds = in_turns(works, rounds)
        measure = f"CPU time of one warm call whose response is delivered to {name}"
        beside, unit, row_id = "one whose response is returned", ("µs", 1e6), f"delivery-{cloud}"
        yield compare(measure, beside, seconds["delivered"], seconds["returned"], 8, unit, row_id=row_id)


def measure_large_bodies(parties: Parties, _rounds: int) -> Iterator[Row]:
    """Measure the memory that a body of 35 MiB takes, in and out, on each cloud."""
    for cloud, name in CLOUDS.items():
        with open_place(cloud) as place:
            here = {"PYTHONPATH": str(ROOT), "DEADLINE_SECONDS": "60", "API_MAX_MEGABYTES": "36"}
            environment = {**parties.with_plain_api(), **place.environment, **here, "RESULT_TO": place.address}
            for what, words in (("fetch", f"35 MiB go from the API to {name}"), ("post", f"35 MiB are posted, with {name}")):
                idle, peak = _move(environment, what)
                detail = f"{peak / MIB:.0f} : {idle / MIB:.0f} MiB"
                yield Row(f"memory-{what}-{cloud}", f"Memory while {words}", "idle", peak / idle, 1.5, detail=detail)


def _move(environment: Mapping[str, str], what: str) -> tuple[float, float]:
    """Return the peak memory of a fresh process after a small body, and after a large one."""
    process, url = start_function(environment, f"--source={_LARGE_BODIES}", "--target=run")
    try:
        reports = [call(url, {"input": {"what": what, "bytes": size}})[1] for size in (1024, LARGE_BYTES)]
    finally:
        process.stop()
    small, large = (report["result"]["peak_bytes"] for report in reports)
    return small, large
