from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys

import pytest

from helseid_fn.__main__ import USAGE
from tests.conftest import ROOT
from tests.support.parts import REQUIRED


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_the_package_says_what_can_be_run(arguments: tuple[str, ...]) -> None:
    done = run("-m", "helseid_fn", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, USAGE, "")


def test_the_package_refuses_a_command_that_it_lacks() -> None:
    done = run("-m", "helseid_fn", "start")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", USAGE)


@pytest.mark.parametrize("module", re.findall(r"python -m (\S+)", USAGE))
def test_every_module_that_is_named_can_be_run(module: str) -> None:
    names = (module, f"{module}.__main__")
    assert any(importlib.util.find_spec(name) for name in names)


def test_main_py_as_a_program_says_that_the_settings_are_valid() -> None:
    done = run("main.py", **REQUIRED)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The settings are valid. ")


def test_main_py_as_a_program_names_what_is_missing() -> None:
    done = run("main.py", **{**REQUIRED, "API_URL": ""})
    assert (done.returncode, [fault.split()[0] for fault in json.loads(done.stdout)["faults"]]) == (1, ["API_URL"])
