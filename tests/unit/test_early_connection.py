from __future__ import annotations

import threading

import pytest

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded, Unavailable
from helseid_fn.http import adapter
from helseid_fn.http.early_connection import begin_connecting
from helseid_fn.http.failures import ConnectError, Phase, classify_failure
from helseid_fn.http.messages import Message
from helseid_fn.http.transport import Transport
from tests.conftest import MovableClock


@pytest.mark.parametrize("failure", [ConnectError(Phase.TLS), OSError("no proxy"), ValueError("no text")])
def test_a_failure_is_raised_where_the_connection_is_waited_for(failure: Exception) -> None:
    def fail() -> None:
        raise failure

    with pytest.raises(type(failure)) as raised:
        begin_connecting(fail)(5)
    assert raised.value is failure


def test_connecting_beyond_the_deadline_has_sent_nothing() -> None:
    ended = threading.Event()

    def connect() -> None:
        ended.wait(5)

    with pytest.raises(ConnectError) as raised:
        begin_connecting(connect)(0.01)
    ended.set()
    assert not classify_failure(raised.value).processed


def test_a_way_that_was_not_found_early_is_left_to_the_request() -> None:
    def fail() -> None:
        raise Unavailable(Party.API, "tls", "The CA bundle cannot be read.")

    begin_connecting(fail)(5)


def test_connecting_anew_gets_what_an_early_connection_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, given = MovableClock(0), []
    ctx = Context(3, monotonic=clock)
    ctx.early_connections["http://127.0.0.1:9"] = lambda _seconds: clock.move(1)

    def connect(_self: object, _url: str, _proxies: object, timeout_seconds: float) -> None:
        given.append(timeout_seconds)
        clock.move(timeout_seconds)
        raise ConnectError(Phase.CONNECTING)

    monkeypatch.setattr(adapter._Adapter, "ensure_connected", connect)
    url = "http://127.0.0.1:9/"
    with pytest.raises(DeadlineExceeded):
        Transport().send(Party.API, "GET", url, lambda _url, _nonce: Message({}), ctx=ctx, response_timeout_seconds=2)
    assert given[0] == 1


def test_an_early_connection_is_waited_for_as_long_as_its_attempt_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    url, waited = "http://127.0.0.1:9/", list[float]()
    ctx = Context(3, monotonic=MovableClock(0))

    def join(timeout_seconds: float) -> None:
        waited.append(timeout_seconds)
        raise ConnectError(Phase.CONNECTING)

    ctx.early_connections["http://127.0.0.1:9"] = join
    monkeypatch.setattr(adapter._Adapter, "ensure_connected", lambda *_: None)
    with pytest.raises(Unavailable):
        Transport(sleep=lambda _seconds: None, connect_timeout_seconds=0.1).send(
            Party.API, "GET", url, lambda _url, _nonce: Message({}), ctx=ctx, response_timeout_seconds=2
        )
    assert waited == [2]
