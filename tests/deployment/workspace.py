"""Copies of a Terraform module in which terraform runs; each is initialised once for each choice of provider versions.

Providers come from the configuration that `TF_CLI_CONFIG_FILE` names, else from the registry.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deployment.configuration import read_providers

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = Path("infra/terraform")
# The files of the repository that a module needs besides its own.
SOURCES = ("main.py", "helseid_fn", "requirements.txt", "examples")
SECONDS = 600

# Lock files contain hashes of the provider that was available, which may be a stand-in for the real one.
_LEFT_OUT = shutil.ignore_patterns(".terraform*", "terraform.tfstate*", "__pycache__", "*.zip")
_FOREIGN = re.compile(r"TF_VAR_|TF_CLI_ARGS|TF_WORKSPACE|TF_DATA_DIR|TF_LOG|AWS_|GOOGLE_|CLOUDSDK_|GCLOUD_|GCP_")


class Refused(Exception):
    """Terraform ended with an error; the text is its whole output."""


class TerraformUnavailable(Exception):
    """Terraform or its providers are not available on this machine; the text says which, and what to do."""


class LowestVersionMissing(Exception):
    """The lowest version of a provider is not available, although the newest is; the text says so."""


@dataclass(frozen=True)
class Pins:
    """Which version of each provider: the newest available, or the lowest that a module declares."""

    lowest: bool = False

    def __str__(self) -> str:
        return "lowest" if self.lowest else "newest"


NEWEST, LOWEST = Pins(), Pins(lowest=True)


@dataclass(frozen=True)
class Workspace:
    """A folder in which terraform runs: a module's or an example's, in a copy of the tree around it."""

    program: str
    tree: Path
    name: str

    @property
    def folder(self) -> Path:
        """Where the configuration is."""
        return self.tree / MODULES / self.name

    def run(self, *arguments: str, typed: str = "") -> str:
        """Run terraform, with `typed` on its standard input, and return its whole output. Raises `Refused`."""
        ended = subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env=_environment(),
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if ended.returncode != 0:
            raise Refused(ended.stdout)
        return ended.stdout

    def validate(self) -> None:
        """Check names, types, arguments and references. Raises `Refused`."""
        self.run("validate", "-no-color")

    def test(self, *files: str, folder: str = "tests") -> str:
        """Run the module's own tests, or only the named files of them, and return the report. Raises `Refused`."""
        chosen = [f"-filter={folder}/{file}" for file in files]
        report = self.run("test", "-no-color", f"-test-directory={folder}", *chosen)
        if not re.search(r"^Success! [1-9]\d* passed, 0 failed", report, re.MULTILINE):
            raise Refused(f"No test was run in {self.name}/{folder}.\n{report}")
        return report

    def evaluate(self, expression: str) -> str:
        """Return an expression's value as `terraform console` writes it, without calling the cloud. Raises `Refused`."""
        return self.run("console", typed=f"{expression}\n").splitlines()[-1]  # warnings come first

    def plan(self, mocks: str) -> dict[str, Any]:
        """Plan with every provider mocked by these `mock_provider` blocks, so that no credentials are needed.

        Return the plan as in the JSON of `terraform test -verbose` (`resource_changes`, `output_changes`). It leaves a folder
        behind, so use a separate copy. Raises `Refused`.
        """
        file = self.folder / "planned" / "plan.tftest.hcl"
        file.parent.mkdir()
        file.write_text(f'{mocks}\nrun "plan" {{\n  command = plan\n}}\n')
        events = self.run("test", "-json", "-verbose", f"-test-directory={file.parent.name}").splitlines()
        plan: dict[str, Any] = next(event["test_plan"] for event in map(json.loads, events) if event["type"] == "test_plan")
        return plan


class Workspaces:
    """Every copy of this session, below one temporary folder."""

    def __init__(self, scratch: Path) -> None:
        """Find terraform. Raises `TerraformUnavailable` when there is none."""
        program = shutil.which("terraform")
        if program is None:
            raise TerraformUnavailable("terraform is not on the PATH; install it to check the deployment.")
        self._program = program
        self._scratch = scratch
        self._ready: dict[tuple[str, Pins], Workspace] = {}

    def bare(self, name: str) -> Workspace:
        """Return a fresh copy of the module, or example, without providers: `google`, `aws/examples/minimal`."""
        workspace = Workspace(self._program, self._fresh_tree(), name)
        module = MODULES / name.split("/", maxsplit=1)[0]
        shutil.copytree(ROOT / module, workspace.tree / module, ignore=_LEFT_OUT)
        for source in SOURCES:
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, workspace.tree / source)
        return workspace

    def empty(self, name: str) -> Workspace:
        """Return a fresh folder without a configuration, for one that uses a module."""
        workspace = Workspace(self._program, self._fresh_tree(), name)
        workspace.folder.mkdir(parents=True)
        return workspace

    def shared(self, name: str, pins: Pins = NEWEST) -> Workspace:
        """Return the initialised copy that all tests of this session share and must not change.

        Raises `TerraformUnavailable` or `LowestVersionMissing`.
        """
        if (name, pins) not in self._ready:
            workspace = self.bare(name)
            if pins.lowest:
                _pin_lowest(workspace)
            try:
                workspace.run("init", "-no-color", "-input=false", "-backend=false")
            except Refused as refusal:
                if "could not connect to" in str(refusal):
                    raise TerraformUnavailable("Terraform cannot download its providers; see TF_CLI_CONFIG_FILE.") from refusal
                if pins.lowest and "no available releases match" in str(refusal):
                    raise LowestVersionMissing(
                        f"TF_CLI_CONFIG_FILE does not provide the lowest providers that {name} declares."
                    ) from refusal
                raise
            self._ready[name, pins] = workspace
        return self._ready[name, pins]

    def own(self, name: str, pins: Pins = NEWEST) -> Workspace:
        """Return a separate initialised copy, which the caller may change. Raises as `shared` does."""
        shared = self.shared(name, pins)
        tree = self._fresh_tree()
        shutil.copytree(shared.tree, tree, symlinks=True, dirs_exist_ok=True)
        return Workspace(self._program, tree, name)

    def _fresh_tree(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._scratch))


def module_names() -> list[str]:
    """Return the modules, one for each cloud."""
    return sorted(path.parent.name for path in (ROOT / MODULES).glob("*/versions.tf"))


def example_names() -> list[str]:
    """Return the examples of every module: `google/examples/minimal`."""
    return sorted(str(path.parent.relative_to(ROOT / MODULES)) for path in (ROOT / MODULES).glob("*/examples/*/main.tf"))


def _pin_lowest(workspace: Workspace) -> None:
    """Pin with an override file, which leaves the module's own files unchanged."""
    providers = read_providers(ROOT / MODULES / workspace.name.split("/", maxsplit=1)[0])
    pins = "".join(f'    {each.name} = {{ source = "{each.source}", version = "{each.lowest}" }}\n' for each in providers)
    (workspace.folder / "pins_override.tf").write_text(f"terraform {{\n  required_providers {{\n{pins}  }}\n}}\n")


def _environment() -> dict[str, str]:
    """Return our environment without what would set a variable or sign in to a cloud."""
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    return {**kept, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
