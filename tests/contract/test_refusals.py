"""A refusal by HelseID is reported in its own words, with what to compare and what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from standin import SAMPLE_SCOPE, StandIn, faults, make_jwk, public_jwk
from tests.conftest import MovableClock
from tests.support.deployment import (
    CHILD,
    CLIENT_ID,
    OTHER_CHILD,
    OTHER_UNIT,
    PARENT,
    Function,
    client_of,
    every_algorithm,
    made,
)

REFUSED_BEFORE_THE_PROOF = {"metadata": 1, "token": 1}
REFUSED_AFTER_THE_PROOF = {"metadata": 1, "token": 2}


def problem_of(function: Function, members: object = None) -> dict[str, Any]:
    problem = function.call(members).json
    assert isinstance(problem, dict)
    return problem


@pytest.mark.parametrize(
    "error",
    [
        "invalid_request",
        "invalid_scope",
        "invalid_grant",
        "invalid_target",
        "invalid_dpop_proof",
        "unauthorized_client",
        "unsupported_grant_type",
    ],
)
def test_a_refusal_keeps_helseids_own_words(standin: StandIn, function: Function, error: str) -> None:
    words = "The words of HelseID, to be found in its documentation"
    body = json.dumps({"error": error, "error_description": words})
    standin.helseid.fail_always("token", faults.Status(400, body, (), "application/json"))
    problem = problem_of(function)
    assert (problem["status"], problem["code"]) == (502, f"helseid.refused.{error}")
    assert f"{error} ({words})" in problem["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_an_unknown_error_is_reported_all_the_same(standin: StandIn, function: Function) -> None:
    body = json.dumps({"error": "brand_new_error", "error_description": "Never heard of"})
    standin.helseid.fail_always("token", faults.Status(400, body, (), "application/json"))
    problem = problem_of(function)
    assert (problem["status"], problem["code"]) == (502, "helseid.refused.other")
    assert "brand_new_error (Never heard of)" in problem["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_oauth_error_is_read_at_any_status_below_500(standin: StandIn, function: Function, status: int) -> None:
    body = json.dumps({"error": "invalid_request"})
    standin.helseid.fail_always("token", faults.Status(status, body, (), "application/json"))
    assert problem_of(function)["code"] == "helseid.refused.invalid_request"
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_a_refusal_of_many_lines_becomes_one(standin: StandIn, function: Function) -> None:
    body = json.dumps({"error": "invalid_request", "error_description": "one\r\ntwo\u2028three\x1b[31m" + "x y " * 500})
    standin.helseid.fail_always("token", faults.Status(400, body, (), "application/json"))
    detail = problem_of(function)["detail"]
    assert detail.isprintable()
    assert len(detail) < 700
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_a_secret_in_helseids_words_is_redacted(standin: StandIn, function: Function, jwk: dict[str, Any]) -> None:
    body = json.dumps({"error": "invalid_request", "error_description": f"got {jwk['d']}"})
    standin.helseid.fail_always("token", faults.Status(400, body, (), "application/json"))
    assert jwk["d"] not in problem_of(function)["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@pytest.mark.parametrize(
    ("client", "organization", "hid"),
    [
        ({}, {"parent": "313745392"}, "HID-1001"),
        ({"tenancy": "single-tenant"}, {"child": OTHER_CHILD}, "HID-1002"),
        ({"tenancy": "single-tenant"}, {"parent": PARENT}, "HID-1005"),
        ({"tenancy": "single-tenant", "children": ()}, {"child": CHILD}, "HID-1006"),
        ({}, {}, "HID-1007"),
        ({"tenancy": "none"}, {"parent": PARENT}, "HID-1010"),
    ],
)
def test_a_refused_organization_is_reported_with_its_hid_code(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    jwk: dict[str, Any],
    client: dict[str, Any],
    organization: dict[str, str],
    hid: str,
) -> None:
    standin = start_standin(client_of(jwk, **client))
    problem = problem_of(deploy(standin), {"organization": organization})
    assert problem["code"] == "helseid.refused.invalid_request"
    assert hid in problem["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@pytest.mark.parametrize("number", range(1001, 1011))
def test_every_hid_code_has_a_remedy_of_its_own(standin: StandIn, function: Function, number: int) -> None:
    plain = json.dumps({"error": "invalid_request", "error_description": "Something else."})
    coded = json.dumps({"error": "invalid_request", "error_description": f"HID-{number}: Something else."})
    for body in (plain, coded):
        standin.helseid.fail_next("token", faults.Status(400, body, (), "application/json"))
    remedies = [(function.call(unit).json or {})["detail"].rpartition("). ")[2] for unit in (None, OTHER_UNIT)]
    assert remedies[0] != remedies[1]
    assert made(standin) == {"metadata": 1, "token": 2}


def test_a_scope_that_the_client_lacks_is_refused(standin: StandIn, deploy: Callable[..., Function]) -> None:
    problem = problem_of(deploy(standin, HELSEID_SCOPE=f"{SAMPLE_SCOPE} nhn:other/scope"))
    assert (problem["code"], problem["retryable"]) == ("helseid.refused.invalid_scope", False)
    assert problem["detail"].endswith(f"each of the scopes: nhn:other/scope, {SAMPLE_SCOPE}.")
    assert made(standin) == REFUSED_AFTER_THE_PROOF


def test_a_token_for_two_apis_is_named_as_the_cause(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    scopes = (SAMPLE_SCOPE, "nhn:other-api/scope")
    standin = start_standin(client_of(jwk, scopes=scopes))
    problem = problem_of(deploy(standin, HELSEID_SCOPE=" ".join(scopes)))
    assert problem["code"] == "api.refused.invalid_token"
    audience = SAMPLE_SCOPE.partition("/")[0]
    assert problem["detail"].startswith("The token is for ")
    assert all(name in problem["detail"] for name in (audience, "nhn:other-api", "HELSEID_SCOPE"))


def test_a_client_without_client_credentials_is_refused(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(jwk, grant_types=("authorization_code",)))
    problem = problem_of(deploy(standin))
    assert problem["code"] == "helseid.refused.unauthorized_client"
    assert "Selvbetjening" in problem["detail"]
    assert made(standin) == REFUSED_AFTER_THE_PROOF


@every_algorithm
@pytest.mark.parametrize("wrong", ["client id", "key", "kid", "algorithm"])
def test_a_wrong_id_key_kid_or_algorithm_is_invalid_client(
    standin: StandIn, deploy: Callable[..., Function], key_file: Path, jwk: dict[str, Any], wrong: str
) -> None:
    other = make_jwk(jwk["alg"], number=1)
    key = {
        "client id": jwk,
        "key": {**other, "kid": jwk["kid"]},
        "kid": {**jwk, "kid": "another"},
        "algorithm": {**jwk, "alg": "RS512"} if jwk["kty"] == "RSA" else {**make_jwk("ES384"), "kid": jwk["kid"]},
    }[wrong]
    key_file.write_text(json.dumps(key))
    settings = {"HELSEID_CLIENT_ID": "unknown-client"} if wrong == "client id" else {}
    assert problem_of(deploy(standin, **settings))["code"] == "helseid.refused.invalid_client"
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_invalid_client_names_what_to_compare(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any], key_file: Path
) -> None:
    key_file.write_text(json.dumps({**jwk, "kid": "key-of-2026"}))
    standin = start_standin(client_of(make_jwk(jwk["alg"], number=1), client_id=CLIENT_ID))
    detail = problem_of(deploy(standin))["detail"]
    for word in (CLIENT_ID, "kid key-of-2026", jwk["alg"], standin.issuer, "clock", "Selvbetjening"):
        assert word in detail
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_invalid_client_says_that_the_key_has_no_kid(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any], key_file: Path
) -> None:
    key_file.write_text(json.dumps({name: value for name, value in jwk.items() if name != "kid"}))
    standin = start_standin(client_of(make_jwk(jwk["alg"], number=1)))
    assert "no kid" in problem_of(deploy(standin))["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_a_refused_client_is_requested_once_per_invocation(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(jwk, client_id="somebody-else", jwks=[public_jwk(jwk)]))
    function = deploy(standin, HELSEID_CLIENT_ID=CLIENT_ID)
    assert [problem_of(function)["retryable"] for _ in range(2)] == [False, False]
    assert made(standin) == {"metadata": 1, "token": 2}


def test_a_refused_organization_costs_one_token_request(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    refused = {"organization": {"parent": "974557746"}}
    codes = [(function.call(refused).json or {})["code"] for _ in range(5)]
    assert codes == ["helseid.refused.invalid_request"] * 5
    assert standin.count("token") == 1
    clock.move(31)
    function.call(refused)
    assert standin.count("token") == 2
    assert function.call().status_code == 200


def test_a_refused_client_is_tried_at_every_call(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_next("token", faults.Status(400, json.dumps({"error": "invalid_client"}), (), "application/json"))
    assert [function.call().status_code for _ in range(2)] == [502, 200]
