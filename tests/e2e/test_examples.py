"""Each folder of `examples/`: its tests pass, and its README's commands do what it says, as a newcomer runs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.processes import Process, bare_environment
from tests.conftest import ROOT
from tests.support.cloud_storage import BUCKET, run_cloud_storage

EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())

Run = Callable[[str], subprocess.CompletedProcess[str]]


def step(example: str, name: str) -> str:
    """Return the block of a step of an example's README."""
    page = (ROOT / "examples" / example / "README.md").read_text()
    return re.search(rf"<!-- step: {name} -->\n```sh\n(.*?)```", page, re.DOTALL)[1]  # type: ignore[index]  # it is there


class Place:
    """A copy of an example with the commands installed, and the stand-in running beside it."""

    def __init__(self, example: str, tmp_path: Path) -> None:
        self.example = example
        self.folder = tmp_path / example
        shutil.copytree(ROOT / "examples" / example, self.folder)
        scripts = tmp_path / "bin"
        scripts.mkdir()
        for name, module in (("helseid-fn", "helseid_fn"), ("helseid-standin", "standin")):
            (scripts / name).write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m {module} "$@"\n')
            (scripts / name).chmod(0o755)
        self.environment = {**bare_environment(), "PATH": f"{scripts}:{os.environ['PATH']}"}
        command = f"exec {step(example, 'standin').strip()} --port-base=0 --json-events=-"
        self.standin = Process("the stand-in", ["sh", "-c", command], self.environment, self.folder)
        self.standin.wait_for(lambda: bool(self.standin.lines))
        self.api = self.standin.lines[0]["environment"]["API_URL"].partition("/machine-clients")[0]

    def commands(self, name: str) -> str:
        return step(self.example, name).replace("http://127.0.0.1:8101", self.api).replace("my-outbox", BUCKET)

    def run(self, name: str = "run", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-ec", self.commands(name)],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Copy the example that the test names, and start the stand-in."""
    place = Place(request.param, tmp_path)
    yield place
    place.standin.stop()


def on(example: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("place", [example], indirect=True)


def test_each_example_has_its_readme_and_few_lines() -> None:
    for name in EXAMPLES:
        folder = ROOT / "examples" / name
        assert (folder / "README.md").read_text().startswith("# "), name
        assert len((folder / "main.py").read_text().splitlines()) <= 40, name


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_s_own_tests_pass(example: str, tmp_path: Path) -> None:
    folder = tmp_path / example
    shutil.copytree(ROOT / "examples" / example, folder)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@on("register-feed")
def test_the_register_is_followed_to_its_end(place: Place) -> None:
    done = place.run()
    assert done.returncode == 0, done.stderr
    printed, _, listed = done.stdout.rpartition("}")
    assert json.loads(f"{printed[printed.index('{') :]}}}") == {"pages": 3, "sequence_number": 2500}
    events = [
        event for name in listed.split() for event in json.loads((place.folder / "results" / "events" / name).read_text())
    ]
    assert [event["sequenceNumber"] for event in events] == list(range(1, 2501))


@on("edi-inbox")
def test_the_inbox_is_emptied(place: Place) -> None:
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.rpartition("}")[2].split()) == 5


@on("nightly-post")
def test_what_is_in_the_bucket_is_posted_and_removed(place: Place) -> None:
    with run_cloud_storage() as storage:
        for name in ("outbox/a.xml", "outbox/b.xml", "other.xml"):
            storage.put(name, b"<a/>")
        done = place.run(**storage.environ)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.rpartition("}")[2].split()) == 2
        assert [each.name for each in storage.client.list_blobs(BUCKET)] == ["other.xml"]


@on("pass-through")
def test_a_service_calls_the_function_as_the_api(place: Place) -> None:
    port = free_port()
    command = place.commands("serve").replace("helseid-fn serve", f"exec helseid-fn serve --port {port}")
    serve = Process("serve", ["sh", "-ec", command], place.environment, place.folder)
    try:
        serve.wait_for(lambda: is_open(port))
        commands = place.commands("run").replace("8080", str(port))
        out = subprocess.run(
            ["sh", "-ec", commands], env=place.environment, capture_output=True, text=True, check=True, timeout=60
        )
    finally:
        serve.stop()
    assert re.findall(r"HTTP/1\.1 (\d+)", out.stdout) == ["200", "404"]
    assert '"greeting"' in out.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
