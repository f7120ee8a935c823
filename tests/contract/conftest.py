"""The stand-in and the function that is pointed at it."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import functions_framework
import pytest

from helseid_fn.http import retries
from helseid_fn.rotation import wiring
from standin import Client, StandIn
from tests.conftest import ROOT, MovableClock
from tests.support.deployment import Function, FunctionOnLambda, client_of, fragments_of
from tests.support.rotating_function import PENDING, SECRET, SETTINGS, RotatingFunction


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses before retries, whose length the unit tests look at."""
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def start_standin(jwk: dict[str, Any]) -> Iterator[Callable[..., StandIn]]:
    """Return a function that starts a stand-in, with one client that has the client key unless others are given."""
    with ExitStack() as stack:

        def start(*clients: Client, **options: Any) -> StandIn:
            return stack.enter_context(StandIn(clients or (client_of(jwk),), **options))

        yield start


@pytest.fixture
def standin(start_standin: Callable[..., StandIn]) -> StandIn:
    """Return a stand-in as strict as it is by default."""
    return start_standin()


@pytest.fixture
def host(request: pytest.FixtureRequest) -> str:
    """Return the host to deploy to; `every_host` asks for each in turn."""
    return str(getattr(request, "param", "functions-framework"))


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch, key_file: Path, host: str) -> Callable[..., Function]:
    """Return a function that deploys the product against a stand-in, with settings of one's own."""
    names: set[str] = set()

    def deploy(standin: StandIn, *, now: Callable[[], float] | None = None, **settings: str) -> Function:
        for name in names:
            monkeypatch.delenv(name)
        environment = {**standin.environment(f"file:{key_file}"), **settings}
        names.clear()
        names.update(environment)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delitem(sys.modules, "main", raising=False)
        app = functions_framework.create_app("run", str(ROOT / "main.py"))
        module = sys.modules["main"]
        if now is not None:
            monkeypatch.setattr(module, "JOB", module.wire(module.SETTINGS, now=now))  # type: ignore[attr-defined]
        return Function(app, module) if host == "functions-framework" else FunctionOnLambda(app, module)

    return deploy


@pytest.fixture
def function(deploy: Callable[..., Function], standin: StandIn) -> Function:
    """Return the function with the stand-in's own settings."""
    return deploy(standin)


@pytest.fixture
def deploy_rotation(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    clock: MovableClock,
    jwk: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., RotatingFunction]]:
    """Return a function that deploys the rotating function; when the test ends, no secret may stand in what it told."""
    deployed: list[RotatingFunction] = []

    def start(**settings: str) -> RotatingFunction:
        standin = start_standin(secret_manager=True, clock=clock)
        standin.secret_manager.add(SECRET, json.dumps(jwk))
        standin.secret_manager.create(PENDING)
        function = deploy(standin, now=clock, **{**SETTINGS, **settings})
        deployed.append(RotatingFunction(standin, function, clock, capsys))
        monkeypatch.setattr(wiring, "wire_google_rotation", deployed[-1].wire)
        return deployed[-1]

    yield start
    for each in deployed:
        each.written()
        secrets = fragments_of(each.standin.secrets(), jwk)
        assert [piece for piece in secrets if any(piece in text for text in each.told)] == []


@pytest.fixture
def rotation(deploy_rotation: Callable[..., RotatingFunction]) -> RotatingFunction:
    """Return the rotating function with the settings of most tests."""
    return deploy_rotation()
