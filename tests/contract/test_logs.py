"""Standard output is the log: JSON lines, one of which is the complete record of each invocation."""

import json
from collections.abc import Callable

import pytest

from standin import StandIn, faults
from tests.support.deployment import CHILD, PARENT, Function, assertions, log_lines, made

COLD = {"metadata": 1, "token": 2, "api": 1}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_every_line_on_stdout_is_json_with_a_severity(
    standin: StandIn, deploy: Callable[..., Function], capsys: Captured, level: str
) -> None:
    function = deploy(standin, LOG_LEVEL=level)
    function.call()
    standin.api.fail_next("api", faults.Status(403, "two\nlines\r\n\u2028three"))
    function.call()
    function.call({"scope": "unknown"})
    written = capsys.readouterr()
    lines = log_lines(written.out)
    assert {line["severity"] for line in lines} <= {"DEBUG", "INFO", "ERROR"}
    assert all({"message", "time", "logger"} <= set(line) for line in lines)
    assert written.err == ""
    assert made(standin) == {**COLD, "api": 2}


def test_a_success_is_one_line_with_these_fields(standin: StandIn, function: Function, capsys: Captured) -> None:
    report = function.call().json or {}
    (line,) = log_lines(capsys.readouterr().out)
    for name in ("time", "timestamp", "execution_id", "message"):
        assert line.pop(name)
    assert line.pop("level") == line["severity"]
    assert set(line.pop("durations_ms")) == {"secret_store", "helseid", "api"}
    assert isinstance(line.pop("duration_ms"), int)
    assert line == {
        "severity": "INFO",
        "logger": "helseid_fn.function.app",
        "outcome": "ok",
        "trigger": "http",
        "invocation": report["invocation"],
        "organization": {"parent": PARENT, "child": CHILD},
        "requests": {"secret_store": 1, "helseid": 3, "api": 1},
        "outcomes": {"secret_store": ["ok"], "helseid": [200, 400, 200], "api": [200]},
        "kid": assertions(standin)[0]["header"]["kid"],
        "assertion_jti": assertions(standin)[-1]["jti"],
        "key_expires_in_days": 90.0,
        "key_expires_assumed": True,
    }
    assert made(standin) == COLD


@pytest.mark.parametrize("status", [409, 422, 500])
def test_a_failed_call_logs_the_api_s_ids_and_no_words(
    standin: StandIn, function: Function, capsys: Captured, status: int
) -> None:
    ids = {"requestId": "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11", "errorCode": "EDI-1042"}
    body = json.dumps({**ids, "title": "HUSH", "eventId": "01017012345"})
    standin.api.fail_always("api", faults.Status(status, body, (("X-EVENT-ID", TRACE),), "application/problem+json"))
    function.call()
    out = capsys.readouterr().out
    (line,) = log_lines(out)
    assert line["api_ids"] == {**ids, "x-event-id": TRACE}
    assert [word for word in ("HUSH", "01017012345") if word in out] == []


def test_a_call_with_a_cached_token_names_its_assertion(standin: StandIn, function: Function, capsys: Captured) -> None:
    for _ in range(2):
        function.call()
    first, second = log_lines(capsys.readouterr().out)
    assert (second["kid"], second["assertion_jti"]) == (first["kid"], first["assertion_jti"])
    assert second["outcomes"] == {"api": [200]}
    assert made(standin) == {**COLD, "api": 2}


def test_a_failure_is_one_error_line_that_names_the_assertion(standin: StandIn, function: Function, capsys: Captured) -> None:
    refusal = json.dumps({"error": "invalid_scope", "error_description": "No."})
    standin.helseid.fail_always("token", faults.Status(400, refusal, (), "application/json"))
    problem = function.call().json or {}
    (line,) = log_lines(capsys.readouterr().out)
    assert {name: line[name] for name in ("severity", "message", "code", "party", "retryable", "outcome", "invocation")} == {
        "severity": "ERROR",
        "message": problem["detail"],
        "code": "helseid.refused.invalid_scope",
        "party": "HelseID",
        "retryable": False,
        "outcome": "failed",
        "invocation": problem["invocation"],
    }
    (assertion,) = assertions(standin)
    assert (line["kid"], line["assertion_jti"]) == (assertion["header"]["kid"], assertion["jti"])
    assert line["outcomes"] == {"secret_store": ["ok"], "helseid": [200, 400]}
    assert made(standin) == {"metadata": 1, "token": 1}


def test_a_bad_invocation_is_one_error_line(standin: StandIn, function: Function, capsys: Captured) -> None:
    problem = function.call({"scope": "unknown"}).json or {}
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["severity"], line["code"], line["party"]) == ("ERROR", "invocation.scope", None)
    assert line["invocation"] == problem["invocation"]
    assert made(standin) == {}


def test_every_try_is_in_the_line(standin: StandIn, function: Function, capsys: Captured) -> None:
    standin.api.fail_next("api", faults.Reset())
    standin.api.fail_next("api", faults.Status(503))
    function.call()
    (line,) = log_lines(capsys.readouterr().out)
    assert line["outcomes"]["api"] == ["connection_lost", 503, 200]
    assert made(standin) == {**COLD, "api": 3}


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_a_nonce_round_is_not_logged_as_an_error(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], capsys: Captured, level: str
) -> None:
    standin = start_standin(api_nonce=True)
    assert deploy(standin, LOG_LEVEL=level).call().status_code == 200
    lines = log_lines(capsys.readouterr().out)
    assert {line["severity"] for line in lines} <= {"DEBUG", "INFO"}
    assert made(standin) == {**COLD, "api": 2}


def test_the_schedulers_headers_are_in_the_line(standin: StandIn, function: Function, capsys: Captured) -> None:
    headers = {
        "X-CloudScheduler-JobName": "nightly",
        "X-CloudScheduler-ScheduleTime": "2026-11-22T02:00:00Z",
        "Function-Execution-Id": "abc123",
    }
    function.call(headers=headers)
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["scheduler_job"], line["scheduler_time"]) == ("nightly", "2026-11-22T02:00:00Z")
    assert line["execution_id"] == "abc123"
    assert made(standin) == COLD


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": f"00-{TRACE}-{SPAN}-01"},
        {"X-Cloud-Trace-Context": f"{TRACE}/{int(SPAN, 16)};o=1"},
        {"traceparent": f"00-{TRACE}-{SPAN}-01", "X-Cloud-Trace-Context": f"{'0' * 32}/1"},
    ],
    ids=["W3C", "Google", "both"],
)
def test_the_trace_is_under_the_names_that_cloud_logging_knows(
    standin: StandIn, deploy: Callable[..., Function], capsys: Captured, headers: dict[str, str]
) -> None:
    deploy(standin, GOOGLE_CLOUD_PROJECT="my-project").call(headers=headers)
    (line,) = log_lines(capsys.readouterr().out)
    assert line["logging.googleapis.com/trace"] == f"projects/my-project/traces/{TRACE}"
    assert line["logging.googleapis.com/spanId"] == SPAN
    assert made(standin) == COLD


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "nonsense", "X-Cloud-Trace-Context": "nonsense"},
        {"X-CloudScheduler-JobName": "\x7f", "traceparent": '00-"severity": "EMERGENCY"-x'},
        {"X-CloudScheduler-JobName": "x" * 10_000},
    ],
)
def test_hostile_headers_do_not_harm_the_line(
    standin: StandIn, function: Function, capsys: Captured, headers: dict[str, str]
) -> None:
    assert function.call(headers=headers).status_code == 200
    text = capsys.readouterr().out
    (line,) = log_lines(text)
    assert line["severity"] == "INFO"
    assert len(text) < 2500
    assert made(standin) == COLD


def test_a_misspelt_setting_causes_a_warning_at_start(
    standin: StandIn, deploy: Callable[..., Function], capsys: Captured
) -> None:
    deploy(standin, HELSEID_SCOPES="x")
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["severity"], "HELSEID_SCOPES" in line["message"]) == ("WARNING", True)
    assert made(standin) == {}
