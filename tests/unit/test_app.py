"""One invocation from its event to its response and its log line, over an API of this file's own."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from helseid_fn import App
from helseid_fn.api.client import ApiClient, ApiExchange
from helseid_fn.api.request import ApiRequest
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, Party, Refused, Unavailable
from helseid_fn.function import log
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from tests.conftest import ROOT
from tests.support.parts import NOW, REQUIRED, make_response, make_settings

NO_NETWORK = """
import socket

def fail(*_arguments, **_options):
    raise AssertionError("reached for the network at import")

socket.socket.connect = socket.socket.bind = socket.getaddrinfo = socket.create_connection = fail
import main
"""
PROBE_ENTRY_POINTS = """
import types

import main

names = ["run", "run_event", "lambda_handler", "rotate", "rotate_lambda"]
print([name for name in names if not isinstance(getattr(main, name), types.FunctionType)])
"""


def run_python(program: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_deployment_without_settings_dies_with_one_line() -> None:
    done = run_python("import main", {})
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = done.stdout.splitlines()
    entry = json.loads(line)
    assert (entry["severity"], entry["code"]) == ("CRITICAL", "settings.invalid")
    assert [name for name in REQUIRED if f"{name} is missing" not in entry["message"]] == []
    assert [fault.split(" ")[0] for fault in entry["faults"]] == list(REQUIRED)


def test_importing_main_reaches_no_network() -> None:
    done = run_python(NO_NETWORK, REQUIRED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_entry_point_is_a_function_as_the_framework_demands() -> None:
    assert run_python(PROBE_ENTRY_POINTS, REQUIRED).stdout.strip() == "[]"


def test_a_misspelt_setting_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    App.from_environment({**REQUIRED, "HELSEID_SCOPES": "HUSH"})
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["severity"] == "WARNING"
    assert "HELSEID_SCOPES is not a setting" in line
    assert "HUSH" not in line


class FakeApi(ApiClient):
    """Does what the test says in place of a call."""

    def __init__(self, outcome: ApiExchange | Exception) -> None:
        self._outcome = outcome
        self.organizations: list[Organization] = []

    def exchange(
        self, request: ApiRequest, organization: Organization, scopes: frozenset[str], ctx: Context, *, stream: bool = False
    ) -> ApiExchange:
        del request, scopes, stream
        self.organizations.append(organization)
        with ctx.request(Party.API):
            pass
        if isinstance(self._outcome, Exception):
            raise self._outcome
        ctx.note_token(NOW, frozenset({"nhn:a/b"}), self._outcome.sent_secrets)
        return self._outcome


def app_with(outcome: ApiExchange | Exception) -> App:
    app = App(make_settings(HELSEID_ORGANIZATIONS="*"), environ={})
    app.api = FakeApi(outcome)
    app.runner = dataclasses.replace(app.runner, client=app.api)
    return app


def make_request(body: bytes = b"", method: str = "POST", query: bytes = b"", **headers: str) -> Any:
    """Make what is used of Flask's request."""
    return types.SimpleNamespace(
        method=method,
        path="/",
        query_string=query,
        headers=make_response(200, **headers).headers,
        stream=io.BytesIO(body),
        content_length=len(body),
    )


TOKEN = Token("HUSH", generate_proof_key(), frozenset({"nhn:a/b"}), 600, NOW, None, "x", "y")
SUCCESS = ApiExchange(ApiRequest("GET", "https://api.example"), make_response(200, {}), TOKEN, ("HUSH",))
REFUSAL = Refused(Party.API, "forbidden", "No.")
FAILURE = Unavailable(Party.HELSEID, "dns", "Gone.")
DEFECT = RuntimeError("HUSH")

Lines = Callable[[], list[dict[str, Any]]]
Run = Callable[..., tuple[Any, int, dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return a function that reads the log lines that were written."""
    log.configure("INFO")
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def run(lines: Lines) -> Run:
    """Return a function that handles one HTTP request; it returns the response's members, its status and the log line."""

    def run(outcome: ApiExchange | Exception, request: Any = None) -> tuple[Any, int, dict[str, Any]]:
        body, status, _headers = app_with(outcome).http(request or make_request())
        (line,) = lines()
        return json.loads(body), status, line

    return run


def test_a_success_is_one_line_at_info(run: Run) -> None:
    members, status, line = run(SUCCESS)
    assert (status, members["status"], line["severity"], line["outcome"]) == (200, "ok", "INFO", "ok")
    assert line["message"] == "The API responded with 200."
    assert "HUSH" not in json.dumps([members, line])


@pytest.mark.parametrize(("error", "status"), [(REFUSAL, 502), (FAILURE, 503)], ids=["refused", "unavailable"])
def test_a_failure_is_one_line_at_error(run: Run, error: HelseidFnError, status: int) -> None:
    members, sent, line = run(error)
    assert (sent, members["code"]) == (status, error.code)
    assert {name: line[name] for name in ("severity", "message", "outcome", "code", "party", "retryable")} == {
        "severity": "ERROR",
        "message": str(error),
        "outcome": "failed",
        "code": error.code,
        "party": error.party.value if error.party else None,
        "retryable": error.retryable,
    }


def test_a_defect_is_one_line_without_its_message(run: Run) -> None:
    members, status, line = run(DEFECT)
    assert (status, members["code"], "HUSH" in json.dumps(members)) == (500, "function.internal_error", False)
    assert (line["severity"], "RuntimeError" in line["stack_trace"], "HUSH" in line["stack_trace"]) == ("CRITICAL", True, False)


@pytest.mark.parametrize("outcome", [SUCCESS, REFUSAL, DEFECT], ids=["success", "refusal", "defect"])
def test_response_and_line_have_the_same_fresh_id(run: Run, outcome: ApiExchange | Exception) -> None:
    (members, _, line), (others, _, _) = run(outcome), run(outcome)
    assert members["invocation"] == line["invocation"] != others["invocation"]
    assert line["requests"] == {"secret_store": 0, "helseid": 0, "api": 1}


def test_an_invalid_invocation_calls_nobody(run: Run) -> None:
    members, status, line = run(DEFECT, make_request(b"{"))
    assert (status, members["code"], line["requests"]["api"]) == (400, "invocation.body", 0)


def test_a_truncated_body_is_refused(run: Run) -> None:
    request = make_request(b"{}")
    request.content_length = 100
    assert run(DEFECT, request)[0]["code"] == "invocation.body"


def test_the_line_names_the_organization_and_the_trace(run: Run) -> None:
    request = make_request(b'{"organization":{"parent":"999977774"}}', traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    line = run(SUCCESS, request)[2]
    assert line["organization"] == {"parent": "999977774", "child": None}
    assert line["logging.googleapis.com/trace"] == f"projects/my-project/traces/{'a' * 32}"


def event(data: object = None) -> CloudEvent:
    return CloudEvent({"type": "com.example.run", "source": "unit", "id": "1"}, data)


@pytest.mark.parametrize("outcome", [SUCCESS, REFUSAL, DEFECT], ids=["success", "refusal", "defect"])
def test_an_event_that_cannot_succeed_later_is_acknowledged(lines: Lines, outcome: ApiExchange | Exception) -> None:
    app_with(outcome).cloud_event(event())
    (line,) = lines()
    assert (line["event_id"], line["event_type"]) == ("1", "com.example.run")


def test_an_event_that_may_succeed_later_is_raised(lines: Lines) -> None:
    with pytest.raises(Unavailable) as raised:
        app_with(FAILURE).cloud_event(event())
    assert (raised.value.code, len(lines())) == (FAILURE.code, 1)


CONTEXT: Any = types.SimpleNamespace(aws_request_id="the-request", get_remaining_time_in_millis=lambda: 3000)


def test_lambda_returns_a_report_or_a_problem(lines: Lines) -> None:
    assert app_with(SUCCESS).lambda_handler({}, CONTEXT)["status"] == "ok"
    assert app_with(REFUSAL).lambda_handler({}, CONTEXT)["code"] == REFUSAL.code
    assert [line["request_id"] for line in lines()] == ["the-request"] * 2


def test_lambda_raises_what_may_succeed_later_but_not_over_http(lines: Lines) -> None:
    with pytest.raises(Unavailable):
        app_with(FAILURE).lambda_handler({}, CONTEXT)
    request = {"version": "2.0", "rawQueryString": "", "requestContext": {"http": {"method": "POST"}}, "headers": {}}
    response = app_with(FAILURE).lambda_handler(request, CONTEXT)
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (503, FAILURE.code)
    assert len(lines()) == 2


@pytest.mark.parametrize(("left_ms", "seconds"), [(3000, 2.5), (900_000, 25.0), (100, 0.0)])
def test_lambda_s_own_timeout_shortens_the_deadline(left_ms: int, seconds: float) -> None:
    seen: list[float] = []

    class DeadlineApi(FakeApi):
        def exchange(
            self, request: ApiRequest, organization: Organization, scopes: frozenset[str], ctx: Context, *, stream: bool = False
        ) -> ApiExchange:
            seen.append(ctx.deadline_seconds)
            return super().exchange(request, organization, scopes, ctx, stream=stream)

    app = app_with(SUCCESS)
    app.runner = dataclasses.replace(app.runner, client=DeadlineApi(SUCCESS))
    context: Any = types.SimpleNamespace(aws_request_id="x", get_remaining_time_in_millis=lambda: left_ms)
    app.lambda_handler({}, context)
    assert seen == [seconds]
