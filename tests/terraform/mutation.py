"""Deliberate faults: each is put into a copy of a module, where one of the checks must tell of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.terraform.workspace import Refused, Workspaces


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


def check_caught(workspaces: Workspaces, module: str, mutation: Mutation) -> None:
    """Put the fault into a copy of the module and assert that it is caught for what it is."""
    workspace = workspaces.own(module)
    file = workspace.folder / mutation.file
    text = file.read_text()
    assert text.count(mutation.old) == 1, f"{mutation.old!r} is {text.count(mutation.old)} times in {mutation.file}"
    file.write_text(text.replace(mutation.old, mutation.new))
    with pytest.raises(Refused) as refusal:
        workspace.test(mutation.by) if mutation.by else workspace.validate()
    said = " ".join(re.sub(r"[│╷╵]", " ", str(refusal.value)).split())
    assert re.search(mutation.told, said), f"{mutation.name} was refused, but not for {mutation.told!r}:\n{refusal.value}"
