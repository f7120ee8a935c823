"""Pub/Sub's pushes are taken in every form, by the HTTP target and by the target for events."""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from flask import Flask

from standin import StandIn, faults
from tests.conftest import ROOT
from tests.support.deployment import CHILD, OTHER_CHILD, OTHER_UNIT, Function, log_lines, made

OTHER = json.dumps(OTHER_UNIT)
COLD = {"metadata": 1, "token": 2, "api": 1}


def push(data: str | None, **message: Any) -> str:
    """Build a push as Pub/Sub wraps it, with its message's names in both spellings."""
    inner = {"messageId": "2070443601311540", "message_id": "2070443601311540", "publishTime": "2026-02-26T19:13:55.749Z"}
    if data is not None:
        inner["data"] = base64.b64encode(data.encode()).decode()
    return json.dumps({"message": {**inner, **message}, "subscription": "projects/p/subscriptions/s", "deliveryAttempt": 1})


def legacy(data: str) -> str:
    """Build an event in the form before CloudEvents."""
    event = {"eventId": "1144231683168617", "timestamp": "2020-05-06T07:33:34.556Z"}
    event["eventType"] = "google.pubsub.topic.publish"
    resource = {"service": "pubsub.googleapis.com", "name": "projects/p/topics/t", "type": "pubsub"}
    message = {"@type": "type.googleapis.com/google.pubsub.v1.PubsubMessage", "data": base64.b64encode(data.encode()).decode()}
    return json.dumps({"context": {**event, "resource": resource}, "data": message})


PUSHES = {
    "wrapped": (push(OTHER), OTHER_CHILD),
    "attributes alone": (push(None, attributes={"a": "b"}), CHILD),
    "empty data": (push(""), CHILD),
    "not wrapped": (OTHER, OTHER_CHILD),
    "not wrapped and empty": ("", CHILD),
}


@pytest.fixture
def events(standin: StandIn, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Serve `main.py` for events."""
    for name, value in {**standin.environment(f"file:{key_file}"), "HELSEID_ORGANIZATIONS": "*"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "main", raising=False)
    yield functions_framework.create_app("run_event", str(ROOT / "main.py"), signature_type="cloudevent")
    functions_framework.create_app("run", str(ROOT / "main.py"), signature_type="http")  # it stays in the environment


@pytest.mark.parametrize(("body", "child"), PUSHES.values(), ids=PUSHES)
def test_the_http_target_takes_a_push(standin: StandIn, function: Function, body: str, child: str) -> None:
    response = function.call({}, data=body)
    assert (response.status_code, (response.json or {})["organization"]["child"]) == (200, child)
    assert made(standin) == COLD


@pytest.mark.parametrize(("body", "child"), [*PUSHES.values(), (legacy(OTHER), OTHER_CHILD)], ids=[*PUSHES, "legacy"])
def test_the_target_for_events_takes_a_push(
    events: Flask, standin: StandIn, capsys: pytest.CaptureFixture[str], body: str, child: str
) -> None:
    assert events.test_client().post("/", data=body, content_type="application/json").status_code == 200
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["outcome"], line["organization"]["child"]) == ("ok", child)
    assert made(standin) == COLD


def test_a_push_without_data_is_logged_with_its_id(events: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    events.test_client().post("/", data=push(None, attributes={"a": "b"}), content_type="application/json")
    (line,) = log_lines(capsys.readouterr().out)
    assert line["message_id"] == "2070443601311540"


def test_a_push_that_is_not_wrapped_is_logged_with_its_headers_id(events: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    events.test_client().post("/", data=OTHER, headers={"x-goog-pubsub-message-id": "7"}, content_type="application/json")
    (line,) = log_lines(capsys.readouterr().out)
    assert line["message_id"] == "7"


ID = {"x-goog-pubsub-message-id": "2070443601311540"}


@pytest.mark.parametrize(
    ("body", "headers"), [(push('{"unknown": 1}'), {}), ('{"unknown": 1}', ID)], ids=["wrapped", "by its headers"]
)
def test_a_push_that_fails_for_good_is_acknowledged_with_its_id(
    standin: StandIn, function: Function, capsys: pytest.CaptureFixture[str], body: str, headers: dict[str, str]
) -> None:
    response = function.call({}, data=body, headers=headers)
    assert (response.status_code, (response.json or {})["code"]) == (200, "invocation.member")
    (line,) = log_lines(capsys.readouterr().out)
    assert line["message_id"] == "2070443601311540"
    assert standin.received == []


ANOTHERS = push("{}", messageId="another's")


def test_no_publisher_chooses_an_id_over_http(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    function.call({}, data=ANOTHERS, headers=ID)
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["outcome"], line["message_id"]) == ("ok", "2070443601311540")


def test_no_publisher_chooses_an_event_s_id(events: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    events.test_client().post("/", data=ANOTHERS, headers=ID, content_type="application/json")
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["outcome"], line["message_id"]) == ("ok", "2070443601311540")


def test_a_call_that_is_no_push_is_not_acknowledged(function: Function) -> None:
    assert function.call({}, data='{"message": {}, "unknown": 1}').status_code == 400


def test_a_push_that_fails_for_now_is_delivered_again(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Status(503))
    assert function.call({}, data=push("{}")).status_code == 503


def test_a_page_of_another_site_starts_no_event(events: Flask, standin: StandIn) -> None:
    response = events.test_client().post("/", data="{}", headers={"Sec-Fetch-Site": "cross-site"}, content_type="text/plain")
    assert response.status_code == 400
    assert standin.received == []


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/.env", 404), ("/a/b", 404), ("/favicon.ico", 404)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_path_of_the_http_target_does_no_job(
    standin: StandIn, function: Function, path: str, status: int, method: str
) -> None:
    assert function.flask.test_client().open(path, method=method).status_code == status
    assert standin.received == []


def test_a_page_of_another_site_does_no_job(standin: StandIn, function: Function) -> None:
    response = function.call({}, headers={"Sec-Fetch-Site": "cross-site"}, content_type="text/plain")
    assert (response.status_code, (response.json or {})["code"]) == (400, "invocation.cross_site")
    assert standin.received == []
