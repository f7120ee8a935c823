"""The steps of `docs/getting-started.md` on one's own machine, run as they are written."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import Process, bare_environment
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "getting-started.md").read_text()
PORTS = "--port-base=0"
"""The tests take free ports, so that a stand-in that is running does not matter."""


def step(name: str) -> str:
    """Return the block of a step, without its indent."""
    found = re.search(rf"<!-- step: {name} -->\n *```\w*\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return re.sub(r"^ {3}", "", found[1], flags=re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder with an environment in which both commands are installed."""
    scripts = tmp_path / "env" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "activate").write_text(f'PATH="{scripts}:$PATH"\n')
    for name, module in (("helseid-fn", "helseid_fn"), ("helseid-standin", "standin")):
        (scripts / name).write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m {module} "$@"\n')
        (scripts / name).chmod(0o755)
    return tmp_path


def run(folder: Path, commands: str, api_url: str) -> subprocess.CompletedProcess[str]:
    commands = ". env/bin/activate\n" + commands.replace("http://127.0.0.1:8101/machine-clients/greetings", api_url)
    return subprocess.run(
        ["sh", "-c", commands], cwd=folder, env=bare_environment(), capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def api_url(folder: Path) -> Iterator[str]:
    """Start the stand-in as the page says, and return its API's URL."""
    command = f". env/bin/activate\nexec {step('standin').strip()} {PORTS} --json-events=-"
    process = Process("the stand-in", ["sh", "-c", command], bare_environment(), folder)
    process.wait_for(lambda: bool(process.lines))
    yield process.lines[0]["environment"]["API_URL"]
    process.stop()


def test_the_first_call_shows_what_the_page_shows(folder: Path, api_url: str) -> None:
    done = run(folder, step("call"), api_url)
    assert done.returncode == 0, done.stderr
    shown = without_chance(step("seen").replace("http://127.0.0.1:8101/machine-clients/greetings", api_url))
    printed = done.stdout.partition("{")
    assert without_chance(printed[1] + printed[2] + done.stderr) == shown


def without_chance(text: str) -> str:
    return re.sub(r"\d+:\d+:\d+|\d+ (?:ms|s)\b", "N", text).strip()


def test_the_further_commands_end_as_the_page_says(folder: Path, api_url: str) -> None:
    assert run(folder, step("call"), api_url).returncode == 0
    explain, repeat, refused, doctor = step("look").splitlines()
    assert "typ client-authentication+jwt" in " ".join(run(folder, explain, api_url).stderr.split())
    assert run(folder, repeat, api_url).stderr.count("token       cached") == 2
    refusal = run(folder, refused, api_url)
    assert (refusal.returncode, "HID-1002" in refusal.stderr) == (5, True)
    assert run(folder, doctor, api_url).stdout.startswith("Nothing is wrong between here and the API.")
