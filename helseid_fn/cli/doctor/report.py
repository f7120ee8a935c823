"""The examination in words for a terminal, as JSON, and as a file for support."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

from helseid_fn.cli.doctor.finding import Finding, State, find_cause
from helseid_fn.setting_table import SETTINGS

_MARKS = {State.OK: "✓", State.WARNING: "!", State.FAILED: "✗", State.SKIPPED: "-"}
_LIBRARIES = ("helseid-fn", "cryptography", "PyJWT", "requests", "urllib3")


def describe(finding: Finding) -> str:
    """Return one finding as a line, and its remedy below it."""
    line = f"{_MARKS[finding.state]} {finding.check:<14} {finding.finding}"
    return f"{line}\n{'':<17}{finding.remedy}" if finding.remedy else line


def describe_cause(findings: Sequence[Finding]) -> str:
    """Return the cause and its remedy, or that nothing is wrong."""
    cause = find_cause(findings)
    if cause is None:
        return "Nothing is wrong between here and the API."
    word = "The cause" if cause.state is State.FAILED else "Worth a look"
    return f"{word}: {cause.finding}" + (f"\n{cause.remedy}" if cause.remedy else "")


def build_report(findings: Sequence[Finding]) -> dict[str, Any]:
    """Build the report for programs: the cause, None if nothing failed, and every finding."""
    cause = find_cause(findings)
    return {
        "ok": not any(each.state is State.FAILED for each in findings),
        "cause": None if cause is None else asdict(cause),
        "findings": [asdict(each) for each in findings],
    }


def build_bundle(findings: Sequence[Finding], environ: Mapping[str, str]) -> dict[str, Any]:
    """Build the report for support: the findings, the versions, and the settings without what may be secret."""
    return {
        **build_report(findings),
        "versions": {**{name: _version(name) for name in _LIBRARIES}, "python": sys.version.split()[0]},
        "platform": platform.platform(),
        "settings": {each.name: _show(each.name, environ[each.name]) for each in SETTINGS if environ.get(each.name)},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _show(name: str, value: str) -> str:
    """Return a setting's value if it is one; what is wrong may be a key in the wrong place, and a query may have a secret."""
    setting = next(each for each in SETTINGS if each.name == name)
    try:
        setting.parse(value)
    except ValueError:
        return "(not valid, and not shown)"
    return urlsplit(value)._replace(query="").geturl() if value.lower().startswith("http") else value
