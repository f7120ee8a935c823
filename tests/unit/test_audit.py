"""`make audit`: which of pip-audit's reports fails the build, and which one says that nothing was audited."""

from __future__ import annotations

from typing import Any

import pytest

from infra.audit import LOCKS, ROOT, judge

CLEAN = {"name": "requests", "version": "2.34.2", "vulns": []}
VULNERABLE = {
    "name": "urllib3",
    "version": "1.24.1",
    "vulns": [{"id": "PYSEC-2019-132", "fix_versions": ["1.24.2"]}, {"id": "PYSEC-0000-1", "fix_versions": []}],
}
UNKNOWN = {"name": "certifi", "skip_reason": "Dependency not found on PyPI and could not be audited: certifi (2026.10.18)"}


def report_of(*pins: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(pins), "fixes": []}


def test_a_clean_report_passes() -> None:
    assert judge(report_of(CLEAN)) == (0, ["1 pins have no known vulnerability."])


def test_a_known_vulnerability_fails_with_its_fix() -> None:
    code, lines = judge(report_of(CLEAN, VULNERABLE))
    assert code == 1
    assert lines == [
        "urllib3 1.24.1: PYSEC-2019-132, fixed in 1.24.2",
        "urllib3 1.24.1: PYSEC-0000-1, fixed in no release yet",
    ]


@pytest.mark.parametrize(
    ("report", "words"),
    [(None, "pip-audit broke off"), (report_of(UNKNOWN, UNKNOWN), "the database of known vulnerabilities cannot be reached")],
    ids=["no report", "no database"],
)
def test_an_audit_of_nothing_says_so_and_passes(report: dict[str, Any] | None, words: str) -> None:
    assert judge(report) == (0, [f"SKIPPED: {words}; nothing was audited."])


def test_a_pin_that_is_not_in_the_database_fails() -> None:
    assert judge(report_of(CLEAN, UNKNOWN)) == (1, ["Not in the database, so not audited: certifi."])


def test_what_is_audited_is_what_is_deployed() -> None:
    assert all((ROOT / lock).exists() for lock in LOCKS)
