"""Runs every cell of the fault matrix and prints it as one table: `python -m tests.support.faults`, or `make faults`."""

import sys
import time

import pytest

from tests.support.faults.table import Cannot, Outcome, count_cells, render

MATRIX = "tests/contract/test_fault_matrix.py"


class _Results:
    """Keeps which cells failed."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once, as failed if any of its phases failed."""
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call":
            self.passed += 1

    def show(self, name: str, place: str, outcome: Outcome) -> str:
        """Return what a cell shows."""
        failed = any(f"-{name} at {place}]" in each for each in self.failed)
        return "FAILED" if failed and not isinstance(outcome, Cannot) else str(outcome)


def main() -> int:
    """Return the exit status of pytest."""
    results, begun_at = _Results(), time.monotonic()
    code = int(pytest.main(["-q", "--no-header", "--tb=short", MATRIX], plugins=[results]))
    print(f"\n{render(results.show)}\n")
    print("A number is how many requests were sent; `final` marks a POST that nobody may send again.")
    cells, tried = count_cells()
    print(f"{tried} of {cells} cells are tried; words in brackets say why there is no such case.")
    print(f"{results.passed} tests passed, {len(results.failed)} failed, in {time.monotonic() - begun_at:.0f} s.")
    return code


if __name__ == "__main__":
    sys.exit(main())
