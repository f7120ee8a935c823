"""The rotating function under functions-framework, for a schedule and for Secret Manager's notifications."""

from __future__ import annotations

import base64
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from demo.processes import Process, call, start_function
from standin import StandIn, faults, make_jwk
from standin.registered_keys import RegisteredKey
from tests.support.deployment import OTHER_UNIT, client_of, fragments_of
from tests.support.rotating_function import PENDING, SECRET, SETTINGS

PUBSUB = {
    "ce-id": "1",
    "ce-source": "//pubsub.googleapis.com/projects/p/topics/helseid-key-rotation",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
    "Content-Type": "application/json",
}
BY_EVENT = ("--target=rotate", "--signature-type=cloudevent")

Start = Callable[..., tuple[Process, str]]


@pytest.fixture(scope="module")
def jwk() -> dict[str, Any]:
    return make_jwk("ES256")


@pytest.fixture
def standin(jwk: dict[str, Any]) -> Iterator[StandIn]:
    """Return a stand-in whose tokens live for a second, so that calls keep using the key."""
    with StandIn([client_of(jwk)], secret_manager=True, token_lifetime_seconds=1) as standin:
        standin.secret_manager.add(SECRET, json.dumps(jwk))
        standin.secret_manager.create(PENDING)
        yield standin


@pytest.fixture
def start(standin: StandIn, tmp_path: Path, jwk: dict[str, Any]) -> Iterator[Start]:
    """Return a function that starts a process; no secret may be in its output, command line, environment or files."""
    started: list[Process] = []
    environment = {**standin.environment(SETTINGS["HELSEID_KEY"]), **SETTINGS, "LOG_LEVEL": "DEBUG", "TMPDIR": str(tmp_path)}
    with ExitStack() as stack:

        def begin(*options: str) -> tuple[Process, str]:
            process, url = start_function(environment, *options)
            stack.callback(process.stop)
            started.append(process)
            return process, url

        yield begin
        texts = [Path(f"/proc/{each.pid}/{name}").read_text() for each in started for name in ("cmdline", "environ")]
    texts += ["".join(each.other_output) + json.dumps(each.lines) for each in started]
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert [piece for piece in fragments_of(standin.secrets(), jwk) if any(piece in text for text in texts)] == []


def new_keys(standin: StandIn) -> list[RegisteredKey]:
    return [key for key in standin.registered_keys() if key.origin == "Api"]


def notify(url: str, event_type: str, message_id: str) -> int:
    """Deliver a notification as Secret Manager publishes it and Eventarc brings it."""
    attributes = {"eventType": event_type, "secretId": "projects/1/secrets/helseid-key", "dataFormat": "JSON_API_V1"}
    data = base64.b64encode(json.dumps({"name": "projects/1/secrets/helseid-key"}).encode()).decode()
    message = {"subscription": "s", "message": {"data": data, "messageId": message_id, "attributes": attributes}}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(message).encode(), PUBSUB), timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def line_of(process: Process, message_id: str) -> dict[str, Any]:
    process.wait_for(lambda: any(line.get("message_id") == message_id for line in process.lines))
    return next(line for line in process.lines if line.get("message_id") == message_id)


def test_a_post_rotates_the_key_and_no_call_fails(start: Start, standin: StandIn, jwk: dict[str, Any]) -> None:
    _, url = start("--target=run")
    _, rotating_url = start("--target=rotate")
    standin.selvbetjening.settings.activation_seconds = 2
    statuses, ended = [], threading.Event()

    def keep_calling() -> None:
        while not ended.is_set():
            statuses.append(call(url)[0])

    with ThreadPoolExecutor(2) as pool:
        callers = [pool.submit(keep_calling) for _ in range(2)]
        status, report = call(rotating_url)
        rotated_after = len(statuses)
        ended.set()
        [each.result() for each in callers]
    assert (status, report["rotation"]) == (200, "rotated")
    assert call(url, OTHER_UNIT)[0] == 200
    (new,) = new_keys(standin)
    assert (report["kid"], new.posted) == (new.kid, 1)
    assert rotated_after > 5
    assert set(statuses) == {200}
    kids = standin.signing_kids()
    assert set(kids) == {jwk["kid"], new.kid}
    assert kids[-1] == new.kid
    assert kids.count(jwk["kid"]) > 2, "tokens were requested with the old key meanwhile"


def test_a_get_starts_no_rotation(start: Start, standin: StandIn) -> None:
    _, url = start("--target=rotate")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, timeout=30)
    with refused.value as response:
        assert (response.code, json.load(response)["code"]) == (400, "invocation.method")
    assert standin.received == []


def test_duplicate_notifications_rotate_the_key_once(start: Start, standin: StandIn) -> None:
    process, url = start(*BY_EVENT)
    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(lambda number: notify(url, "SECRET_ROTATE", f"m{number}"), range(2)))
    statuses.append(notify(url, "SECRET_ROTATE", "m0"))
    assert statuses == [200, 200, 200]
    (new,) = new_keys(standin)
    process.wait_for(lambda: sum("rotation" in line for line in process.lines) == 3)
    lines = [line for line in process.lines if "rotation" in line]
    assert {line["rotation"] for line in lines} == {"rotated", "not_due"}
    assert lines[-1]["key_expires_in_days"] == 180.0
    assert {line["event_source"] for line in lines} == {PUBSUB["ce-source"]}
    assert lines[-1]["kid"] == new.kid


def test_other_notifications_are_ignored(start: Start, standin: StandIn) -> None:
    process, url = start(*BY_EVENT)
    for event_type in ("SECRET_VERSION_ADD", "SECRET_VERSION_DISABLE", "SECRET_VERSION_DESTROY", "TOPIC_CONFIGURED"):
        assert notify(url, event_type, event_type) == 200
    assert standin.received == []
    assert process.lines == []


def test_only_a_transient_failure_is_not_acknowledged(start: Start, standin: StandIn) -> None:
    process, url = start(*BY_EVENT)
    standin.selvbetjening.fail_always("keys", faults.Status(503))
    assert notify(url, "SECRET_ROTATE", "m1") >= 500
    assert line_of(process, "m1")["code"] == "selvbetjening.unavailable.server_error"
    standin.selvbetjening.clear_faults()
    standin.selvbetjening.fail_always("keys", faults.Problem(403))
    assert notify(url, "SECRET_ROTATE", "m2") == 200
    assert line_of(process, "m2")["code"] == "selvbetjening.refused.forbidden"
    standin.selvbetjening.clear_faults()
    assert notify(url, "SECRET_ROTATE", "m3") == 200
    assert line_of(process, "m3")["rotation"] == "rotated"


def test_simultaneous_rotations_register_one_key(start: Start, standin: StandIn) -> None:
    urls = [start("--target=rotate")[1] for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(call, urls * 2))
    assert [status for status, _ in responses] == [200] * 4
    (new,) = new_keys(standin)
    assert {version.state for version in standin.secret_manager.versions(PENDING)} == {"DESTROYED"}
    assert (standin.secret_manager.versions(SECRET)[-1].jwk or {})["kid"] == new.kid
