"""The function, deployed in this process against the stand-in."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import functions_framework
import pytest

from helseid_fn.http.transport import CONNECT_TIMEOUT_SECONDS
from standin import StandIn
from tests.conftest import MovableClock
from tests.support import deployment
from tests.support.deployment import ENTRY_POINTS, Function, FunctionOnLambda, fragments_of, short_sleep
from tests.support.rotating_function import PENDING, SECRET, SETTINGS, RotatingFunction


@pytest.fixture
def host(request: pytest.FixtureRequest) -> str:
    """Return the host to deploy to; `every_host` parametrizes it."""
    return str(getattr(request, "param", "functions-framework"))


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch, key_file: Path, host: str) -> Callable[..., Function]:
    """Return a function that deploys the product against a stand-in, with the given settings."""
    names: set[str] = set()

    def deploy(
        standin: StandIn,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = short_sleep,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        **settings: str,
    ) -> Function:
        for name in names:
            monkeypatch.delenv(name)
        environment = {**standin.environment(f"file:{key_file}"), "HELSEID_ORGANIZATIONS": "*", **settings}
        names.clear()
        names.update(environment)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        options = {"now": now, "sleep": sleep, "connect_timeout_seconds": connect_timeout_seconds}
        monkeypatch.setattr(deployment, "options", options)
        monkeypatch.delitem(sys.modules, ENTRY_POINTS.stem, raising=False)
        flask = functions_framework.create_app("run", str(ENTRY_POINTS))
        module = sys.modules[ENTRY_POINTS.stem]
        return Function(flask, module) if host == "functions-framework" else FunctionOnLambda(flask, module)

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
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., RotatingFunction]]:
    """Return a function that deploys the rotating function; when the test ends, its output may contain no secret."""
    deployed: list[RotatingFunction] = []

    def start(**settings: str) -> RotatingFunction:
        standin = start_standin(secret_manager=True, clock=clock)
        standin.secret_manager.add(SECRET, json.dumps(jwk))
        standin.secret_manager.create(PENDING)
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            clock.move(seconds)

        function = deploy(standin, now=clock, sleep=sleep, **{**SETTINGS, **settings})
        deployed.append(RotatingFunction(standin, function, pauses, capsys))
        return deployed[-1]

    yield start
    for each in deployed:
        each.written()
        secrets = fragments_of(each.standin.secrets(), jwk)
        assert [piece for piece in secrets if any(piece in text for text in each.output)] == []


@pytest.fixture
def rotation(deploy_rotation: Callable[..., RotatingFunction]) -> RotatingFunction:
    """Return the rotating function with the settings of most tests."""
    return deploy_rotation()
