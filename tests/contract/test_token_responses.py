"""HelseID's responses are read with care: only a bound token for all scopes is used to call the API."""

import json
from collections.abc import Callable, Mapping

import pytest

from standin import SAMPLE_SCOPE, StandIn, faults
from tests.conftest import MovableClock
from tests.support.deployment import Function, made

GRANTED = {"metadata": 1, "token": 2}
"""What arrives when HelseID gives a token that is not used."""


ABSENT = object()


def code_of(function: Function) -> tuple[int, str]:
    response = function.call()
    assert response.json is not None
    return response.status_code, response.json["code"]


@pytest.mark.parametrize("token_type", ["Bearer", "", None, "DPoP Bearer", 1, ABSENT])
def test_a_token_of_another_type_than_dpop_is_not_used(standin: StandIn, function: Function, token_type: object) -> None:
    if token_type is ABSENT:
        standin.helseid.override("token", without=["token_type"])
    else:
        standin.helseid.override("token", {"token_type": token_type})
    assert code_of(function) == (502, "helseid.invalid_response.token_type")
    assert made(standin) == GRANTED


@pytest.mark.parametrize("token_type", ["dpop", "DPOP"])
def test_the_token_type_is_read_in_any_case(standin: StandIn, function: Function, token_type: str) -> None:
    standin.helseid.override("token", {"token_type": token_type})
    assert function.call().status_code == 200
    assert made(standin) == {**GRANTED, "api": 1}


@pytest.mark.parametrize("expires_in", [0, -1, "600", 600.5, True, None, [600]])
def test_a_lifetime_that_is_no_positive_integer_is_invalid(standin: StandIn, function: Function, expires_in: object) -> None:
    standin.helseid.override("token", {"expires_in": expires_in})
    assert code_of(function) == (502, "helseid.invalid_response.token_response")
    assert made(standin) == GRANTED


@pytest.mark.parametrize("access_token", [None, "", 7, "two words", "line\nbreak", 'quote"', {"a": 1}])
def test_an_access_token_that_no_header_can_carry_is_not_used(
    standin: StandIn, function: Function, access_token: object
) -> None:
    standin.helseid.override("token", {"access_token": access_token})
    assert code_of(function) == (502, "helseid.invalid_response.token_response")
    assert made(standin) == GRANTED


@pytest.mark.parametrize("member", ["access_token", "expires_in"])
def test_a_member_that_is_missing_is_named(standin: StandIn, function: Function, member: str) -> None:
    standin.helseid.override("token", without=[member])
    problem = function.call().json
    assert problem is not None
    assert (problem["code"], member in problem["detail"]) == ("helseid.invalid_response.token_response", True)
    assert made(standin) == GRANTED


def test_a_response_without_scope_grants_what_was_requested(standin: StandIn, function: Function) -> None:
    standin.helseid.override("token", without=["scope"])
    assert function.call().status_code == 200
    assert made(standin) == {**GRANTED, "api": 1}


@pytest.mark.parametrize(
    "members", [{"scope": "nhn:other/scope"}, {"rejected_scope": SAMPLE_SCOPE}], ids=["missing", "rejected"]
)
def test_a_scope_that_was_not_granted_is_named(standin: StandIn, function: Function, members: Mapping[str, object]) -> None:
    standin.helseid.override("token", members)
    problem = function.call().json or {}
    assert (problem["code"], SAMPLE_SCOPE in problem["detail"]) == ("helseid.refused.scope_not_granted", True)
    assert made(standin) == GRANTED


@pytest.mark.parametrize("scope", [[SAMPLE_SCOPE], 1, {}])
def test_a_scope_that_is_no_string_is_invalid(standin: StandIn, function: Function, scope: object) -> None:
    standin.helseid.override("token", {"scope": scope})
    assert code_of(function) == (502, "helseid.invalid_response.token_response")
    assert made(standin) == GRANTED


def test_a_token_without_the_scope_is_not_cached(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    standin.helseid.override("token", {"scope": "nhn:other/scope"}, times=1)
    assert function.call().status_code == 502
    clock.move(30)
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 3, "api": 1}


def test_an_error_in_a_200_is_a_refusal(standin: StandIn, function: Function) -> None:
    standin.helseid.override("token", {"error": "invalid_scope"})
    assert code_of(function) == (502, "helseid.refused.invalid_scope")
    assert made(standin) == GRANTED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, ""),
        (200, "null"),
        (200, "[" * 100_000),
        (201, "{}"),
        (204, ""),
        (400, "<html>Bad request</html>"),
        (401, ""),
        (403, '{"error": 1}'),
        (404, '{"error": ""}'),
    ],
)
def test_a_token_response_of_another_kind_is_invalid(standin: StandIn, function: Function, status: int, body: str) -> None:
    standin.helseid.fail_always("token", faults.Status(status, body, (), "text/html"))
    assert code_of(function) == (502, "helseid.invalid_response.token_response")
    assert made(standin) == {"metadata": 1, "token": 1}


def test_an_issuer_that_differs_by_a_slash_is_not_used(standin: StandIn, function: Function) -> None:
    standin.helseid.override("metadata", {"issuer": f"{standin.issuer}/"})
    assert code_of(function) == (502, "helseid.invalid_response.issuer_mismatch")
    assert made(standin) == {"metadata": 1}


def test_metadata_of_another_issuer_is_not_used_and_not_cached(standin: StandIn, function: Function) -> None:
    standin.helseid.override("metadata", {"issuer": "https://helseid-sts.nhn.no"}, times=1)
    assert code_of(function) == (502, "helseid.invalid_response.issuer_mismatch")
    assert made(standin) == {"metadata": 1}
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 2, "token": 2, "api": 1}


@pytest.mark.parametrize(
    "members",
    [
        {"token_endpoint": "http://helseid.example/connect/token"},
        {"token_endpoint": "ftp://127.0.0.1/connect/token"},
        {"token_endpoint": "/connect/token"},
        {"token_endpoint": "https://user:password@helseid.example/connect/token"},
        {"token_endpoint": "https://helseid.example/connect/../token"},
        {"token_endpoint": 7},
        {"token_endpoint": None},
        {"token_endpoint": ""},
    ],
    ids=["http", "ftp", "relative", "with a password", "with ..", "a number", "null", "empty"],
)
def test_a_token_endpoint_that_cannot_be_trusted_is_sent_nothing(
    standin: StandIn, function: Function, members: Mapping[str, object]
) -> None:
    standin.helseid.override("metadata", members)
    assert code_of(function) == (502, "helseid.invalid_response.metadata")
    assert made(standin) == {"metadata": 1}


def test_metadata_without_a_token_endpoint_says_so(standin: StandIn, function: Function) -> None:
    standin.helseid.override("metadata", without=["token_endpoint"])
    problem = function.call().json
    assert problem is not None
    assert (problem["code"], "token_endpoint" in problem["detail"]) == ("helseid.invalid_response.metadata", True)
    assert made(standin) == {"metadata": 1}


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, ""), (403, "{}"), (200, json.dumps("a string"))],
)
def test_metadata_that_cannot_be_read_is_invalid(standin: StandIn, function: Function, status: int, body: str) -> None:
    standin.helseid.fail_always("metadata", faults.Status(status, body))
    assert code_of(function) == (502, "helseid.invalid_response.metadata")
    assert made(standin) == {"metadata": 1}
