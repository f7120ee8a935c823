"""What the fault matrix does not hold: faults that pass in time, and calls that must not be made twice."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from standin import StandIn, faults
from tests.support.deployment import OTHER_UNIT, Function, log_lines, made, one_key

pytestmark = one_key

PARTIES = {"metadata": "helseid", "token": "helseid", "api": "api"}
KINDS = tuple(PARTIES)
HTML = "<html><body>Sign in to the wireless network</body></html>"
JSON = "application/json"


def party_of(standin: StandIn, kind: str) -> Any:
    return standin.api if kind == "api" else standin.helseid


def reach(function: Function, kind: str) -> None:
    """Bring the function to where its next invocation begins with a request of this kind."""
    if kind != "metadata":
        assert function.call().status_code == 200


def call(function: Function, kind: str) -> TestResponse:
    return function.call(OTHER_UNIT if kind == "token" else None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("metadata", "helseid.garbled.redirect"),
        ("token", "helseid.garbled.redirect"),
        ("api", "api.refused.redirect"),
    ],
)
def test_a_redirect_is_not_followed(standin: StandIn, function: Function, kind: str, code: str, status: int) -> None:
    reach(function, kind)
    standin.reset_record()
    party_of(standin, kind).fail_next(kind, faults.Redirect(f"{standin.api_base}/elsewhere", status))
    answer = call(function, kind)
    assert (answer.status_code, (answer.json or {})["code"]) == (502, code)
    assert made(standin) == {kind: 1}


@pytest.mark.parametrize("kind", KINDS)
def test_two_faults_and_then_an_answer_are_a_success(standin: StandIn, function: Function, kind: str) -> None:
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).fail_next(kind, faults.Status(503))
    party_of(standin, kind).fail_next(kind, faults.Reset())
    assert call(function, kind).status_code == 200
    assert standin.count(kind) - before == {"metadata": 3, "token": 3, "api": 3}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_retry_after_is_waited_for(standin: StandIn, function: Function, kind: str) -> None:
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).fail_next(kind, faults.Status(429, b"", (("Retry-After", "1"),)))
    began_at = time.monotonic()
    assert call(function, kind).status_code == 200
    assert time.monotonic() - began_at >= 1
    assert standin.count(kind) - before == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_retry_after_beyond_the_deadline_is_told_instead_of_waited_for(
    standin: StandIn, function: Function, kind: str
) -> None:
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).fail_always(kind, faults.Status(503, b"", (("Retry-After", "120"),)))
    answer = call(function, kind)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
    assert standin.count(kind) - before == 1


UNKNOWN_OUTCOMES = {
    "500": faults.Status(500, handled=True),
    "503": faults.Status(503),
    "reset before an answer": faults.Reset(handled=True),
    "reset in the middle": faults.CutShort(),
    "close without an answer": faults.Close(handled=True),
}


@pytest.fixture
def posting(standin: StandIn, deploy: Callable[..., Function]) -> Function:
    """Return a function that may POST."""
    return deploy(standin, API_METHODS="GET,POST")


POST = {"request": {"method": "POST", "path": "orders", "json": {"quantity": 1}}}


@pytest.mark.parametrize("name", UNKNOWN_OUTCOMES)
def test_a_post_that_the_api_may_have_acted_on_is_not_sent_twice(standin: StandIn, posting: Function, name: str) -> None:
    standin.api.fail_always("api", UNKNOWN_OUTCOMES[name])
    assert posting.call(POST).status_code == 503
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_a_post_that_is_not_answered_in_time_is_not_sent_twice(standin: StandIn, posting: Function) -> None:
    reach(posting, "api")
    standin.reset_record()
    standin.api.fail_always("api", faults.Hang())
    posting.set_deadline(0.5)
    answer = posting.call(POST)
    assert (answer.json or {})["code"] in {"api.deadline_exceeded", "api.unreachable.timeout"}
    assert made(standin) == {"api": 1}


def test_a_post_whose_fate_is_unknown_is_told_to_be_so(standin: StandIn, posting: Function) -> None:
    standin.api.fail_always("api", faults.Reset(handled=True))
    problem = posting.call(POST).json or {}
    assert "whether it acted on the POST is not known" in problem["detail"]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_a_post_is_sent_again_after_a_429(standin: StandIn, posting: Function) -> None:
    standin.api.fail_next("api", faults.Status(429))
    assert posting.call(POST).status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_a_post_is_sent_again_with_the_nonce_it_is_asked_for(standin: StandIn, posting: Function) -> None:
    standin.api.settings.nonce_required = True
    assert posting.call(POST).status_code == 200
    assert [exchange.json for exchange in standin.exchanges("api")] == [{"quantity": 1}] * 2
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_a_post_is_sent_again_after_a_refused_connection(
    standin: StandIn, posting: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.api.stop()
    # The API comes back in the pause before the retry.
    monkeypatch.setattr(posting.module.JOB.api._transport, "_sleep", lambda _seconds: standin.api.start())
    assert posting.call(POST).status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_a_refused_connection_is_logged_as_such(
    standin: StandIn, posting: Function, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    standin.api.stop()
    # The API comes back in the pause before the retry.
    monkeypatch.setattr(posting.module.JOB.api._transport, "_sleep", lambda _seconds: standin.api.start())
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
    assert (function.call().json or {})["code"] == "api.unreachable.connection_lost"
    assert standin.count("api") == 3
