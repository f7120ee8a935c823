"""Requests that functions-framework cannot read as an event: one log line and a problem, not its own error page."""

import sys
from collections.abc import Iterator
from pathlib import Path

import functions_framework
import pytest
from flask import Flask

from standin import StandIn
from tests.conftest import ROOT
from tests.support.deployment import log_lines

EVENT = {"ce-id": "1", "ce-source": "s", "ce-type": "t", "ce-specversion": "1.0"}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}


@pytest.fixture
def events(standin: StandIn, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Serve `main.py` for events."""
    for name, value in standin.environment(f"file:{key_file}").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "main", raising=False)
    yield functions_framework.create_app("run_event", str(ROOT / "main.py"), signature_type="cloudevent")
    functions_framework.create_app(
        "run", str(ROOT / "main.py"), signature_type="http"
    )  # functions-framework leaves this in the environment


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (STRUCTURED, b"\x80"),
        (EVENT | {"Content-Type": "application/json"}, b"[" * 100_000),
        (STRUCTURED, b""),
        (STRUCTURED, b"[1]"),
        (EVENT | STRUCTURED, b""),
        (EVENT | STRUCTURED, b"null"),
    ],
)
def test_an_unreadable_event_is_one_log_line_and_a_problem(
    events: Flask, standin: StandIn, capsys: pytest.CaptureFixture[str], headers: dict[str, str], body: bytes
) -> None:
    response = events.test_client().post("/", headers=headers, data=body)
    assert (response.status_code, (response.json or {})["code"]) == (400, "invocation.body")
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["severity"], line["code"]) == ("ERROR", "invocation.body")
    assert standin.received == []


def test_an_event_that_failed_for_now_is_delivered_again(events: Flask, standin: StandIn) -> None:
    standin.helseid.stop()
    assert events.test_client().post("/", headers=EVENT).status_code == 503
    standin.helseid.start()
    assert events.test_client().post("/", headers=EVENT).status_code == 200


def test_other_error_responses_of_the_framework_stay(events: Flask) -> None:
    assert events.test_client().get("/").status_code == 405
