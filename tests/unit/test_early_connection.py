from __future__ import annotations

import threading

import pytest

from helseid_fn.http.early_connection import begin_connecting
from helseid_fn.http.failures import ConnectError, Phase


@pytest.mark.parametrize("failure", [ConnectError(Phase.TLS), OSError("no proxy")])
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

    with pytest.raises(ConnectError):
        begin_connecting(connect)(0.01)
    ended.set()
