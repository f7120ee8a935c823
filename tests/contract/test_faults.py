"""Every way in which HelseID and the API can fail to answer: named for what it is, in time, and over with the fault."""

import gzip
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.contract.deployment import OTHER_UNIT, Function, fragments_of, log_lines, made, one_key
from tests.standin import StandIn, faults

pytestmark = one_key

PARTIES = {"metadata": "helseid", "token": "helseid", "api": "api"}
KINDS = tuple(PARTIES)
HTML = "<html><body>Sign in to the wireless network</body></html>"
JSON = "application/json"


@dataclass(frozen=True)
class Case:
    """A fault, and what is made of it: status and last parts of the code, and how many requests arrive."""

    fault: faults.Fault
    status: int
    codes: tuple[str, ...]
    arrived: tuple[int, ...] = (3,)


LOST = (503, ("unreachable.connection_lost",))
BUSY = (503, ("unreachable.server_error",))
NOT_HTTP = (502, ("garbled.http",), (1,))

CASES = {
    "reset before an answer": Case(faults.Reset(), *LOST),
    "reset in the middle": Case(faults.CutShort(), *LOST),
    "reset in the head": Case(faults.CutShort(missing=100_000), *LOST),
    "close without an answer": Case(faults.Close(), *LOST),
    "429": Case(faults.Status(429), 503, ("unreachable.rate_limited",)),
    "429 with a long Retry-After": Case(
        faults.Status(429, b"", (("Retry-After", "3600"),)), 503, ("unreachable.rate_limited",), (1,)
    ),
    "429 with an unreadable Retry-After": Case(
        faults.Status(429, b"", (("Retry-After", "soon"),)), 503, ("unreachable.rate_limited",)
    ),
    "500": Case(faults.Status(500, "Internal error"), *BUSY),
    "502": Case(faults.Status(502, HTML, (), "text/html"), *BUSY),
    "503": Case(faults.Status(503, json.dumps({"error": "temporarily_unavailable"}), (), JSON), *BUSY),
    "503 with a long Retry-After": Case(faults.Status(503, b"", (("Retry-After", "3600"),)), *BUSY, (1,)),
    "504": Case(faults.Status(504), *BUSY),
    "501": Case(faults.Status(501), *BUSY),
    "garbage instead of HTTP": Case(faults.Garbage(), *NOT_HTTP),
    "another protocol": Case(faults.Garbage(b"SSH-2.0-OpenSSH_9.9\r\n"), *NOT_HTTP),
    "a head without an end": Case(faults.Garbage(b"HTTP/1.1 200 OK\r\n" + b"X-Pad: " + b"a" * 70_000), *NOT_HTTP),
    "gzip": Case(
        faults.Status(200, gzip.compress(b'{"a": 1}'), (("Content-Encoding", "gzip"),), JSON), *NOT_HTTP
    ),
    "50 MB": Case(faults.Huge(50 * 1024 * 1024), 502, ("garbled.too_large",), (1,)),
}  # fmt: skip

SILENCES = {
    "silent": faults.Hang(),
    "header drip": faults.Drip(0.05, part="headers"),
    "body drip": faults.Drip(0.05, part="body"),
}


def party_of(standin: StandIn, kind: str) -> Any:
    return standin.api if kind == "api" else standin.helseid


def reach(function: Function, kind: str) -> None:
    """Bring the function to where its next invocation begins with a request of this kind."""
    if kind != "metadata":
        assert function.call().status_code == 200


def call(function: Function, kind: str) -> TestResponse:
    return function.call(OTHER_UNIT if kind == "token" else None)


def assert_nothing_leaked(standin: StandIn, jwk: dict[str, Any], answer: TestResponse) -> None:
    text = answer.get_data(as_text=True) + str(answer.headers)
    assert not [piece for piece in fragments_of(standin.secrets(), jwk) if piece in text]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_counted_and_over_when_the_server_recovers(
    standin: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any], name: str, kind: str
) -> None:
    case, function = CASES[name], deploy(standin)
    reach(function, kind)
    party_of(standin, kind).fail_always(kind, case.fault)
    before = standin.count(kind)
    answer = call(function, kind)
    problem = answer.json
    assert problem is not None
    assert (answer.status_code, problem["code"]) in {(case.status, f"{PARTIES[kind]}.{code}") for code in case.codes}
    assert standin.count(kind) - before in case.arrived
    assert_nothing_leaked(standin, jwk, answer)
    party_of(standin, kind).clear_faults()
    assert call(function, kind).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SILENCES)
def test_a_server_that_does_not_come_to_an_end_is_left_in_time(
    standin: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any], name: str, kind: str
) -> None:
    function = deploy(standin)
    reach(function, kind)
    party_of(standin, kind).fail_always(kind, SILENCES[name])
    function.set_deadline(1)
    before, began_at = standin.count(kind), time.monotonic()
    answer = call(function, kind)
    assert time.monotonic() - began_at < 5
    assert answer.json is not None
    party = PARTIES[kind]
    assert answer.json["code"] in {f"{party}.deadline_exceeded", f"{party}.unreachable.timeout"}
    assert standin.count(kind) - before <= 3
    assert_nothing_leaked(standin, jwk, answer)
    party_of(standin, kind).clear_faults()
    function.set_deadline(25)
    assert call(function, kind).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_connection_fails_the_call_only_until_the_server_is_back(
    standin: StandIn, function: Function, kind: str
) -> None:
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).stop()
    assert call(function, kind).status_code == 503
    assert standin.count(kind) == before
    party_of(standin, kind).start()
    assert call(function, kind).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_connection_is_told_as_such(standin: StandIn, function: Function, kind: str) -> None:
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).stop()
    answer = call(function, kind)
    assert (answer.status_code, (answer.json or {})["code"]) == (503, f"{PARTIES[kind]}.unreachable.connect")
    assert standin.count(kind) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_connection_is_tried_three_times(
    standin: StandIn, function: Function, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    reach(function, kind)
    party_of(standin, kind).stop()
    capsys.readouterr()
    call(function, kind)
    (line,) = log_lines(capsys.readouterr().out)
    assert line["requests"][PARTIES[kind]] == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_is_not_found_is_unreachable_until_it_is(
    standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    # Only the request of this kind goes by a name that will not be found.
    named = {"metadata": "127.0.0.1"}.get(kind, "localhost")
    look_up = socket.getaddrinfo

    def fail(host: str, *rest: Any, **options: Any) -> Any:
        if host == named:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *rest, **options)

    if kind == "token":
        standin.helseid.override("metadata", {"token_endpoint": standin.token_endpoint.replace("127.0.0.1", named)})
    function = deploy(standin, **({"API_URL": standin.api_url.replace("127.0.0.1", named)} if kind == "api" else {}))
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    answer = function.call()
    problem = answer.json or {}
    assert (answer.status_code, problem["code"]) == (503, f"{PARTIES[kind]}.unreachable.dns")
    assert standin.count(kind) == 0
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert function.call().status_code == 200


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("metadata", HTML, "helseid.garbled.metadata"),
        ("token", HTML, "helseid.garbled.token_answer"),
        ("api", HTML, "api.garbled.body"),
        ("metadata", "[1, 2]", "helseid.garbled.metadata"),
        ("token", "[1, 2]", "helseid.garbled.token_answer"),
        ("metadata", '{"issuer": ', "helseid.garbled.metadata"),
        ("token", '{"access_token": ', "helseid.garbled.token_answer"),
        ("api", '{"greeting": ', "api.garbled.body"),
    ],
)
def test_html_and_wrong_json_are_garbled_and_asked_for_once(
    standin: StandIn, function: Function, kind: str, body: str, code: str
) -> None:
    reach(function, kind)
    standin.reset_record()
    party_of(standin, kind).fail_next(kind, faults.Status(200, body, (), "text/html" if body is HTML else JSON))
    answer = call(function, kind)
    assert (answer.status_code, (answer.json or {})["code"]) == (502, code)
    assert made(standin) == {kind: 1}
    assert call(function, kind).status_code == 200


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


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_ends_before_its_length_is_a_lost_connection(standin: StandIn, function: Function, kind: str) -> None:
    reach(function, kind)
    before = standin.count(kind)
    party_of(standin, kind).fail_always(kind, faults.CutShort(how="close"))
    answer = call(function, kind)
    assert (answer.status_code, (answer.json or {})["code"]) == (503, f"{PARTIES[kind]}.unreachable.connection_lost")
    assert standin.count(kind) - before == 3
    party_of(standin, kind).clear_faults()
    assert call(function, kind).status_code == 200


def test_half_a_text_is_never_a_success(standin: StandIn, function: Function) -> None:
    class HalfAText:
        """Announces twelve bytes, sends six and closes."""

        def carry_out(self, wire: Any, _handle: object, _deliver: object) -> None:
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nnot al")
            wire.close()

    standin.api.fail_always("api", HalfAText())
    assert (function.call().json or {})["code"] == "api.unreachable.connection_lost"
    assert standin.count("api") == 3
