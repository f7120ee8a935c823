"""A program in a process of its own that does one batch of work for each line on its standard input."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "bench" / "programs"
FUNCTIONS = ROOT / "bench" / "peers"
"""The functions that ours is compared with."""


class Program:
    """One of `programs/`, run by an interpreter that has its libraries; a context manager."""

    def __init__(self, name: str, python: Path, environment: Mapping[str, str], *arguments: str) -> None:
        """Start it with these arguments."""
        self._name = name
        self._process = subprocess.Popen(
            [str(python), str(PROGRAMS / f"{name}.py"), *arguments],
            env={**environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        """Return the running program."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Kill it."""
        self._process.kill()
        self._process.communicate()

    def read(self) -> list[float]:
        """Return the numbers of the next line that it prints.

        Raises `RuntimeError` if it ends instead; the reason is on standard error.
        """
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"{self._name} ended")
        return [float(each) for each in line.split()]

    def do(self, batch: int | Mapping[str, object]) -> list[float]:
        """Let it do a batch, and return the numbers that it prints."""
        if self._process.stdin:
            self._process.stdin.write(json.dumps(batch) + "\n")
            self._process.stdin.flush()
        return self.read()
