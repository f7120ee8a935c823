"""The stand-in and the function that is pointed at it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import functions_framework
import pytest

from helseid_fn import retries
from tests.conftest import ROOT
from tests.contract.deployment import Function, FunctionOnLambda, client_of
from tests.standin import Client, StandIn


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
