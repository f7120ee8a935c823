"""Faults that the matrix lacks: transient faults, and faults of requests that must not be sent twice."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from werkzeug.test import TestResponse

from helseid_fn.function.pubsub import MESSAGE_PUBLISHED
from standin import StandIn, faults
from tests.support.deployment import OTHER_UNIT, Function, LambdaContext, log_lines, made

PARTIES = {"metadata": "helseid", "token": "helseid", "api": "api"}
KINDS = tuple(PARTIES)


def party_of(standin: StandIn, kind: str) -> Any:
    return standin.api if kind == "api" else standin.helseid


def reach(function: Function, kind: str) -> None:
    """Prepare the function so that its next invocation begins with a request of this kind."""
    if kind != "metadata":
        assert function.call().status_code == 200


def call(function: Function, kind: str) -> TestResponse:
    return function.call(OTHER_UNIT if kind == "token" else None)


@pytest.mark.parametrize("status", [301, 303, 307, 308])
@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_is_not_followed(standin: StandIn, function: Function, kind: str, status: int) -> None:
    reach(function, kind)
    standin.reset_record()
    party_of(standin, kind).fail_next(kind, faults.Redirect(f"{standin.api_base}/elsewhere", status))
    response = call(function, kind)
    code = "api.refused.redirect" if kind == "api" else "helseid.invalid_response.redirect"
    assert (response.status_code, (response.json or {})["code"]) == (502, code)
    assert made(standin) == {kind: 1}


@pytest.mark.parametrize("kind", KINDS)
def test_two_faults_before_a_response_are_a_success(standin: StandIn, function: Function, kind: str) -> None:
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).fail_next(kind, faults.Status(503))
    party_of(standin, kind).fail_next(kind, faults.Reset())
    assert call(function, kind).status_code == 200
    assert standin.count(kind) - before == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_retry_after_is_waited_for(standin: StandIn, deploy: Callable[..., Function], kind: str) -> None:
    pauses: list[float] = []
    function = deploy(standin, sleep=pauses.append)
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).fail_next(kind, faults.Status(429, b"", (("Retry-After", "1"),)))
    assert call(function, kind).status_code == 200
    assert pauses == [1]
    assert standin.count(kind) - before == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_retry_after_beyond_the_deadline_is_passed_on(standin: StandIn, function: Function, kind: str) -> None:
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).fail_always(kind, faults.Status(503, b"", (("Retry-After", "120"),)))
    response = call(function, kind)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "120")
    assert standin.count(kind) - before == 1


UNKNOWN_OUTCOMES = {
    "500": faults.Status(500, handled=True),
    "503": faults.Status(503),
    "reset before a response": faults.Reset(handled=True),
    "reset in the middle": faults.CutShort(),
    "close without a response": faults.Close(handled=True),
}


@pytest.fixture
def posting(standin: StandIn, deploy: Callable[..., Function]) -> Function:
    """Return a function that may POST."""
    return deploy(standin, API_METHODS="GET,POST")


POST = {"request": {"method": "POST", "path": "orders", "json": {"quantity": 1}}}


@pytest.mark.parametrize("name", UNKNOWN_OUTCOMES)
def test_a_post_that_the_api_may_have_processed_is_sent_once(standin: StandIn, posting: Function, name: str) -> None:
    standin.api.fail_always("api", UNKNOWN_OUTCOMES[name])
    response = posting.call(POST)
    problem = response.json or {}
    assert (problem["status"], problem["retryable"], response.headers.get("Retry-After")) == (502, False, None)
    assert problem["detail"].endswith("It may have processed the request, so look whether it did before you send it again.")
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize("name", UNKNOWN_OUTCOMES)
def test_an_event_whose_post_may_be_processed_is_acknowledged(standin: StandIn, posting: Function, name: str) -> None:
    standin.api.fail_always("api", UNKNOWN_OUTCOMES[name])
    data = {"message": {"data": base64.b64encode(json.dumps(POST).encode()).decode()}}
    posting.module.run_event(CloudEvent({"type": MESSAGE_PUBLISHED, "source": "test"}, data))
    assert posting.module.lambda_handler(POST, LambdaContext())["retryable"] is False
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_a_post_without_a_response_in_time_is_sent_once(standin: StandIn, posting: Function) -> None:
    reach(posting, "api")
    standin.reset_record()
    standin.api.fail_always("api", faults.Hang())
    posting.set_deadline(0.5)
    problem = posting.call(POST).json or {}
    assert problem["code"] in {"api.deadline_exceeded", "api.unavailable.timeout"}
    assert (problem["status"], problem["retryable"]) == (502, False)
    assert made(standin) == {"api": 1}


def test_a_post_is_sent_again_after_a_429(standin: StandIn, posting: Function) -> None:
    standin.api.fail_next("api", faults.Status(429))
    assert posting.call(POST).status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_a_post_is_sent_again_with_the_required_nonce(standin: StandIn, posting: Function) -> None:
    standin.api.settings.nonce_required = True
    assert posting.call(POST).status_code == 200
    assert [exchange.json for exchange in standin.exchanges("api")] == [{"quantity": 1}] * 2
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_a_post_is_sent_again_after_a_refused_connection(
    standin: StandIn, deploy: Callable[..., Function], capsys: pytest.CaptureFixture[str]
) -> None:
    # The API recovers during the pause before the retry.
    posting = deploy(standin, sleep=lambda _seconds: standin.api.start(), API_METHODS="GET,POST")
    standin.api.stop()
    assert posting.call(POST).status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}
    assert log_lines(capsys.readouterr().out)[-1]["outcomes"]["api"] == ["connect", 200]


def test_half_a_text_is_never_a_success(standin: StandIn, function: Function) -> None:
    class HalfAText:
        """Announces twelve bytes, sends six and closes."""

        def carry_out(self, wire: Any, _handle: object, _deliver: object) -> None:
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nnot al")
            wire.close()

    standin.api.fail_always("api", HalfAText())
    assert (function.call().json or {})["code"] == "api.unavailable.connection_lost"
    assert standin.count("api") == 3
