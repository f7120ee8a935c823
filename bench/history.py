"""`history.jsonl`: a line for each run of the benchmark whose figures were kept, the latest at the end."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.batches import ROOT
from bench.noise import is_quiet
from bench.parts import Part
from bench.rows import Row

HISTORY = ROOT / "bench" / "history.jsonl"


@dataclass(frozen=True)
class Run:
    """One run of all measures."""

    date: str
    commit: str
    """The commit that was checked out, with a `+` when there were uncommitted changes."""
    machine: str
    cores: int
    python: str
    rounds: int
    load: float | None
    """How many processes ran on the machine before; none in old runs."""
    noise: float | None
    """By how much two runs of the same differed; none in old runs."""
    rows: tuple[Row, ...]
    parts: tuple[Part, ...] = ()
    """Where the time and the memory of a call go; none in old runs."""

    @property
    def was_quiet(self) -> bool:
        """Whether the machine did little else; unknown of old runs."""
        return self.load is None or is_quiet(self.load, self.cores)

    def to_json(self) -> str:
        """Return it as a line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def parse_run(line: str) -> Run:
    """Parse a line of the history."""
    members = json.loads(line)
    rows = tuple(Row(**{**row, "quartiles": row["quartiles"] and tuple(row["quartiles"])}) for row in members["rows"])
    return Run(**{**members, "rows": rows, "parts": tuple(Part(**part) for part in members.get("parts", ()))})


def load() -> list[Run]:
    """Return the runs, the oldest first."""
    return [parse_run(line) for line in HISTORY.read_text().splitlines()]


def append(run: Run) -> None:
    """Add the latest run."""
    with HISTORY.open("a") as file:
        file.write(run.to_json() + "\n")


def series_of(row_id: str, runs: Sequence[Run]) -> list[float | None]:
    """Return the figure of each run as a fraction of the target that the last of them has; none where it was not measured."""
    found = [next((row for row in run.rows if row.id == row_id), None) for run in runs]
    target = next(row.target for row in reversed(found) if row)
    return [row.fraction_of(target) if row else None for row in found]


def describe_commit() -> str:
    """Return the commit that is checked out, with a `+` when something is changed."""
    commit, changes = (
        subprocess.run(["git", *command.split()], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S607
        for command in ("rev-parse --short HEAD", "status --porcelain")
    )
    return commit + ("+" if changes else "")


def describe_machine() -> str:
    """Return the processor and the number of its cores."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}"
