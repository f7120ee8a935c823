"""A token is held until shortly before its end, and a token that the API rejects is renewed once."""

import json
from collections.abc import Callable

import pytest

from standin import StandIn, faults
from tests.conftest import MovableClock
from tests.support.deployment import OTHER_UNIT, Function, log_lines, made, one_key

INVALID_TOKEN = faults.Status(401, b"", (("WWW-Authenticate", 'DPoP error="invalid_token"'),))


@pytest.mark.parametrize(("lifetime", "margin"), [(1, 0.1), (5, 0.5), (60, 6), (600, 30), (3600, 30)])
def test_a_token_is_held_until_its_margin_and_not_longer(
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


@one_key
def test_a_clock_set_far_ahead_makes_a_new_token_and_no_failure(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(7 * 24 * 60 * 60)
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 2, "token": 4, "api": 2}


@one_key
def test_metadata_is_held_for_a_day(
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


def test_a_revoked_token_is_renewed_once_and_the_call_succeeds(standin: StandIn, function: Function) -> None:
    function.call()
    standin.revoke_tokens()
    standin.reset_record()
    assert function.call().status_code == 200
    assert made(standin) == {"token": 1, "api": 2}


def test_the_renewed_token_is_held(standin: StandIn, function: Function) -> None:
    function.call()
    standin.revoke_tokens()
    function.call()
    standin.reset_record()
    assert function.call().status_code == 200
    assert made(standin) == {"api": 1}


@one_key
def test_an_api_that_rejects_every_token_is_called_exactly_twice(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", INVALID_TOKEN)
    answer = function.call()
    assert (answer.status_code, answer.json and answer.json["code"]) == (502, "api.refused.invalid_token")
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


@one_key
def test_a_token_that_the_api_rejected_is_not_used_by_the_next_call(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", INVALID_TOKEN)
    function.call()
    function.call()
    used = [exchange.values("Authorization")[0] for exchange in standin.exchanges("api")]
    assert used[0] != used[1] == used[2]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


@one_key
def test_a_403_is_not_retried(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Status(403))
    answer = function.call()
    assert (answer.status_code, answer.json and answer.json["code"]) == (502, "api.refused.forbidden")
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("WWW-Authenticate", "DPoP"),),
        (("WWW-Authenticate", 'DPoP realm="invalid_token"'),),
    ],
    ids=["no challenge", "no error", "a realm of that name"],
)
@one_key
def test_a_401_that_does_not_reject_the_token_is_not_retried(
    standin: StandIn, function: Function, headers: tuple[tuple[str, str], ...]
) -> None:
    standin.api.fail_always("api", faults.Status(401, b"", headers))
    answer = function.call()
    assert (answer.status_code, answer.json and answer.json["code"]) == (502, "api.refused.unauthorized")
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize(
    ("challenge", "code"),
    [
        ('DPoP error="invalid_dpop_proof"', "api.refused.invalid_dpop_proof"),
        ('DPoP error="insufficient_scope", scope="a b"', "api.refused.insufficient_scope"),
    ],
)
@one_key
def test_a_401_with_another_error_is_not_retried(standin: StandIn, function: Function, challenge: str, code: str) -> None:
    standin.api.fail_always("api", faults.Status(401, b"", (("WWW-Authenticate", challenge),)))
    assert (function.call().json or {})["code"] == code
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize(
    "challenge",
    ['Bearer error="invalid_token"', 'Basic realm="x", DPoP algs="ES256", error = "invalid_token"', "dpop error=invalid_token"],
    ids=["bearer", "second and spaced", "lower case and unquoted"],
)
@one_key
def test_an_invalid_token_challenge_is_read_in_every_form(standin: StandIn, function: Function, challenge: str) -> None:
    standin.api.fail_next("api", faults.Status(401, b"", (("WWW-Authenticate", challenge),)))
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


@one_key
def test_both_answers_are_logged(standin: StandIn, function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    function.call()
    standin.revoke_tokens()
    capsys.readouterr()
    function.call()
    (line,) = log_lines(capsys.readouterr().out)
    assert line["outcomes"] == {"secret_store": ["ok"], "helseid": [200], "api": [401, 200]}
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


@one_key
def test_the_last_answer_of_the_api_is_the_one_that_is_told(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", INVALID_TOKEN)
    body = json.dumps({"fault": "the user is locked from now on"})
    standin.api.fail_next("api", faults.Status(403, body, (), "application/json"))
    answer = function.call().json
    assert answer is not None
    assert answer["api"] == {"status": 403, "body": json.loads(body)}
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}
