"""`make bench`: compares the function with its peers, prints the table, and saves it in `bench/` and in the documentation."""

from __future__ import annotations

import argparse
import datetime as dt
import sys

from bench import distances, distant_calls, measures, results
from bench.batches import ROOT
from bench.parties import Parties
from bench.report import LATEST, PAGE, PLOT, Report, describe_machine
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
    rounds = parser.parse_args().rounds
    rows: list[Row] = []
    with Parties() as parties:
        for measure in _MEASURES:
            print(measure.__doc__, file=sys.stderr, flush=True)
            rows += measure(parties, rounds)
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    report = Report(today, describe_machine(), rounds, tuple(rows))
    report.save()
    print(report.section(), end="")
    print(f"\nSaved in {PAGE.relative_to(ROOT)}, {LATEST.relative_to(ROOT)} and {PLOT.relative_to(ROOT)}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
