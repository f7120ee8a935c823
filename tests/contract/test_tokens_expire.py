"""A token is cached until shortly before it expires, and a token that the API rejects is renewed once."""

import json
from collections.abc import Callable

import pytest

from standin import StandIn, faults
from tests.conftest import MovableClock
from tests.support.deployment import OTHER_UNIT, Function, log_lines, made

INVALID_TOKEN = faults.Status(401, b"", (("WWW-Authenticate", 'DPoP error="invalid_token"'),))


@pytest.mark.parametrize(("lifetime", "margin"), [(1, 0.1), (5, 0.5), (60, 6), (600, 30), (3600, 30)])
def test_a_token_is_cached_until_its_margin(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    clock: MovableClock,
    lifetime: int,
    margin: float,
) -> None:
    standin = start_standin(clock=clock, token_lifetime_seconds=lifetime)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(lifetime - margin - 0.01)
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}
    clock.move(0.02)
    assert function.call().status_code == 200
    assert standin.count("token") > 2
    assert standin.count("api") == 3


def test_a_clock_set_far_ahead_makes_a_new_token_and_no_failure(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(7 * 24 * 60 * 60)
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 2, "token": 4, "api": 2}


def test_metadata_is_cached_for_a_day(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(24 * 60 * 60 - 1)
    function.call()
    assert made(standin) == {"metadata": 1, "token": 4, "api": 2}
    clock.move(1)
    function.call(OTHER_UNIT)
    assert made(standin) == {"metadata": 2, "token": 5, "api": 3}


def test_a_revoked_token_is_renewed_once(standin: StandIn, function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    function.call()
    standin.revoke_tokens()
    standin.reset_record()
    capsys.readouterr()
    assert function.call().status_code == 200
    assert made(standin) == {"token": 1, "api": 2}
    (line,) = log_lines(capsys.readouterr().out)
    assert line["outcomes"] == {"secret_store": ["ok"], "helseid": [200], "api": [401, 200]}
    standin.reset_record()
    assert function.call().status_code == 200
    assert made(standin) == {"api": 1}, "the new token is cached"


def test_an_api_that_rejects_every_token_is_called_exactly_twice(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", INVALID_TOKEN)
    response = function.call()
    assert (response.status_code, response.json and response.json["code"]) == (502, "api.refused.invalid_token")
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


def test_a_rejected_token_is_not_used_by_the_next_call(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", INVALID_TOKEN)
    function.call()
    function.call()
    used = [exchange.values("Authorization")[0] for exchange in standin.exchanges("api")]
    assert used[0] != used[1] == used[2]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


NOT_RETRIED: dict[str, tuple[int, str | None, str]] = {
    "no challenge": (401, None, "unauthorized"),
    "no error": (401, "DPoP", "unauthorized"),
    "a realm of that name": (401, 'DPoP realm="invalid_token"', "unauthorized"),
    "an invalid proof": (401, 'DPoP error="invalid_dpop_proof"', "invalid_dpop_proof"),
    "another scope": (401, 'DPoP error="insufficient_scope", scope="a b"', "insufficient_scope"),
    "a 403": (403, None, "forbidden"),
}


@pytest.mark.parametrize("name", NOT_RETRIED)
def test_a_refusal_that_does_not_reject_the_token_is_final(standin: StandIn, function: Function, name: str) -> None:
    status, challenge, reason = NOT_RETRIED[name]
    headers = () if challenge is None else (("WWW-Authenticate", challenge),)
    standin.api.fail_always("api", faults.Status(status, b"", headers))
    response = function.call()
    assert (response.status_code, (response.json or {})["code"]) == (502, f"api.refused.{reason}")
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize(
    "challenge",
    ['Bearer error="invalid_token"', 'Basic realm="x", DPoP algs="ES256", error = "invalid_token"', "dpop error=invalid_token"],
    ids=["bearer", "second and spaced", "lower case and unquoted"],
)
def test_an_invalid_token_challenge_is_read_in_every_form(standin: StandIn, function: Function, challenge: str) -> None:
    standin.api.fail_next("api", faults.Status(401, b"", (("WWW-Authenticate", challenge),)))
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


def test_the_last_response_of_the_api_is_reported(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", INVALID_TOKEN)
    body = json.dumps({"fault": "the user is locked from now on"})
    standin.api.fail_next("api", faults.Status(403, body, (), "application/json"))
    problem = function.call().json or {}
    assert problem["api"] == {"status": 403, "body": json.loads(body)}
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


def test_a_path_that_always_rejects_costs_one_more_token(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", INVALID_TOKEN)
    codes = [(function.call().json or {})["code"] for _ in range(5)]
    assert codes == ["api.refused.invalid_token"] * 5
    assert made(standin) == {"metadata": 1, "token": 3, "api": 6}
    standin.api.clear_faults()
    assert function.call().status_code == 200
    assert standin.count("token") == 3


def test_a_later_token_is_renewed_again(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    standin.api.fail_next("api", INVALID_TOKEN, times=2)
    assert function.call().status_code == 502
    clock.move(600)
    standin.reset_record()
    standin.api.fail_next("api", INVALID_TOKEN)
    assert function.call().status_code == 200
    assert standin.count("api") == 2
