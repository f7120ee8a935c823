"""Two runs of examples/register-feed overlap while the register grows: the slower one must not undo what the other did."""

from __future__ import annotations

import importlib.util
import json
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from standin import StandIn
from standin.address_register import SCOPE
from standin.messages import Request, Response
from tests.conftest import ROOT
from tests.support.deployment import client_of
from tests.support.register import Register


class SlowRegister(Register):
    """Two more events happen while the first page is on its way, which arrives when it may."""

    def __init__(self, standin: StandIn) -> None:
        super().__init__(standin, events=3, page_size=1000)
        self.has_grown, self.may_arrive = threading.Event(), threading.Event()

    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        if self.requests == 1:
            self.events += 2
            self.has_grown.set()
            self.may_arrive.wait(timeout=20)
        return response


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def example(
    start_standin: Callable[..., StandIn], jwk: dict[str, Any], key_file: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Return the example's `main`, for a register that grows."""
    standin = start_standin(client_of(jwk, other_scopes=[SCOPE]))
    register = SlowRegister(standin)
    for name, value in {
        **standin.environment(f"file:{key_file}"),
        **register.settings,
        "RESULT_TO": f"file:{results}",
    }.items():
        monkeypatch.setenv(name, value)
    spec: Any = importlib.util.spec_from_file_location("register_feed", ROOT / "examples" / "register-feed" / "main.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.register = register  # type: ignore[attr-defined]
    return module


def test_a_slower_run_replaces_no_longer_page(example: Any, results: Path) -> None:
    context = types.SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 60_000)
    ended = []
    slower = threading.Thread(target=lambda: ended.append(example.lambda_handler({}, context)))
    slower.start()
    example.register.has_grown.wait(timeout=20)
    faster = example.lambda_handler({}, context)
    example.register.may_arrive.set()
    slower.join(timeout=20)
    delivered = {event["sequenceNumber"] for path in (results / "events").iterdir() for event in json.loads(path.read_text())}
    assert (faster["status"], ended[0]["code"]) == ("ok", "delivery.refused.overtaken")
    assert delivered == {1, 2, 3, 4, 5}
    assert json.loads((results / "cursor.json").read_text())["value"] == 5
