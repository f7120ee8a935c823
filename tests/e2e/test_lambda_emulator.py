"""The archive under AWS's runtime interface emulator: what Lambda does after a timeout or a failed init."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.lambda_runtime.emulator import Emulator, start_emulator
from demo.lambda_runtime.events import EVENTS
from demo.lambda_runtime.target import HERE
from infra.lambda_zip import Target
from standin import Client, StandIn, faults, make_jwk, public_jwk

Start = Callable[..., Emulator]


@pytest.fixture
def standin() -> Iterator[tuple[StandIn, dict[str, Any]]]:
    key = make_jwk("PS256")
    with StandIn([Client(client_id="client", jwks=[public_jwk(key)])]) as standin:
        yield standin, key


@pytest.fixture
def start(standin: tuple[StandIn, dict[str, Any]], lambda_zip: Callable[[Target], Path], tmp_path: Path) -> Iterator[Start]:
    started: list[Emulator] = []
    file = tmp_path / "client.jwk"
    file.touch(0o600)
    file.write_text(json.dumps(standin[1]))

    def begin(handler: str = "main.lambda_handler", timeout_seconds: int = 10, **settings: str) -> Emulator:
        settings = {**standin[0].environment(f"file:{file}"), "HELSEID_ORGANIZATIONS": "*", **settings}
        started.append(start_emulator(lambda_zip(HERE), HERE, settings, timeout_seconds=timeout_seconds, handler=handler))
        return started[-1]

    yield begin
    for each in started:
        each.stop()


def outcomes(emulator: Emulator, count: int) -> list[dict[str, Any]]:
    """Return the lines of `count` invocations; a line may come after its response."""

    def found() -> list[dict[str, Any]]:
        return [line for line in emulator.process.lines if "outcome" in line]

    emulator.process.wait_for(lambda: len(found()) >= count)
    return found()


def test_one_instance_serves_every_event_with_a_cached_token(start: Start) -> None:
    emulator = start()
    assert emulator.invoke({})[1]["token"]["cached"] is False
    for name, event in EVENTS.items():
        status, result = emulator.invoke(event)
        report = json.loads(result["body"]) if "requestContext" in event else result
        assert (status, report["status"]) == (200, "ok"), name
    assert emulator.invoke({"organization": {"parent": "974557746"}})[1]["code"] == "helseid.refused.invalid_request"
    assert emulator.invoke({})[1]["token"]["cached"] is True
    assert len(outcomes(emulator, len(EVENTS) + 3)) == len(EVENTS) + 3


def test_an_invocation_ends_before_lambdas_timeout(start: Start, standin: tuple[StandIn, dict[str, Any]]) -> None:
    emulator = start(timeout_seconds=5)
    assert emulator.invoke({})[1]["status"] == "ok"
    standin[0].api.fail_always("api", faults.Hang())
    _, result = emulator.invoke({})
    assert result["errorType"] == "DeadlineExceeded"
    _, line = outcomes(emulator, 2)
    assert (line["severity"], line["code"]) == ("ERROR", "api.deadline_exceeded")
    assert not any("timed out" in line for line in emulator.process.other_output)


def test_a_new_instance_replaces_one_that_overruns(start: Start) -> None:
    emulator = start(handler="probe.handler", timeout_seconds=5)
    _, result = emulator.invoke({})
    assert result["status"] == "ok"
    begun_at = time.monotonic()
    _, result = emulator.invoke({"probe": "overrun"})
    assert time.monotonic() - begun_at < 30, "it would have taken 60 s"
    assert "Task timed out after 5.00 seconds" in result
    _, result = emulator.invoke({})
    assert (result["status"], result["token"]["cached"]) == ("ok", False)


def test_a_failed_init_logs_its_cause(start: Start) -> None:
    emulator = start(HELSEID_ISSUER="", API_URL="ftp://api.example")
    status, _ = emulator.invoke({})
    assert status == 502
    emulator.process.wait_for(lambda: emulator.process.lines != [])
    line = emulator.process.lines[0]
    assert (line["severity"], line["code"]) == ("CRITICAL", "settings.invalid")
    assert "HELSEID_ISSUER" in line["message"]
    assert "API_URL" in line["message"]
    assert not any("Traceback" in line for line in emulator.process.other_output)
