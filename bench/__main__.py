"""`make bench`: compares the function with its peers, prints the table, and saves it in `bench/` and in the documentation."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
from functools import partial

from bench import distances, distant_calls, history, measures, report, results
from bench.batches import ROOT
from bench.breakdown import measure_parts
from bench.history import Run
from bench.noise import Noise, read_load
from bench.parties import Parties
from bench.rows import Row

_MEASURES = (
    *measures.ALL,
    distances.measure_distances_on_google,
    distances.measure_distances_on_lambda,
    distant_calls.measure_distant_calls,
    results.measure_deliveries,
    results.measure_large_bodies,
)
"""In the order of the table."""


def main() -> int:
    """Measure and print; a missed target is a result, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each figure is measured, in turns with the others")
    run = _measure(parser.parse_args().rounds)
    history.append(run)
    report.publish()
    print(report.long_table(run), end="")
    saved = ", ".join(str(path.relative_to(ROOT)) for path in (history.HISTORY, report.PLOT, report.PAGE, report.README))
    print(f"\nSaved in {saved}.", file=sys.stderr)
    return 0


def _measure(rounds: int) -> Run:
    load, rows = read_load(), list[Row]()
    noise = Noise(partial(subprocess.run, [measures.DEPLOYED / "bin" / "python", "-c", "import requests"], check=True))
    with Parties() as parties:
        for measure in _MEASURES:
            print(measure.__doc__, file=sys.stderr, flush=True)
            noise.sample()
            rows += measure(parties, rounds)
        print(measure_parts.__doc__, file=sys.stderr, flush=True)
        parts = tuple(measure_parts(parties, rounds))
    return Run(
        date=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        commit=history.describe_commit(),
        machine=history.describe_machine(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        rounds=rounds,
        load=round(load, 2),
        noise=round(noise.ratio(), 4),
        rows=tuple(rows),
        parts=parts,
    )


if __name__ == "__main__":
    sys.exit(main())
