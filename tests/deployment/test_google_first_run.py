"""The Google module's README from nothing to the greeting, and its commands, run with a `gcloud` of ours."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.configuration import read_outputs, read_variables
from tests.deployment.test_google import MOCKS, MODULE, Plan
from tests.deployment.workspace import ROOT, Workspaces

README = (MODULE / "README.md").read_text()
FIRST_RUN = README.split("\n## From nothing to the greeting\n", 1)[1].split("\n## ", 1)[0]
BLOCKS = dict(reversed(re.findall(r"^```(\w+)\n(.*?)^```$", FIRST_RUN, re.MULTILINE | re.DOTALL)))
"""The first block of each language."""

GCLOUD = """#!/bin/sh
echo "$@" >> "$SAID"
case "$*" in
  "logging read"*) [ "$(grep -c "^logging read" "$SAID")" -lt 3 ] || echo "INFO  The API responded with 200." ;;
esac
"""


@pytest.fixture(scope="module")
def outputs(workspaces: Workspaces) -> dict[str, Any]:
    plan: Plan = workspaces.own("google/examples/minimal").plan(MOCKS)
    planned: dict[str, Any] = plan["output_changes"]["helseid_fn"]["after"]
    return planned


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], tuple[int, str, list[str]]]:
    """Return a function that runs a command in a shell, and returns its exit code, its output and what `gcloud` was told."""
    said = tmp_path / "said"
    for name, script in (("gcloud", GCLOUD), ("sleep", "#!/bin/sh\n")):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)

    def run_command(command: str) -> tuple[int, str, list[str]]:
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(said)}
        ended = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout, said.read_text().splitlines()

    return run_command


def test_six_commands_lead_to_the_greeting() -> None:
    commands = BLOCKS["sh"].splitlines()
    assert len(commands) == 6
    assert "run these six commands" in FIRST_RUN
    assert commands[-1] == 'eval "$(terraform output -raw greet)"'


def test_the_first_run_names_existing_outputs_and_variables() -> None:
    assert set(re.findall(r"terraform output -raw (\w+)", FIRST_RUN)) <= read_outputs(MODULE).keys()
    assert set(re.findall(r"^(\w+) +=", BLOCKS["hcl"], re.MULTILINE)) <= {each.name for each in read_variables(MODULE)}


def test_greet_waits_for_the_log_line(outputs: dict[str, Any], run: Callable[[str], tuple[int, str, list[str]]]) -> None:
    code, output, said = run(outputs["greet"])
    assert (code, output) == (0, "INFO  The API responded with 200.\n")
    assert said[0] == "scheduler jobs run helseid-fn-hourly --project=my-project-123 --location=europe-west1"
    assert len(said) == 4
    assert re.search(r'jsonPayload\.scheduler_job:\* timestamp>="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ" --project', said[-1])


def test_greet_gives_up_where_there_is_no_line(
    outputs: dict[str, Any], run: Callable[[str], tuple[int, str, list[str]]]
) -> None:
    code, output, said = run(outputs["greet"].replace("logging read", "logging lost"))
    assert (code, output.startswith("No log line after two minutes"), len(said)) == (1, True, 25)


def test_make_key_is_the_command_line_of_this_checkout(outputs: dict[str, Any]) -> None:
    prepare, _, make = outputs["make_key"].partition(" && ")
    folder = Path(prepare.removeprefix("make --silent -C ").removesuffix(" .venv/demo-ready"))
    program, *arguments = shlex.split(make)
    assert folder.parts[-3:] == ("..", "..", "..")
    assert Path(program) == folder / ".venv" / "bin" / "python"
    assert arguments == ["-m", "helseid_fn", "key", "new", "projects/my-project-123/secrets/helseid-fn-key"]
    assert "$(VENV)/demo-ready:" in (ROOT / "Makefile").read_text()


def test_every_alert_has_a_section_of_the_runbook() -> None:
    runbook = (ROOT / "docs" / "operating.md").read_text().split("\n## Runbook\n", 1)[1].split("\n## ", 1)[0]
    headings = {heading.lower() for heading in re.findall(r"^### (.*)$", runbook, re.MULTILINE)}
    assert len(alert_names()) == 10
    assert alert_names() <= headings


def test_every_alert_has_its_row_in_the_readme() -> None:
    table = README.split("\n## Alerts\n", 1)[1].split("\n### ", 1)[0]
    assert set(re.findall(r"^\| ([a-z -]+) \|", table, re.MULTILINE)) - {"alert"} == alert_names()


def alert_names() -> set[str]:
    """Return the names of the module's alerts."""
    text = "".join((MODULE / name).read_text() for name in ("alerts.tf", "silence.tf"))
    names = re.findall(r'^ +name += "([a-z ]+)"$|display_name += "\$\{var\.name\}: ([a-z][a-z -]+)"', text, re.MULTILINE)
    return {one or other for one, other in names}
