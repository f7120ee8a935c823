"""CloudEvents, as Eventarc and Pub/Sub deliver them, to the function under functions-framework."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from demo.processes import Process, start_function, start_standin

PUBSUB = {
    "ce-id": "1",
    "ce-source": "//pubsub.googleapis.com/projects/p/topics/t",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
    "Content-Type": "application/json",
}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
REFUSED_BY_HELSEID = {"organization": {"parent": "974557746"}}


@pytest.fixture(scope="module")
def standin() -> Iterator[tuple[Process, dict[str, str]]]:
    process, environment = start_standin()
    yield process, environment
    process.stop()


@pytest.fixture(scope="module")
def function(standin: tuple[Process, dict[str, str]]) -> Iterator[tuple[Process, str]]:
    process, url = start_function(
        {**standin[1], "HELSEID_ORGANIZATIONS": "*"}, "--target=run_event", "--signature-type=cloudevent"
    )
    yield process, url
    process.stop()


def message(invocation: object, message_id: str) -> bytes:
    data = base64.b64encode(json.dumps(invocation).encode()).decode()
    return json.dumps(
        {"subscription": "s", "message": {"data": data, "messageId": message_id, "attributes": {"a": "b"}}}
    ).encode()


def deliver(url: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def line_of(process: Process, field: str, value: str) -> dict[str, Any]:
    process.wait_for(lambda: any(line.get(field) == value for line in process.lines))
    return next(line for line in process.lines if line.get(field) == value)


def test_events_in_every_form_start_a_call(function: tuple[Process, str]) -> None:
    assert deliver(function[1], message({"organization": {"parent": "313745392"}}, "m1"), PUBSUB) == 200
    line = line_of(function[0], "message_id", "m1")
    assert (line["outcome"], line["organization"]["parent"], line["event_id"]) == ("ok", "313745392", "1")
    empty = json.dumps({"message": {"messageId": "m2"}}).encode()
    assert deliver(function[1], empty, PUBSUB) == 200
    assert line_of(function[0], "message_id", "m2")["outcome"] == "ok"
    event = {"specversion": "1.0", "id": "s1", "source": "s", "type": "t", "data": {"request": {"query": {"a": "b"}}}}
    assert deliver(function[1], json.dumps(event).encode(), STRUCTURED) == 200
    assert line_of(function[0], "event_id", "s1")["outcome"] == "ok"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (message(REFUSED_BY_HELSEID, "p1"), "helseid.refused.invalid_request"),
        (message({"unknown": 1}, "p2"), "invocation.member"),
        (json.dumps({"message": {"data": "%%%", "messageId": "p3"}}).encode(), "invocation.body"),
        (json.dumps({"message": {"data": base64.b64encode(b"\xff{").decode(), "messageId": "p4"}}).encode(), "invocation.body"),
    ],
    ids=["refused by HelseID", "unknown member", "not base64", "not JSON"],
)
def test_a_permanent_failure_is_logged_and_acknowledged(function: tuple[Process, str], body: bytes, code: str) -> None:
    assert deliver(function[1], body, PUBSUB) == 200
    line = line_of(function[0], "message_id", json.loads(body)["message"]["messageId"])
    assert (line["severity"], line["code"]) == ("ERROR", code)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[]", b"null", b'{"message": 7}'], ids=ascii)
def test_a_malformed_message_is_acknowledged_with_its_code(function: tuple[Process, str], body: bytes) -> None:
    before = len(function[0].lines)
    assert deliver(function[1], body, PUBSUB) == 200
    function[0].wait_for(lambda: len(function[0].lines) > before)
    assert [(line["code"], "stack_trace" in line) for line in function[0].lines[before:]] == [("invocation.body", False)]


def test_a_transient_failure_is_logged_once_and_redelivered(standin: tuple[Process, dict[str, str]]) -> None:
    down = {**standin[1], "API_URL": "http://127.0.0.1:9/"}
    process, url = start_function(down, "--target=run_event", "--signature-type=cloudevent")
    try:
        assert deliver(url, message({}, "r1"), PUBSUB) == 503
        assert line_of(process, "message_id", "r1")["code"] == "api.unavailable.connect"
        assert deliver(url, message({"unknown": 1}, "r2"), PUBSUB) == 200
        assert line_of(process, "message_id", "r2")["code"] == "invocation.member"
        assert [line["severity"] for line in process.lines] == ["ERROR", "ERROR"], "each is logged once"
    finally:
        process.stop()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xfe", STRUCTURED),
        (b"{", STRUCTURED),
        (b'{"specversion": "9.9", "id": "1", "source": "s", "type": "t"}', STRUCTURED),
    ],
    ids=["not text", "not JSON", "of no version"],
)
def test_an_invalid_cloudevent_gets_a_problem_without_echo(
    function: tuple[Process, str], body: bytes, headers: dict[str, str]
) -> None:
    request = urllib.request.Request(function[1], data=body, headers={**headers, "Authorization": "Bearer of-the-caller"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    with refused.value as response:
        text = response.read().decode()
    assert (refused.value.code, json.loads(text)["code"]) == (400, "invocation.body")
    assert "of-the-caller" not in text + str(function[0].lines) + "".join(function[0].other_output)
