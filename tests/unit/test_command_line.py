from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helseid_fn import errors
from helseid_fn.cli.exit_codes import exit_code_of
from helseid_fn.cli.main import COMMANDS
from tests.conftest import ROOT
from tests.support.parts import REQUIRED


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def run_cli(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder, with its own environment."""
    command = [sys.executable, "-m", "helseid_fn", *arguments]
    environment = {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_help_lists_every_command_with_its_meaning() -> None:
    done = run("-m", "helseid_fn", "--help")
    listed = dict(line.split(maxsplit=1) for line in done.stdout.partition("Commands:\n")[2].splitlines() if line[2] != " ")
    assert (done.returncode, listed) == (0, {name: meaning for name, (_, meaning) in COMMANDS.items()})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    done = run("-m", "helseid_fn", name, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_command_is_refused_with_status_2() -> None:
    done = run("-m", "helseid_fn", "start")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'start'" in done.stderr


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    info = tmp_path / "helseid_fn-9.8.7.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: helseid-fn\nVersion: 9.8.7\n")
    assert run("-m", "helseid_fn", "--version", PYTHONPATH=str(tmp_path)).stdout == "9.8.7\n"


def test_a_line_of_the_env_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# settings\n\nAPI_URL=https://api.example.no\nsecret value\n")
    done = run_cli(tmp_path, "serve")
    assert (done.returncode, done.stderr) == (1, "Error: Line 4 of .env is not NAME=VALUE. Correct it.\n")


@pytest.mark.parametrize("line", ["=value", "'a=b'=value", "NAME=a\0b"])
def test_a_variable_that_no_environment_has_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"A=1\n{line}\n")
    done = run_cli(tmp_path, "serve")
    assert (done.returncode, done.stderr) == (1, "Error: Line 2 of .env is not NAME=VALUE. Correct it.\n")


def test_an_env_file_that_is_named_must_exist(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "--env-file", "other.env", "serve")
    assert (done.returncode, done.stderr.split(".")[:2]) == (1, ["Error: other", "env does not exist"])


def test_every_class_of_error_has_its_own_exit_code() -> None:
    kinds = {*errors.HelseidFnError.__subclasses__(), *errors.PartyError.__subclasses__()} - {errors.PartyError}
    codes = [exit_code_of(kind.__new__(kind)) for kind in kinds]
    assert len(set(codes) - {0, 1}) == len(kinds)


def test_main_py_as_a_program_says_that_the_settings_are_valid() -> None:
    done = run("main.py", **REQUIRED)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The settings are valid. ")


def test_main_py_as_a_program_names_what_is_missing() -> None:
    done = run("main.py", **{**REQUIRED, "API_URL": ""})
    assert (done.returncode, [fault.split()[0] for fault in json.loads(done.stdout)["faults"]]) == (1, ["API_URL"])


def test_an_env_file_sets_what_libraries_may_need_and_nothing_that_runs_a_program(tmp_path: Path) -> None:
    (tmp_path / "git").write_text('#!/bin/sh\necho "$HTTPS_PROXY $AWS_CONFIG_FILE $LD_AUDIT" > "${0%/*}/seen"\nexit 1\n')
    (tmp_path / "git").chmod(0o700)
    (tmp_path / ".env").write_text("HTTPS_PROXY=http://proxy.example.no\nAWS_CONFIG_FILE=a\nLD_AUDIT=b\n")
    done = run_cli(tmp_path, "key", "new", "--alg", "ES256", PATH=str(tmp_path))
    assert (done.returncode, (tmp_path / "seen").read_text()) == (0, "http://proxy.example.no  \n"), done.stderr
