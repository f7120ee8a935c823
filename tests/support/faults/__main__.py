"""Runs every cell of the fault matrix and prints it as one table: `python -m tests.support.faults`, or `make faults`."""

import sys
import time

import pytest

from tests.support.faults.table import Cannot, Outcome, render

MATRIX = "tests/contract/test_fault_matrix.py"


class _Results:
    """Keeps which cells failed."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once, or as failed wherever it did."""
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call":
            self.passed += 1

    def tell(self, name: str, place: str, outcome: Outcome) -> str:
        """Tell what came of a cell."""
        failed = any(f"-{name} at {place}]" in each for each in self.failed)
        return "FAILED" if failed and not isinstance(outcome, Cannot) else str(outcome)


def main() -> int:
    """Return what pytest does."""
    results, begun_at = _Results(), time.monotonic()
    code = int(pytest.main(["-q", "--no-header", "--tb=short", MATRIX], plugins=[results]))
    print(f"\n{render(results.tell)}\n")
    print("A number says how many requests were sent; a reason in brackets, why there is no such case.")
    print(f"{results.passed} tests passed, {len(results.failed)} failed, in {time.monotonic() - begun_at:.0f} s.")
    return code


if __name__ == "__main__":
    sys.exit(main())
