"""What every test stands on: an empty environment, no network but loopback, keys made here, a clock one can move."""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOREIGN = (
    "HELSEID_",
    "SELVBETJENING_",
    "ROTATION_",
    "API_",
    "DEADLINE_",
    "LOG_",
    "SECRET_MANAGER_",
    "GOOGLE_",
    "GCLOUD_",
    "CLOUDSDK_",
    "FUNCTION_",
    "AWS_",
)
PROXIES_AND_TRUST = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "requests_ca_bundle", "curl_ca_bundle")

CLIENT_ALGORITHMS = ("RS256", "PS256", "ES256")
"""The client keys that every contract test runs with."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep halves of surrogate pairs, which some tests write, out of reports: one process sends them to another as UTF-8."""
    report = yield
    report.sections = [(name, text.encode(errors="replace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's own settings, proxies and credentials away."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.lower() in PROXIES_AND_TRUST:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test of this process leave the machine."""
    connect = socket.socket.connect

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test reached for {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)


@pytest.fixture(autouse=True)
def quiet_logging() -> Iterator[None]:
    """Leave logging as it was found."""
    root, ours = logging.getLogger(), logging.getLogger("helseid_fn")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    ours.handlers.clear()
    ours.propagate = True
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


class MovableClock:
    """A wall clock that stands still until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> MovableClock:
    """Return a clock that stands still until the test moves it."""
    return MovableClock()


@pytest.fixture(params=CLIENT_ALGORITHMS)
def jwk(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return a private client key, once for each algorithm that the contract tests run with."""
    from standin import make_jwk  # noqa: PLC0415  # unit tests need no stand-in

    return make_jwk(request.param)


@pytest.fixture
def key_file(tmp_path: Path, jwk: dict[str, Any]) -> Path:
    """Return the file that holds the client key."""
    path = tmp_path / "client.jwk"
    path.write_text(json.dumps(jwk))
    return path


@pytest.fixture
def load_main(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], ModuleType]:
    """Return a function that imports `main.py` anew in an environment, as a host does at start."""

    def load(environment: dict[str, str]) -> ModuleType:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        spec = importlib.util.spec_from_file_location("main", ROOT / "main.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "main", module)
        spec.loader.exec_module(module)
        return module

    return load
