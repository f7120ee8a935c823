"""TLS sessions are resumed where that saves a round trip, for as long as what was verified is taken to hold."""

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from standin import StandIn
from tests.conftest import MovableClock
from tests.support.certificates import Authority
from tests.support.deployment import Function, made
from tests.support.programs import make_client

MINUTE = 60


@pytest.fixture
def clock() -> MovableClock:
    """Return a clock that shows about the real time, by which OpenSSL dates sessions."""
    return MovableClock(time.time() + MINUTE)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return the TLS of HelseID and the API, which take each other's sessions."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    context = authority.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.fixture
def standin(start_standin: Callable[..., StandIn], server: ssl.SSLContext, clock: MovableClock) -> StandIn:
    """Return a stand-in that speaks TLS."""
    return start_standin(tls=server, clock=clock, token_lifetime_seconds=10 * MINUTE)


@pytest.fixture
def function(deploy: Callable[..., Function], standin: StandIn, clock: MovableClock) -> Function:
    """Return a function whose first call has been made."""
    function = deploy(standin, now=clock)
    assert function.call().status_code == 200
    return function


def resumed(server: ssl.SSLContext) -> int:
    """Count the handshakes that resumed a session."""
    return server.session_stats()["hits"]


def test_a_session_is_resumed_for_an_hour_after_it_was_verified(
    function: Function, server: ssl.SSLContext, clock: MovableClock
) -> None:
    counts = [resumed(server)]
    for minutes in (5, 50, 10):  # the token is valid in the first of these calls only
        clock.move(minutes * MINUTE)
        assert function.call().status_code == 200
        counts.append(resumed(server))
    assert counts == [0, 1, 3, 3]


def test_a_session_is_offered_to_its_own_origin_only(
    standin: StandIn, server: ssl.SSLContext, clock: MovableClock, key_file: Path
) -> None:
    client = make_client(standin, key_file, now=clock)
    client.token()  # HelseID's session is there before the API is connected
    assert client.api(standin.api_base).get("greetings").status == 200
    assert resumed(server) == 0


def refuse(server: ssl.SSLContext) -> None:
    """Have the server know no session."""
    server.options |= ssl.OP_NO_TICKET


def abort(server: ssl.SSLContext) -> None:
    """Have the server end every handshake that resumes a session."""

    def end(sock: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> int | None:
        return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE if sock.session_reused else None

    server.sni_callback = end


@pytest.mark.parametrize(("fail", "handshakes"), [(refuse, 3), (abort, 4)])
def test_a_session_that_the_server_does_not_take_is_no_failure(
    standin: StandIn,
    function: Function,
    server: ssl.SSLContext,
    clock: MovableClock,
    fail: Callable[[ssl.SSLContext], None],
    handshakes: int,
) -> None:
    fail(server)
    clock.move(6)
    assert function.call().status_code == 200
    assert server.session_stats()["accept"] == handshakes
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}
