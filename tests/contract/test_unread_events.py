"""What functions-framework cannot read as an event, and would answer with a page of its own or try for ever."""

import sys
from collections.abc import Iterator
from typing import Any

import functions_framework
import pytest
from flask import Flask

from standin import StandIn
from tests.conftest import ROOT
from tests.support.deployment import log_lines, one_key

EVENT = {"ce-id": "1", "ce-source": "s", "ce-type": "t", "ce-specversion": "1.0"}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}


@pytest.fixture
def events(standin: StandIn, key_file: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Serve the function for events."""
    for name, value in standin.environment(f"file:{key_file}").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "main", raising=False)
    yield functions_framework.create_app("run_event", str(ROOT / "main.py"), signature_type="cloudevent")
    functions_framework.create_app("run", str(ROOT / "main.py"), signature_type="http")  # what it leaves in the environment


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (STRUCTURED, b"\x80"),
        (EVENT | {"Content-Type": "application/json"}, b"[" * 100_000),
        ({}, b"{}"),
        ({"Content-Type": "application/json"}, b"[]"),
        ({"Content-Type": "application/json"}, b"null"),
        (STRUCTURED, b""),
        (STRUCTURED, b"[1]"),
        (EVENT | STRUCTURED, b""),
        (EVENT | STRUCTURED, b"null"),
    ],
)
@one_key
def test_what_cannot_be_read_as_an_event_is_told_in_one_line_and_a_problem(
    events: Flask, standin: StandIn, capsys: pytest.CaptureFixture[str], headers: dict[str, str], body: bytes
) -> None:
    answer = events.test_client().post("/", headers=headers, data=body)
    assert (answer.status_code, (answer.json or {})["code"]) == (400, "invocation.body")
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["severity"], line["code"]) == ("ERROR", "invocation.body")
    assert standin.received == []


@one_key
def test_a_failure_that_may_pass_still_has_its_event_delivered_again(events: Flask, standin: StandIn) -> None:
    standin.helseid.stop()
    assert events.test_client().post("/", headers=EVENT).status_code == 503
    standin.helseid.start()
    assert events.test_client().post("/", headers=EVENT).status_code == 200


@one_key
def test_an_answer_of_the_frameworks_own_stays_what_it_is(events: Flask) -> None:
    assert events.test_client().get("/").status_code == 405
