"""Deliberate faults: each is put into a copy of a module, where one of the checks must tell of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pytest

from tests.deployment.workspace import Refused, Workspace, Workspaces


@dataclass(frozen=True)
class Mutation:
    """One fault: in a file of the module, `old` (which must be there once) becomes `new`.

    The checks must refuse it with `told` in what they say (a regular expression; white space and line breaks do not matter), so
    that it is caught for what it is. `by` names the file of the module's tests that catches it; without it, `validate` does.
    """

    name: str
    file: str
    old: str
    new: str
    told: str
    by: str | None = None

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def is_told_in(self, said: str) -> bool:
        """Whether the checks have told of it."""
        return re.search(self.told, " ".join(re.sub(r"[│╷╵]", " ", said).split())) is not None


def check_caught(workspaces: Workspaces, module: str, mutation: Mutation) -> None:
    """Put the fault into a copy of the module and assert that it is caught for what it is."""
    workspace = workspaces.own(module)
    check_caught_in(workspace, mutation, lambda: run_checks(workspace, mutation.by))


def check_caught_in(workspace: Workspace, mutation: Mutation, check: Callable[[], object]) -> None:
    """Put the fault into this copy and assert that this check catches it for what it is."""
    put_in(workspace, mutation)
    with pytest.raises(Refused) as refusal:
        check()
    said = str(refusal.value)
    assert mutation.is_told_in(said), f"{mutation.name} was refused, but not for {mutation.told!r}:\n{said}"


def check_caught_together(workspaces: Workspaces, module: str, mutations: Sequence[Mutation]) -> None:
    """Put the faults of one batch into one copy and assert that each is caught.

    A run of Terraform's tests tells of every assertion that fails, so that one run, which takes seconds, catches many faults.
    Those that others hide (Terraform looks at references before arguments) are tried once more without these.
    """
    workspace = workspaces.own(module)
    for mutation in mutations:
        put_in(workspace, mutation)
    with pytest.raises(Refused) as refusal:
        run_checks(workspace, mutations[0].by)
    said = str(refusal.value)
    hidden = [mutation for mutation in mutations if not mutation.is_told_in(said)]
    assert len(hidden) < len(mutations), f"These were refused, but not for what they are: {', '.join(map(str, hidden))}\n{said}"
    if hidden:
        check_caught_together(workspaces, module, hidden)


def batch(mutations: Iterable[Mutation]) -> list[list[Mutation]]:
    """Sort faults into batches that one run can tell apart: caught by the same file, in other words, in other places."""
    batches: list[list[Mutation]] = []
    for mutation in mutations:
        for together in batches:
            if together[0].by == mutation.by and not any(
                each.told == mutation.told or each.old in mutation.old or mutation.old in each.old for each in together
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
    assert text.count(mutation.old) == 1, f"{mutation.old!r} is {text.count(mutation.old)} times in {mutation.file}"
    file.write_text(text.replace(mutation.old, mutation.new))


def run_checks(workspace: Workspace, by: str | None) -> None:
    """Run the file of the module's tests, or `validate`. Raises `Refused`."""
    if by is None:
        workspace.validate()
    else:
        workspace.test(by)
