"""The benchmark: the documentation shows its latest results, and its arithmetic and counts are right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import measures, report, results
from bench.memory import resident_megabytes
from bench.parties import Parties
from bench.plot import draw
from bench.rows import Row, compare


def test_the_page_and_the_picture_show_the_latest_figures() -> None:
    assert report.published() == report.load().section()
    assert report.PLOT.read_text() == draw(report.load().rows)


def test_a_figure_is_the_median_of_the_ratios_of_the_turns() -> None:
    row = compare("m", "b", [2.0, 30.0, 9.0], [1.0, 10.0, 1.0], 3.0, ("ms", 1000.0))
    assert (row.figure, row.detail, row.is_met) == (3.0, "9000 : 1000 ms", True)


@pytest.mark.parametrize(
    ("figure", "bound", "met"),
    [(1.254, "at most", True), (1.26, "at most", False), (1.246, "at least", True), (1.24, "at least", False)],
)
def test_a_target_is_met_by_the_rounded_figure(figure: float, bound: str, met: bool) -> None:  # noqa: FBT001
    assert Row("m", "b", figure, 1.25, bound).is_met is met  # type: ignore[arg-type]


def test_memory_counts_pages_shared_with_a_child_once() -> None:
    hold = "held = b'x' * 50_000_000; print(flush=True); input()"
    fork = f"import os\nif os.fork(): os.wait()\nelse: exec({hold!r})"
    sizes = []
    for code in ("print(flush=True); input()", fork):
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            sizes.append(resident_megabytes(process.pid))
            process.communicate("\n")
    assert 47 < sizes[1] - sizes[0] < 53


def test_the_request_counts_are_those_of_the_table() -> None:
    with Parties() as parties:
        rows = list(measures.count_requests(parties, python=Path(sys.executable)))
    assert [row.figure for row in rows] == [2, 2, 103, 101]
    assert [row.figure for row in report.load().rows if not row.detail] == [2, 2, 103, 101]


def test_what_delivering_costs_is_measured_on_each_cloud() -> None:
    with Parties() as parties:
        rows = list(results.measure_deliveries(parties, 1))
    assert len(rows) == 2
    assert min(row.figure for row in rows) > 1
