"""The real AWS provider, if it is available: it computes policy documents and calls AWS's APIs, which a schema cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.deployment.workspace import LOWEST, LowestVersionMissing, Workspace, Workspaces


def own_copy(workspaces: Workspaces, name: str = "aws") -> Workspace:
    """Return a separate copy of the AWS module, or an example, with the real provider; skip if only a stand-in is available."""
    try:
        workspace = workspaces.own(name, LOWEST)
    except LowestVersionMissing as missing:
        pytest.skip(str(missing))
    if not _is_real(workspace.folder / ".terraform"):
        pytest.skip("TF_CLI_CONFIG_FILE provides only a stand-in for the AWS provider; this test needs the real one.")
    return workspace


def _is_real(data: Path) -> bool:
    """Return whether the provider that terraform chose is a program; a stand-in is a script."""
    for folder, _, names in os.walk(data, followlinks=True):
        for name in names:
            if name.startswith("terraform-provider-aws_"):
                with (Path(folder) / name).open("rb") as program:
                    return program.read(4) == b"\x7fELF"
    return False
