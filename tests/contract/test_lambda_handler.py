"""Events of AWS Lambda, handled by the whole function in this process."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from helseid_fn.errors import Unavailable
from standin import StandIn, faults
from tests.support.deployment import (
    CHILD,
    OTHER_CHILD,
    OTHER_UNIT,
    PARENT,
    Function,
    LambdaContext,
    log_lines,
    made,
)

COLD = {"metadata": 1, "token": 2, "api": 1}


def over_http(body: str | None = None, *, method: str = "POST", **more: Any) -> dict[str, Any]:
    """Build a request as a Function URL hands it over (payload format 2.0)."""
    context = {"http": {"method": method, "path": "/"}}
    return {"version": "2.0", "rawQueryString": "", "headers": {}, "requestContext": context, "body": body, **more}


def invoke(function: Function, event: object, context: LambdaContext | None = None) -> Any:
    return function.module.lambda_handler(event, context or LambdaContext())


@pytest.mark.parametrize(
    ("event", "child"),
    [
        ({}, CHILD),
        (None, CHILD),
        (OTHER_UNIT, OTHER_CHILD),
        ({"detail-type": "Run", "source": "me", "detail": OTHER_UNIT}, OTHER_CHILD),
    ],
    ids=["bare", "nothing", "the invocation itself", "EventBridge"],
)
def test_an_event_gets_its_report_as_an_object(standin: StandIn, function: Function, event: object, child: str) -> None:
    report = invoke(function, event)
    assert (report["status"], report["organization"]) == ("ok", {"parent": PARENT, "child": child})
    assert report["requests"] == {"secret_store": 1, "helseid": 3, "api": 1}
    assert made(standin) == COLD


@pytest.mark.parametrize(
    "event",
    [
        over_http(),
        over_http(method="GET"),
        over_http(json.dumps(OTHER_UNIT)),
        over_http(base64.b64encode(json.dumps(OTHER_UNIT).encode()).decode(), isBase64Encoded=True),
    ],
    ids=["POST", "GET", "body", "body in base64"],
)
def test_an_http_request_gets_an_http_response(standin: StandIn, function: Function, event: dict[str, Any]) -> None:
    response = invoke(function, event)
    assert (response["statusCode"], response["isBase64Encoded"]) == (200, False)
    assert response["headers"]["Content-Type"] == "application/json"
    assert json.loads(response["body"])["status"] == "ok"
    assert made(standin) == COLD


@pytest.mark.parametrize("event", [over_http("{"), over_http(method="PUT"), over_http(rawQueryString="a=b")], ids=ascii)
def test_a_wrong_http_request_gets_a_problem(standin: StandIn, function: Function, event: dict[str, Any]) -> None:
    response = invoke(function, event)
    assert (response["statusCode"], response["headers"]["Content-Type"]) == (400, "application/problem+json")
    assert made(standin) == {}


def test_a_retryable_failure_over_http_is_a_response(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Status(503))
    response = invoke(function, over_http())
    assert (response["statusCode"], "Retry-After" in response["headers"]) == (503, True)


def test_a_permanent_failure_is_returned_as_its_problem(standin: StandIn, function: Function) -> None:
    problem = invoke(function, {"unknown": 1})
    assert (problem["code"], problem["retryable"]) == ("invocation.member", False)
    assert made(standin) == {}


def test_a_retryable_failure_is_raised_so_that_lambda_retries(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Status(503))
    with pytest.raises(Unavailable, match="The API"):
        invoke(function, {})
    standin.api.clear_faults()
    assert invoke(function, {})["status"] == "ok"


def test_lambdas_own_time_bounds_the_invocation(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Hang())
    problem = json.loads(invoke(function, over_http(), LambdaContext(left_seconds=1.5))["body"])
    assert (problem["code"], problem["status"]) == ("api.deadline_exceeded", 504)
    assert "1 s deadline" in problem["detail"]
    assert "DEADLINE_SECONDS" in problem["detail"]


def test_deadline_seconds_bounds_an_invocation_too(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Hang())
    function.set_deadline(0.5)
    assert "0.5 s deadline" in json.loads(invoke(function, over_http())["body"])["detail"]


def test_an_invocation_without_time_makes_no_request(standin: StandIn, function: Function) -> None:
    response = invoke(function, over_http(), LambdaContext(left_seconds=0.1))
    assert response["statusCode"] == 504
    assert made(standin) == {}


def test_the_log_line_names_lambdas_request_and_trace(
    standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function = deploy(standin)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    invoke(function, {})
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["request_id"], line["xray_trace"]) == ("request-1", "1-5759e988-bd862e3fe1be46a994272793")


@pytest.mark.parametrize("name", ["x-amzn-trace-id", "X-Amzn-Trace-Id"])
def test_a_requests_own_trace_goes_before_the_invocations(
    standin: StandIn,
    deploy: Callable[..., Function],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    function = deploy(standin)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    invoke(function, over_http(headers={name: "Root=1-67891233-abcdef012345678912345678"}))
    (line,) = log_lines(capsys.readouterr().out)
    assert line["xray_trace"] == "1-67891233-abcdef012345678912345678"


def test_the_log_line_identifies_the_eventbridge_event(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    event = {"id": "7bf73129", "detail-type": "Run", "source": "me", "account": "1", "detail": {"unknown": 1}}
    invoke(function, event)
    (line,) = log_lines(capsys.readouterr().out)
    facts = {name: line.get(name) for name in ("event_id", "event_type", "event_source", "request_id")}
    assert facts == {"event_id": "7bf73129", "event_type": "Run", "event_source": "me", "request_id": "request-1"}


@pytest.mark.parametrize("headers", [None, [], "x", {"a": 7}], ids=ascii)
def test_malformed_headers_do_no_harm(standin: StandIn, function: Function, headers: object) -> None:
    assert invoke(function, over_http(headers=headers))["statusCode"] == 200
    assert made(standin) == COLD
