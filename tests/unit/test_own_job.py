"""`helseid-fn call` in a folder whose main.py has a job of its own; no job here calls the API."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from demo.processes import bare_environment
from tests.conftest import ROOT
from tests.support.parts import REQUIRED

PROGRAM = """
import os
from helseid_fn import App
{first}
app = App.from_environment()

@app.job
def count(job):
    {body}
"""


def call(
    folder: Path, first: str = "", body: str = "return {'units': 2}", **variables: str
) -> subprocess.CompletedProcess[str]:
    (folder / "main.py").write_text(PROGRAM.format(first=first, body=body))
    return subprocess.run(
        [sys.executable, "-m", "helseid_fn", "call"],
        cwd=folder,
        env={**bare_environment(), **REQUIRED, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_job_that_runs_is_named(tmp_path: Path) -> None:
    ran = call(tmp_path)
    assert ran.stderr.splitlines()[0].split(maxsplit=1) == ["job", "count of main.py"]


def test_a_warning_stays_off_standard_output(tmp_path: Path) -> None:
    ran = call(tmp_path, RESULT_TO="log")
    assert ran.stdout == '{\n  "units": 2\n}\n'
    assert ran.stderr.count("RESULT_TO is log") == 1


def test_a_result_for_the_log_is_shown(tmp_path: Path) -> None:
    ran = call(tmp_path, body="job.deliver({'unit': 7})", RESULT_TO="log")
    assert 'result: {"unit": 7}' in ran.stderr


def test_a_job_that_fails_points_to_its_traceback(tmp_path: Path) -> None:
    ran = call(tmp_path, body="raise ValueError(7)")
    assert "Error: The job raised ValueError. Correct it where the traceback above ends.\n" in ran.stderr
    assert (ran.returncode, ran.stderr.count("doctor")) == (11, 0)


@pytest.mark.parametrize(
    ("first", "fault"),
    [
        ("HER_ID = os.environ['HER_ID']", "KeyError. If 'HER_ID' is a variable, set it in .env or in the environment."),
        ("import googly.storage", "ModuleNotFoundError. Install what googly is part of."),
        ("int('x')", "ValueError. Correct it where its traceback ends."),
        ("x = ", "SyntaxError. Correct it where its traceback ends."),
    ],
    ids=["a variable is missing", "a package is missing", "another exception", "no Python"],
)
def test_a_program_that_does_not_load_is_explained(tmp_path: Path, first: str, fault: str) -> None:
    ran = call(tmp_path, first)
    assert ran.stderr.endswith(f"Error: main.py could not be loaded: {fault}\n")
    assert (ran.returncode, "click" in ran.stderr) == (1, False)


def test_a_variable_of_the_program_may_be_in_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HER_ID=8143154\n")
    assert '"8143154"' in call(tmp_path, body="return {'her_id': os.environ['HER_ID']}").stdout
