"""Fixtures for every test: an empty environment, no network but loopback, keys made here, a clock that tests move."""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from standin import Client, StandIn

ROOT = Path(__file__).resolve().parent.parent
FOREIGN = (
    "HELSEID_",
    "SELVBETJENING_",
    "ROTATION_",
    "API_",
    "DEADLINE_",
    "TOKEN_ENDPOINT_",
    "LOG_",
    "RESULT_",
    "CURSOR_",
    "SECRET_MANAGER_",
    "GOOGLE_",
    "GCLOUD_",
    "CLOUDSDK_",
    "FUNCTION_",
    "AWS_",
)
PROXIES_AND_TRUST = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "requests_ca_bundle", "curl_ca_bundle")

# The same few inputs in every test run, many and always new ones in `make fuzz`.
settings.register_profile("default", settings(database=None, deadline=None, suppress_health_check=list(HealthCheck)))
settings.register_profile("short", settings(settings.get_profile("default"), max_examples=100, derandomize=True))
settings.register_profile("long", settings(settings.get_profile("default"), max_examples=7_000, print_blob=True))
settings.load_profile("short")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep lone surrogates, which some tests write, out of reports: processes exchange reports as UTF-8."""
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
    """Prevent tests in this process from connecting beyond this machine."""
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
    """A wall clock that changes only when a test moves it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> MovableClock:
    """Return a clock that changes only when the test moves it."""
    return MovableClock()


@pytest.fixture
def jwk(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return a private client key, for ES256 unless `every_algorithm` parametrizes it."""
    from standin import make_jwk  # noqa: PLC0415  # unit tests need no stand-in

    return make_jwk(getattr(request, "param", "ES256"))


@pytest.fixture
def start_standin(jwk: dict[str, Any]) -> Iterator[Callable[..., StandIn]]:
    """Return a function that starts a stand-in, with one client that has the client key unless others are given."""
    from standin import StandIn  # noqa: PLC0415  # unit tests need no stand-in
    from tests.support.deployment import client_of  # noqa: PLC0415

    with ExitStack() as stack:

        def start(*clients: Client, **options: Any) -> StandIn:
            return stack.enter_context(StandIn(clients or (client_of(jwk),), **options))

        yield start


@pytest.fixture
def standin(start_standin: Callable[..., StandIn]) -> StandIn:
    """Return a stand-in with its default strictness."""
    return start_standin()


@pytest.fixture
def key_file(tmp_path: Path, jwk: dict[str, Any]) -> Path:
    """Return the file that contains the client key."""
    path = tmp_path / "client.jwk"
    path.touch(0o600)
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
