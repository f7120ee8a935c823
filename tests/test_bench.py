"""The benchmark: the documentation shows its latest results, and its arithmetic and counts are right."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import history, measures, report, results
from bench.breakdown import HOST, add_host
from bench.memory import resident_megabytes
from bench.noise import Noise, is_quiet
from bench.parties import Parties
from bench.parts import COLD, UNTIMED, WHOLE, Part, draw_table
from bench.plot import draw
from bench.programs.timed_host import BETWEEN, REST, Steps
from bench.rows import Row, compare

RUNS = history.load()
LATEST = RUNS[-1]


def test_the_pages_show_the_figures_of_the_latest_run() -> None:
    shown = report.blocks(LATEST)
    assert {(page, name): report.published(page, name) for page, name in shown} == shown


def test_no_table_of_the_pages_is_empty() -> None:
    assert all(text.count("\n| ") > 2 for text in report.blocks(LATEST).values())


def test_the_picture_shows_all_runs() -> None:
    assert report.PLOT.read_text() == draw(RUNS)


def test_a_row_has_an_id_of_its_own_in_each_run() -> None:
    ids = [[row.id for row in run.rows] for run in RUNS]
    assert ids == [list(dict.fromkeys(each)) for each in ids]


def test_a_run_is_the_same_when_read_from_its_line() -> None:
    row = Row("r", "m", "b", 1.0, 1.1, detail="1 : 1 ms", quartiles=(0.9, 1.2))
    run = replace(LATEST, rows=(row,), parts=(Part("cold", "host", 1.5),), load=0.4, noise=0.02)
    assert history.parse_run(run.to_json()) == run


def test_a_figure_is_the_median_of_the_ratios_of_the_turns() -> None:
    row = compare("m", "b", [2.0, 30.0, 9.0], [1.0, 10.0, 1.0], 3.0, ("ms", 1000.0), row_id="r")
    assert (row.figure, row.detail, row.is_met) == (3.0, "9000 : 1000 ms", True)
    assert row.quartiles == (2.5, 6.0)


def test_a_history_is_in_fractions_of_the_latest_target() -> None:
    def run(**figures: tuple[float, float]) -> history.Run:
        return replace(LATEST, rows=tuple(Row(name, "m", "b", *each) for name, each in figures.items()))

    runs = [run(r=(3.0, 1.0)), run(other=(1.0, 1.0)), run(r=(1.0, 2.0))]
    assert history.series_of("r", runs) == [1.5, None, 0.5]


def test_noise_is_the_farther_quartile_of_equal_pairs() -> None:
    noise = Noise(lambda: None, [1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.25, 1.25, 0.8, 1.0])
    assert noise.ratio() == pytest.approx(0.2)


@pytest.mark.parametrize(("quartiles", "close"), [((1.0, 1.5), True), ((1.0, 1.2), False), ((1.3, 1.5), False), (None, False)])
def test_a_figure_is_close_when_its_target_is_between_its_quartiles(
    quartiles: tuple[float, float] | None, *, close: bool
) -> None:
    assert Row("r", "m", "b", 1.25, 1.25, quartiles=quartiles).is_close is close


@pytest.mark.parametrize(("load", "quiet"), [(1.0, True), (1.1, False)])
def test_a_machine_is_quiet_below_half_a_process_per_core(load: float, quiet: bool) -> None:  # noqa: FBT001
    assert is_quiet(load, 2) is quiet


def test_the_table_says_that_the_machine_was_not_quiet() -> None:
    table = report.long_table(replace(LATEST, load=2.5, cores=2))
    assert "**The machine was not quiet:** its load was 2.5 before the run, for 2 cores." in table


@pytest.mark.parametrize(
    ("figure", "bound", "met"),
    [(1.254, "at most", True), (1.26, "at most", False), (1.246, "at least", True), (1.24, "at least", False)],
)
def test_a_target_is_met_by_the_rounded_figure(figure: float, bound: str, met: bool) -> None:  # noqa: FBT001
    assert Row("r", "m", "b", figure, 1.25, bound).is_met is met  # type: ignore[arg-type]


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
    assert [row.figure for row in LATEST.rows if not row.detail] == [2, 2, 103, 101]


def test_what_delivering_costs_is_measured_on_each_cloud() -> None:
    with Parties() as parties:
        rows = list(results.measure_deliveries(parties, 1))
    assert len(rows) == 2
    assert min(row.figure for row in rows) > 1


def test_a_step_within_another_is_counted_once() -> None:
    moments = iter([1.0, 3.0, 6.0, 10.0])
    steps = Steps(lambda: next(moments), begun_at=0.0)
    steps.begin("outer")
    steps.begin("inner")
    steps.end()
    assert steps.take() == {REST: 1.0, "outer": 2.0 + 4.0, "inner": 3.0}


def test_the_host_has_what_belongs_to_no_step() -> None:
    assert add_host(10.0, {REST: 1.0, "a step": 4.0, BETWEEN: 2.0}) == {HOST: 4.0, "a step": 4.0, BETWEEN: 2.0, WHOLE: 10.0}


def test_a_table_of_steps_shows_the_share_of_each() -> None:
    parts = [Part(COLD, step, seconds) for step, seconds in (("a step", 0.15), (WHOLE, 0.2), (UNTIMED, 0.19))]
    assert draw_table(COLD, parts).splitlines()[2:] == [
        "| a step | 150 | 75% |",
        f"| {WHOLE} | 200 | 100% |",
        f"| {UNTIMED} | 190 |  |",
    ]
