"""The results of a run: the figures as JSON, a table in the documentation, a plot as a file."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.batches import ROOT
from bench.plot import draw
from bench.rows import Row

LATEST = ROOT / "bench" / "latest.json"
PLOT = ROOT / "bench" / "latest.svg"
PAGE = ROOT / "docs" / "performance.md"
_TABLE = re.compile(r"(?<=<!-- bench -->\n).*?(?=<!-- end of bench -->)", re.DOTALL)


@dataclass(frozen=True)
class Report:
    """One run of all measures."""

    date: str
    machine: str
    rounds: int
    rows: tuple[Row, ...]

    def table(self) -> str:
        """Return the table, as Markdown."""
        lines = ["| measure | beside | figure | target | |", "|---|---|---|---|---|"]
        return "".join(f"{line}\n" for line in [*lines, *(_line(row) for row in self.rows)])

    def section(self) -> str:
        """Return what the documentation shows: when and where it was measured, and the table."""
        return f"Measured on {self.date}, {self.machine}, {self.rounds} rounds:\n\n{self.table()}"

    def save(self) -> None:
        """Write the figures and the plot, and put the table into the documentation."""
        LATEST.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")
        PLOT.write_text(draw(self.rows))
        PAGE.write_text(_TABLE.sub(lambda _: self.section(), PAGE.read_text()))


def load() -> Report:
    """Read the figures of the latest run."""
    members = json.loads(LATEST.read_text())
    return Report(**{**members, "rows": tuple(Row(**row) for row in members["rows"])})


def published() -> str:
    """Return what the documentation shows now."""
    shown = _TABLE.search(PAGE.read_text())
    return shown[0] if shown else ""


def describe_machine() -> str:
    """Return what the figures depend on: the processor, the number of cores, and Python."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}, Python {platform.python_version()}"


def _line(row: Row) -> str:
    figure = f"{row.shown:g}" + (f" ({row.detail})" if row.detail else "")
    bound = "≤" if row.bound == "at most" else "≥"
    cells: Iterable[str] = (row.measure, row.beside, figure, f"{bound} {row.target:g}", "met" if row.is_met else "**not met**")
    return f"| {' | '.join(cells)} |"
