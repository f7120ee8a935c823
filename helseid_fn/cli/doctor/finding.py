"""What one check found, and which finding is the cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from helseid_fn.errors import HelseidFnError
from helseid_fn.redaction import drop_controls


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of one check, in sentences without a secret; `code` names a fault for programs.

    `explains` names an earlier check whose failure it explains: it is then the cause, and not that failure.
    """

    check: str
    state: State
    finding: str
    remedy: str = ""
    code: str = ""
    explains: str = ""

    def __post_init__(self) -> None:
        """Keep what others say, such as a certificate or the metadata, from forging a line of a terminal."""
        for name in ("finding", "remedy"):
            object.__setattr__(self, name, drop_controls(getattr(self, name)))


def ok(check: str, finding: str) -> Finding:
    """Return that a check found everything right."""
    return Finding(check, State.OK, finding)


def skipped(check: str, why: str) -> Finding:
    """Return that a check was not made."""
    return Finding(check, State.SKIPPED, why)


def of_error(check: str, error: HelseidFnError) -> Finding:
    """Return an error as a finding; its sentences have the cause and the remedy."""
    return Finding(check, State.FAILED, str(error), code=error.code)


def find_cause(findings: Sequence[Finding]) -> Finding | None:
    """Return the first failure, or what explains it; without one the first warning, and None if all is well."""
    failure = next((each for each in findings if each.state is State.FAILED), None)
    if failure is None:
        return next((each for each in findings if each.state is State.WARNING), None)
    return next((each for each in findings if each.explains == failure.check), failure)
