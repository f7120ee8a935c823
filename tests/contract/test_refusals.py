"""What HelseID refuses is told in its own words, with what to compare and what to do."""

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
    PARENT,
    Function,
    client_of,
    every_host,
    log_lines,
    made,
    one_key,
)

pytestmark = every_host

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
@one_key
def test_a_refusal_keeps_helseids_own_words(standin: StandIn, function: Function, error: str) -> None:
    words = "The words of HelseID, to be found in its documentation"
    body = json.dumps({"error": error, "error_description": words})
    standin.helseid.fail_always("token", faults.Status(400, body, (), "application/json"))
    problem = problem_of(function)
    assert (problem["status"], problem["code"]) == (502, f"helseid.refused.{error}")
    assert f"{error} ({words})" in problem["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@one_key
def test_an_error_that_is_not_in_any_list_is_told_all_the_same(standin: StandIn, function: Function) -> None:
    body = json.dumps({"error": "brand_new_error", "error_description": "Never heard of"})
    standin.helseid.fail_always("token", faults.Status(400, body, (), "application/json"))
    problem = problem_of(function)
    assert (problem["status"], problem["code"]) == (502, "helseid.refused.other")
    assert "brand_new_error (Never heard of)" in problem["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@pytest.mark.parametrize("status", [400, 401, 403])
@one_key
def test_an_oauth_error_is_read_at_any_status_below_500(standin: StandIn, function: Function, status: int) -> None:
    body = json.dumps({"error": "invalid_request"})
    standin.helseid.fail_always("token", faults.Status(status, body, (), "application/json"))
    assert problem_of(function)["code"] == "helseid.refused.invalid_request"
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@one_key
def test_a_refusal_is_one_line_however_many_helseid_sends(standin: StandIn, function: Function) -> None:
    body = json.dumps({"error": "invalid_request", "error_description": "one\r\ntwo\u2028three\x1b[31m" + "x y " * 500})
    standin.helseid.fail_always("token", faults.Status(400, body, (), "application/json"))
    detail = problem_of(function)["detail"]
    assert detail.isprintable()
    assert len(detail) < 700
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@one_key
def test_a_token_in_helseids_words_is_not_repeated(standin: StandIn, function: Function, jwk: dict[str, Any]) -> None:
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
@one_key
def test_an_organization_that_helseid_refuses_is_told_with_its_hid_code(
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
@one_key
def test_every_hid_code_has_a_remedy_of_its_own(standin: StandIn, function: Function, number: int) -> None:
    plain = json.dumps({"error": "invalid_request", "error_description": "Something else."})
    coded = json.dumps({"error": "invalid_request", "error_description": f"HID-{number}: Something else."})
    for body in (plain, coded):
        standin.helseid.fail_next("token", faults.Status(400, body, (), "application/json"))
    remedies = [problem_of(function)["detail"].rpartition("; ")[2] for _ in range(2)]
    assert remedies[0] != remedies[1]
    assert made(standin) == {"metadata": 1, "token": 2}


@one_key
def test_a_scope_that_the_client_does_not_have_is_refused_after_the_nonce_round(
    standin: StandIn, deploy: Callable[..., Function]
) -> None:
    problem = problem_of(deploy(standin, HELSEID_SCOPE=f"{SAMPLE_SCOPE} nhn:other/scope"))
    assert (problem["code"], problem["retryable"]) == ("helseid.refused.invalid_scope", False)
    assert made(standin) == REFUSED_AFTER_THE_PROOF


@one_key
def test_a_client_that_may_not_use_client_credentials_is_told_so(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(jwk, grant_types=("authorization_code",)))
    problem = problem_of(deploy(standin))
    assert problem["code"] == "helseid.refused.unauthorized_client"
    assert "Selvbetjening" in problem["detail"]
    assert made(standin) == REFUSED_AFTER_THE_PROOF


@pytest.mark.parametrize("wrong", ["client id", "key", "kid", "algorithm"])
def test_a_wrong_client_id_key_kid_or_algorithm_is_refused_as_invalid_client(
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
    for word in (CLIENT_ID, "kid key-of-2026", jwk["alg"], "HELSEID_ISSUER", "clock", "Selvbetjening"):
        assert word in detail
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_invalid_client_names_a_kid_that_is_a_thumbprint(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(make_jwk(jwk["alg"], number=1)))
    assert f"kid {jwk['kid']}" in problem_of(deploy(standin))["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_invalid_client_tells_that_the_key_has_no_kid(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any], key_file: Path
) -> None:
    key_file.write_text(json.dumps({name: value for name, value in jwk.items() if name != "kid"}))
    standin = start_standin(client_of(make_jwk(jwk["alg"], number=1)))
    assert "no kid" in problem_of(deploy(standin))["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@pytest.mark.parametrize(("seconds", "words"), [(30, "30 s behind HelseID's"), (-30, "30 s ahead of HelseID's")])
def test_a_clock_refusal_reports_the_difference(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
    seconds: int,
    words: str,
) -> None:
    standin = start_standin(clock=clock)
    standin.clock.move(seconds)
    problem = problem_of(deploy(standin, now=clock))
    assert problem["code"] == "helseid.refused.invalid_client"
    assert words in problem["detail"]
    assert log_lines(capsys.readouterr().out)[-1]["clock_difference_seconds"] == -seconds
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


def test_a_refusal_under_a_right_clock_says_that_it_is_right(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(make_jwk(jwk["alg"], number=1)), clock=clock)
    assert "right by HelseID's" in problem_of(deploy(standin, now=clock))["detail"]
    assert made(standin) == REFUSED_BEFORE_THE_PROOF


@pytest.mark.parametrize("seconds", [-2, -1, 1, 2, 4])
def test_a_clock_that_differs_by_a_few_seconds_does_no_harm(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, seconds: int
) -> None:
    standin = start_standin(clock=clock)
    standin.clock.move(seconds)
    assert deploy(standin, now=clock).call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_a_refused_client_is_never_asked_for_twice_in_one_invocation(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(jwk, client_id="somebody-else", jwks=[public_jwk(jwk)]))
    function = deploy(standin, HELSEID_CLIENT_ID=CLIENT_ID)
    assert [problem_of(function)["retryable"] for _ in range(2)] == [False, False]
    assert made(standin) == {"metadata": 1, "token": 2}
