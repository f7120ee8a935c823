"""Connections are opened while what their requests need is still being fetched, and requests are sent as if they were not."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from helseid_fn.context import Context
from helseid_fn.errors import SigningKeyError
from helseid_fn.http import transport
from helseid_fn.http.transport import Transport
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_source import TokenSource
from standin import StandIn
from tests.conftest import MovableClock
from tests.support.deployment import CHILD, OTHER_UNIT, PARENT, Function, at_once, made
from tests.support.happenings import Before, Gate, until

COLD = {"metadata": 1, "token": 2, "api": 1}


class SlowStore:
    """Returns its text as the key, once HelseID has a connection."""

    def __init__(self, standin: StandIn, text: str) -> None:
        self._standin = standin
        self._text = text

    def read(self, _ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Wait until a connection is there."""
        del fresh
        until(lambda: self._standin.helseid.server.connections == 1)
        return StoredKey(self._text)


def get_token(standin: StandIn, key_text: str) -> object:
    store = SlowStore(standin, key_text)
    settings = standin.environment("file:unused")
    tokens = TokenSource(issuer=standin.issuer, client_id=settings["HELSEID_CLIENT_ID"], key=store, transport=Transport())
    return tokens.get(Organization(PARENT, CHILD), frozenset(settings["HELSEID_SCOPE"].split()), Context(30))


def test_helseid_is_connected_while_the_key_is_read(standin: StandIn, jwk: dict[str, Any]) -> None:
    assert get_token(standin, json.dumps(jwk))
    assert (standin.helseid.server.connections, made(standin)) == (1, {"metadata": 1, "token": 2})


def test_a_bad_key_sends_helseid_no_request(standin: StandIn) -> None:
    with pytest.raises(SigningKeyError):
        get_token(standin, "not a key")
    assert made(standin) == {}


@pytest.mark.parametrize("ended", [False, True], ids=["kept", "ended by the server"])
def test_the_api_is_connected_while_the_token_is_obtained(
    standin: StandIn, deploy: Callable[..., Function], *, ended: bool
) -> None:
    function, gate = deploy(standin, API_METHODS="POST"), Gate()
    standin.helseid.fail_next("metadata", gate)
    if ended:
        standin.helseid.fail_next("token", Before(standin.api.drop_connections))
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(function.call, {"request": {"method": "POST", "path": "orders", "json": 1}})
        until(lambda: standin.api.server.connections == 1)
        gate.opened.set()
        assert call.result(timeout=30).status_code == 200
    assert (standin.helseid.server.connections, standin.api.server.connections) == (1, 1 + ended)
    assert made(standin) == COLD


def test_only_the_thread_that_fetches_connects_early(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[object] = []
    begin = transport.begin_connecting
    monkeypatch.setattr(transport, "begin_connecting", lambda connect: begun.append(connect) or begin(connect))
    function = deploy(start_standin(clock=clock), now=clock)
    at_once(16, function.call)
    assert len(begun) == 2
    function.call(OTHER_UNIT)  # both are connected
    assert len(begun) == 2
    clock.move(6)
    function.call()  # the token is cached
    assert len(begun) == 2
