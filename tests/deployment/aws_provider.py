"""The real AWS provider, where it can be had: it computes policy documents and speaks to AWS's APIs, which a schema cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.deployment.workspace import LOWEST, NotAtHand, Workspace, Workspaces


def own_copy(workspaces: Workspaces) -> Workspace:
    """Return a copy of the AWS module of one's own with the real provider; skip where only a stand-in for it can be had."""
    try:
        workspace = workspaces.own("aws", LOWEST)
    except NotAtHand as lack:
        pytest.skip(str(lack))
    if not _is_real(workspace.folder / ".terraform"):
        pytest.skip("The AWS provider that is where TF_CLI_CONFIG_FILE says is a stand-in; this takes the real one.")
    return workspace


def _is_real(data: Path) -> bool:
    """Tell whether the provider that terraform chose is a program; what stands in for one is a script."""
    for folder, _, names in os.walk(data, followlinks=True):
        for name in names:
            if name.startswith("terraform-provider-aws_"):
                with (Path(folder) / name).open("rb") as program:
                    return program.read(4) == b"\x7fELF"
    return False
