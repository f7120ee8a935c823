"""Every module and example is formatted, documented and valid at both provider versions, and passes its tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.configuration import REQUIRED, read_outputs, read_providers, read_variables
from tests.deployment.workspace import (
    LOWEST,
    MODULES,
    NEWEST,
    ROOT,
    LowestVersionMissing,
    Pins,
    Refused,
    TerraformUnavailable,
    Workspaces,
    example_names,
    module_names,
)

CHECKOV = Path(sys.prefix) / "terraform" / "bin" / "checkov"

each_module = pytest.mark.parametrize("module", module_names())


def test_every_file_is_formatted(workspaces: Workspaces) -> None:
    for module in module_names():
        workspaces.bare(module).run("fmt", "-check", "-recursive", "-diff", "-no-color")


@each_module
def test_a_module_passes_its_tests(workspaces: Workspaces, module: str) -> None:
    workspaces.shared(module).test()


@each_module
def test_a_module_is_valid_at_both_provider_versions(workspaces: Workspaces, module: str) -> None:
    check_at_both_ends(lambda pins: workspaces.shared(module, pins).validate())


@pytest.mark.parametrize("example", example_names())
def test_an_example_is_valid_at_both_provider_versions(workspaces: Workspaces, example: str) -> None:
    check_at_both_ends(lambda pins: workspaces.shared(example, pins).validate())


def check_at_both_ends(check: Callable[[Pins], object]) -> None:
    """Check with the newest and the lowest providers at once; skip if nothing failed but the lowest are not available."""

    def try_with(pins: Pins) -> Refused | LowestVersionMissing | None:
        try:
            check(pins)
        except (Refused, LowestVersionMissing) as failure:
            return failure
        return None

    with ThreadPoolExecutor(2) as pool:
        failures = list(pool.map(try_with, (NEWEST, LOWEST)))
    assert [str(each) for each in failures if isinstance(each, Refused)] == []
    for missing in failures:
        if missing is not None:
            pytest.skip(str(missing))


@each_module
def test_each_provider_states_its_version_range(module: str) -> None:
    assert all(provider.lowest for provider in read_providers(ROOT / MODULES / module))


@each_module
def test_no_lock_file_and_no_state_is_committed(module: str) -> None:
    listed = subprocess.run(["git", "ls-files", MODULES / module], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not re.search(r"\.terraform|tfstate|\.tfvars$", listed, re.MULTILINE)


@each_module
def test_every_variable_has_its_row_with_its_default(module: str) -> None:
    variables = {variable.name: variable for variable in read_variables(ROOT / MODULES / module)}
    rows = {row[0].strip("`"): row for row in table(module, "Variables")}
    assert rows.keys() == variables.keys()
    assert {name: stated(row[2]) for name, row in rows.items()} == {name: each.default for name, each in variables.items()}
    for name, variable in variables.items():
        assert variable.type, f"{name} has no type"
        assert variable.description, f"{name} has no description"
        assert rows[name][1], f"{name} is not explained"
        unexplained = {attribute for attribute in variable.attributes if f"`{attribute}`" not in rows[name][1]}
        assert not unexplained, f"{unexplained} of {name} are not explained"


@each_module
def test_every_output_has_its_row(module: str) -> None:
    outputs = read_outputs(ROOT / MODULES / module)
    rows = {row[0].strip("`"): row for row in table(module, "Outputs")}
    assert rows.keys() == outputs.keys()
    assert all(outputs.values())
    assert all(row[1] for row in rows.values())


@each_module
def test_every_file_that_the_readme_names_exists(module: str) -> None:
    folder = ROOT / MODULES / module
    named = re.findall(r"`([\w/.-]+\.(?:tf|hcl)|examples/\w+)`", readme(module))
    assert named
    assert not [name for name in named if not (folder / name).exists()]


@each_module
def test_checkov_finds_only_what_is_skipped_with_a_reason(module: str, workspaces: Workspaces) -> None:
    if not CHECKOV.exists():
        raise TerraformUnavailable("checkov is not installed; run: make .venv/terraform/ready")
    folder = workspaces.bare(module).folder
    command = [str(CHECKOV), "--directory", str(folder), "--framework", "terraform", "--skip-download", "--output", "json"]
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("BC_", "PRISMA_", "CKV_"))}
    scanned = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    results = json.loads(scanned.stdout)["results"]
    assert [(each["check_id"], each["check_name"], each["resource"]) for each in results["failed_checks"]] == []
    assert results["parsing_errors"] == []
    assert results["passed_checks"]
    reasons = [each["check_result"]["suppress_comment"] for each in results["skipped_checks"]]
    assert all(len(reason.split()) > 4 for reason in reasons), reasons


def readme(module: str) -> str:
    return (ROOT / MODULES / module / "README.md").read_text()


def table(module: str, heading: str) -> list[list[str]]:
    """Return the cells of the rows of every table below a heading."""
    section = re.split(r"^## ", readme(module).split(f"\n## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line] for line in lines]


def stated(cell: str) -> Any:
    """Return the default that a cell states: a JSON value, or `required`."""
    return REQUIRED if cell == "required" else json.loads(cell.strip("`"))
