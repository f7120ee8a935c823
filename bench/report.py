"""The latest run as tables in the documentation, and all runs as a picture."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bench.batches import ROOT
from bench.history import Run, load
from bench.parts import UNITS, draw_table
from bench.plot import draw
from bench.rows import Row

PLOT = ROOT / "bench" / "history.svg"
PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"

README_ROWS = (
    "cold-google-file",
    "cold-lambda-compiled",
    "cold-lambda-beside-compiled",
    "lambda-import",
    "distant-google-manager",
    "distant-lambda",
    "distant-google-beside-usual",
    "distant-lambda-beside-usual",
    "distant-lambda-no-extension-beside-compiled",
    "memory",
    "warm-call",
    "throughput-16",
    "proof",
    "token-requests-32",
    "token-requests-256",
    "http-requests",
)
"""What README shows of the table, in this order."""


def long_table(run: Run) -> str:
    """Return when and where it was measured, and each figure with its quartiles and medians, as Markdown."""
    lines = ["| measure | beside | figure | target | |", "|---|---|---|---|---|"]
    cells = ((row.measure, row.beside, _in_full(row), row.shown_bound, _verdict(row)) for row in run.rows)
    return f"{_when_and_where(run)}\n{_table(lines, cells)}"


def short_table(run: Run) -> str:
    """Return what README shows."""
    rows = {row.id: row for row in run.rows}
    lines = ["| measure | beside | figure | target | |", "|---|---|---|---|---|"]
    shown = (rows[each] for each in README_ROWS)
    cells = ((row.measure, row.beside, _with_medians(row), row.shown_bound, _verdict(row)) for row in shown)
    return f"{_when_and_where(run)}\n{_table(lines, cells)}"


def blocks(run: Run) -> dict[tuple[Path, str], str]:
    """Return what belongs between the markers of each page."""
    parts = {(PAGE, kind): draw_table(kind, run.parts) for kind in UNITS}
    return {(PAGE, "bench"): long_table(run), (README, "bench"): short_table(run), **parts}


def published(page: Path, name: str) -> str:
    """Return what a page shows between its markers now."""
    shown = _between(name).search(page.read_text())
    return shown[0] if shown else ""


def publish() -> None:
    """Put the latest run into the documentation, and draw all runs."""
    runs = load()
    for (page, name), text in blocks(runs[-1]).items():
        page.write_text(_between(name).sub(text.replace("\\", r"\\"), page.read_text()))
    PLOT.write_text(draw(runs))


def _between(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)", re.DOTALL)


def _when_and_where(run: Run) -> str:
    lines = [f"Measured on {run.date} at commit {run.commit}: {run.machine}, Python {run.python}, {run.rounds} rounds."]
    if not run.was_quiet:
        lines.append(f"**The machine was not quiet:** its load was {run.load:.1f} before the run, for {run.cores} cores.")
    if run.noise is not None:
        lines.append(f"Noise: two runs of the same work differ by {run.noise:.1%} (quartiles).")
    return "".join(f"{line}\n" for line in lines)


def _table(head: list[str], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"{line}\n" for line in [*head, *(f"| {' | '.join(cells)} |" for cells in rows)])


def _in_full(row: Row) -> str:
    spread = " [{:.2f} to {:.2f}]".format(*row.quartiles) if row.quartiles else ""
    return f"{row.shown}{spread}" + (f" ({row.detail})" if row.detail else "")


def _with_medians(row: Row) -> str:
    return row.shown + (f" ({row.detail.partition(';')[0]})" if row.detail else "")


def _verdict(row: Row) -> str:
    return ("met" if row.is_met else "**not met**") + (", but close" if row.is_close else "")
