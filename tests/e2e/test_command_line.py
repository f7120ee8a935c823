"""The command line as a process, with the stand-in as another."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import Process, accepts, bare_environment, call, free_port, start_standin
from standin.environment import export_lines
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    process, environment = start_standin()
    yield environment
    process.stop()


@pytest.fixture
def folder(tmp_path: Path, settings: dict[str, str]) -> Path:
    """A folder whose `.env` points at the stand-in."""
    (tmp_path / ".env").write_text(export_lines(settings))
    return tmp_path


def start(folder: Path, *arguments: str) -> Process:
    command = [sys.executable, "-m", "helseid_fn", *arguments]
    return Process("helseid-fn", command, {**bare_environment(), "PYTHONPATH": str(ROOT)}, folder)


def test_serve_serves_the_default_job_with_the_env_file(folder: Path) -> None:
    port = free_port()
    process = start(folder, "serve", f"--port={port}")
    process.wait_for(lambda: accepts(port))
    status, report = call(f"http://127.0.0.1:{port}/")
    process.signal(signal.SIGINT)
    process.wait()
    process.stop()
    assert (status, report["status"]) == (200, "ok")
    assert process.other_output[0] == f"Serving run of the default job on http://127.0.0.1:{port}/ until Ctrl-C.\n"


def test_serve_says_in_one_sentence_that_its_port_is_taken(folder: Path, settings: dict[str, str]) -> None:
    taken = settings["API_URL"].split(":")[2].partition("/")[0]
    command = [sys.executable, "-m", "helseid_fn", "serve", f"--port={taken}"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**bare_environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    told = f"Error: Port {taken} is in use. Stop the program that uses it, or choose another --port.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
