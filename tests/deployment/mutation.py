"""Deliberate faults: each is put into a copy of a module, where one of the checks must catch it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pytest

from tests.deployment.workspace import NEWEST, Pins, Refused, Workspace, Workspaces


@dataclass(frozen=True)
class Mutation:
    """One fault: in a file of the module, `old` (which must occur once) becomes `new`.

    `report` must match the output of the checks (a regular expression; white space and line breaks do not matter), so that the
    fault is caught for the right reason. `by` is the file of the module's tests that catches it, or their folder; without it,
    `validate` does.
    """

    name: str
    file: str
    old: str
    new: str
    report: str
    by: str | None = None

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def is_reported_in(self, output: str) -> bool:
        """Return whether the output of the checks reports it."""
        return re.search(self.report, " ".join(re.sub(r"[│╷╵]", " ", output).split())) is not None


def check_caught_together(workspaces: Workspaces, module: str, mutations: Sequence[Mutation], pins: Pins = NEWEST) -> None:
    """Put the faults of one batch into one copy and assert that each is caught.

    A run of Terraform's tests reports every assertion that fails, so one run, which takes seconds, catches many faults.
    Faults that others hide (Terraform checks references before arguments) are tried again without them.
    """
    workspace = workspaces.own(module, pins)
    for mutation in mutations:
        put_in(workspace, mutation)
    with pytest.raises(Refused) as refusal:
        run_checks(workspace, mutations[0].by)
    output = str(refusal.value)
    hidden = [mutation for mutation in mutations if not mutation.is_reported_in(output)]
    assert len(hidden) < len(mutations), f"These were refused, but for another reason: {', '.join(map(str, hidden))}\n{output}"
    if hidden:
        check_caught_together(workspaces, module, hidden, pins)


def batch(mutations: Iterable[Mutation], subject: Callable[[Mutation], str] = str) -> list[list[Mutation]]:
    """Sort faults into batches that one run can distinguish: caught by the same file, with different reports and places.

    No two of a batch have the same subject, where one fault would be reported as the other too.
    """
    batches: list[list[Mutation]] = []
    for mutation in mutations:
        for together in batches:
            if together[0].by == mutation.by and not any(
                each.report == mutation.report
                or subject(each) == subject(mutation)
                or each.old in mutation.old
                or mutation.old in each.old
                for each in together
            ):
                together.append(mutation)
                break
        else:
            batches.append([mutation])
    return batches


def put_in(workspace: Workspace, mutation: Mutation) -> None:
    """Put the fault into a copy."""
    file = workspace.folder / mutation.file
    text = file.read_text()
    assert text.count(mutation.old) == 1, f"{mutation.old!r} occurs {text.count(mutation.old)} times in {mutation.file}"
    file.write_text(text.replace(mutation.old, mutation.new))


def run_checks(workspace: Workspace, by: str | None) -> None:
    """Run the file or the folder of the module's tests, or `validate`. Raises `Refused`."""
    if by is None:
        workspace.validate()
    elif by.endswith(".hcl"):
        workspace.test(by)
    else:
        workspace.test(folder=by)
