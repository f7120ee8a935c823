"""The archive under AWS's own runtime interface emulator: what Lambda does when time is up, or when init fails."""

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
    file.write_text(json.dumps(standin[1]))

    def begin(handler: str = "main.lambda_handler", timeout_seconds: int = 10, **settings: str) -> Emulator:
        settings = {**standin[0].environment(f"file:{file}"), **settings}
        started.append(start_emulator(lambda_zip(HERE), HERE, settings, timeout_seconds=timeout_seconds, handler=handler))
        return started[-1]

    yield begin
    for each in started:
        each.stop()


def outcomes(emulator: Emulator, count: int) -> list[dict[str, Any]]:
    """Return the lines of as many invocations; a line may come after its answer."""

    def found() -> list[dict[str, Any]]:
        return [line for line in emulator.process.lines if "outcome" in line]

    emulator.process.wait_for(lambda: len(found()) >= count)
    return found()


def test_every_shape_of_event_is_answered_there_too(start: Start) -> None:
    emulator = start()
    for name, event in EVENTS.items():
        status, answer = emulator.invoke(event)
        report = json.loads(answer["body"]) if "requestContext" in event else answer
        assert (status, report["status"]) == (200, "ok"), name
    assert len(outcomes(emulator, len(EVENTS))) == len(EVENTS)


def test_the_instance_lives_on_and_keeps_its_token(start: Start) -> None:
    emulator = start()
    assert emulator.invoke({})[1]["token"]["held"] is False
    assert emulator.invoke({"organization": {"parent": "974557746"}})[1]["code"] == "helseid.refused.invalid_request"
    assert emulator.invoke({})[1]["token"]["held"] is True


def test_it_answers_before_lambda_would_end_it(start: Start, standin: tuple[StandIn, dict[str, Any]]) -> None:
    emulator = start(timeout_seconds=5)
    assert emulator.invoke({})[1]["status"] == "ok"
    standin[0].api.fail_always("api", faults.Hang())
    _, answer = emulator.invoke({})
    assert answer["errorType"] == "DeadlineExceeded"
    _, line = outcomes(emulator, 2)
    assert (line["severity"], line["code"]) == ("ERROR", "api.deadline_exceeded")
    assert not any("timed out" in line for line in emulator.process.said)


def test_an_instance_that_overruns_is_ended_and_the_next_one_serves(start: Start) -> None:
    emulator = start(handler="probe.handler", timeout_seconds=5)
    _, answer = emulator.invoke({})
    assert answer["status"] == "ok"
    begun_at = time.monotonic()
    _, answer = emulator.invoke({"probe": "overrun"})
    assert time.monotonic() - begun_at < 30, "it would have taken 60 s"
    assert "Task timed out after 5.00 seconds" in answer
    _, answer = emulator.invoke({})
    assert (answer["status"], answer["token"]["held"]) == ("ok", False)


def test_an_init_that_fails_says_why_in_the_log(start: Start) -> None:
    emulator = start(HELSEID_ISSUER="", API_URL="ftp://api.example")
    status, _ = emulator.invoke({})
    assert status == 502
    line = emulator.process.lines[0]
    assert (line["severity"], line["code"]) == ("CRITICAL", "settings.invalid")
    assert "HELSEID_ISSUER" in line["message"]
    assert "API_URL" in line["message"]
    assert not any("Traceback" in line for line in emulator.process.said)
