"""Large bodies: what the API may send, what it may be sent, and what each host can carry back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from standin import StandIn, faults
from tests.support.aws_events import load_balancer
from tests.support.deployment import Function, LambdaContext

MEBIBYTE = 1024 * 1024


def text(size: int) -> faults.Fault:
    return faults.Status(200, b"a" * size, (), "text/plain")


@pytest.mark.parametrize(("limit", "size"), [("10", 10), ("35", 35), ("64", 64)])
def test_a_body_up_to_the_limit_is_taken(standin: StandIn, deploy: Callable[..., Function], limit: str, size: int) -> None:
    function = deploy(standin, API_MAX_MEGABYTES=limit)
    standin.api.fail_next("api", text(size * MEBIBYTE))
    assert len((function.call().json or {})["api"]["body"]) == size * MEBIBYTE


def test_a_body_over_the_limit_is_refused_with_the_setting(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", text(10 * MEBIBYTE + 1))
    problem = function.call().json or {}
    assert (problem["code"], "API_MAX_MEGABYTES" in problem["detail"]) == ("api.invalid_response.too_large", True)


@pytest.mark.parametrize(("limit", "size"), [("10", 10), ("35", 35), ("64", 64)])
def test_a_body_up_to_the_limit_is_sent(standin: StandIn, deploy: Callable[..., Function], limit: str, size: int) -> None:
    function = deploy(standin, API_METHODS="POST", API_MAX_MEGABYTES=limit)
    standin.api.fail_next("api", faults.Status(201, handled=True))  # the stand-in repeats what it is sent
    text = "a" * (size * MEBIBYTE - 2)
    response = function.call({"request": {"method": "POST", "path": "orders", "json": text}})
    assert response.status_code == 200
    assert len(standin.exchanges("api")[0].json) == len(text)


def test_a_body_that_is_too_large_to_send_causes_no_request(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin, API_METHODS="POST", API_MAX_MEGABYTES="4")
    problem = function.call({"request": {"method": "POST", "json": "a" * 4 * MEBIBYTE}}).json or {}
    assert (problem["code"], "API_MAX_MEGABYTES" in problem["detail"]) == ("invocation.request", True)
    assert standin.received == []


@pytest.mark.parametrize("size", [6 * MEBIBYTE, 4 * MEBIBYTE], ids=["larger", "larger once it is escaped"])
def test_what_lambda_cannot_return_is_told_with_its_limit(standin: StandIn, function: Function, size: int) -> None:
    standin.api.fail_next("api", faults.Status(200, b'"' * size, (), "text/plain"))
    problem = function.module.lambda_handler({}, LambdaContext())
    assert (problem["code"], "AWS Lambda returns (6 MiB)" in problem["detail"]) == ("api.invalid_response.too_large", True)


def test_what_fits_into_lambdas_limit_is_returned(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", text(5 * MEBIBYTE))
    assert len(function.module.lambda_handler({}, LambdaContext())["api"]["body"]) == 5 * MEBIBYTE


def test_what_cloud_run_cannot_return_is_told_with_its_limit(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin, API_MAX_MEGABYTES="64", K_SERVICE="helseid-fn")
    standin.api.fail_next("api", text(33 * MEBIBYTE))
    problem = function.call().json or {}
    assert (problem["code"], "Cloud Run returns (32 MiB)" in problem["detail"]) == ("api.invalid_response.too_large", True)


def test_lambdas_limit_counts_the_escaped_body_over_http(standin: StandIn, function: Function) -> None:
    standin.api.fail_next(
        "api", faults.Status(200, json.dumps("\\" * (MEBIBYTE + MEBIBYTE // 2)).encode(), (), "application/json")
    )
    event = {"version": "2.0", "headers": {}, "requestContext": {"http": {"method": "GET"}}, "body": ""}
    assert (
        json.loads(function.module.lambda_handler(event, LambdaContext())["body"])["code"] == "api.invalid_response.too_large"
    )


@pytest.mark.parametrize(("size", "status"), [(MEBIBYTE - 2048, 200), (MEBIBYTE - 512, 502), (2 * MEBIBYTE, 502)])
def test_what_a_load_balancer_cannot_return_is_told_with_its_limit(
    standin: StandIn, function: Function, size: int, status: int
) -> None:
    standin.api.fail_next("api", text(size))
    response = function.module.lambda_handler(load_balancer(), LambdaContext())
    assert response["statusCode"] == status
    assert ("the load balancer returns (1 MiB)" in json.loads(response["body"]).get("detail", "")) is (status == 502)
    assert len(json.dumps(response)) <= MEBIBYTE


@pytest.mark.parametrize("character", [b'"', b"\x01", b"\xe6"], ids=ascii)
@pytest.mark.parametrize("many_values", [False, True])
def test_a_load_balancer_returns_the_longest_words(
    standin: StandIn, function: Function, character: bytes, *, many_values: bool
) -> None:
    words = character * (128 * 1024)
    standin.api.fail_next("api", faults.Status(409, words, (), "text/plain; charset=ISO-8859-1"))
    response = function.module.lambda_handler(load_balancer(many_values=many_values), LambdaContext())
    assert json.loads(response["body"])["api"]["body"] == words.decode("latin-1")
    assert len(json.dumps(response)) <= MEBIBYTE


@pytest.mark.parametrize("status", [400, 409, 503])
def test_a_failures_words_never_exceed_what_a_host_returns(standin: StandIn, function: Function, status: int) -> None:
    standin.api.fail_always("api", faults.Status(status, b'"' * (7 * MEBIBYTE)))
    problem = function.call().json or {}
    assert problem["api"] == {"status": status, "body": None}


@pytest.mark.parametrize("nested", [{"request": {"method": "POST", "json": None}}, {"organization": None}, {"scope": None}])
def test_an_event_that_nests_too_deep_is_refused_on_lambda(
    standin: StandIn, deploy: Callable[..., Function], nested: dict[str, Any]
) -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    event = json.loads(
        json.dumps(nested), object_hook=lambda members: {k: deep if v is None else v for k, v in members.items()}
    )
    problem = deploy(standin, API_METHODS="POST").module.lambda_handler(event, LambdaContext())
    assert problem["code"].startswith("invocation.")
    assert standin.received == []
