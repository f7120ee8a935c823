"""Connections are kept, replaced when dead, verified, and never carry credentials that are not ours."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from standin import StandIn, faults
from tests.conftest import MovableClock
from tests.support.certificates import Authority
from tests.support.deployment import OTHER_UNIT, Function, at_once, log_lines, made, proofs
from tests.support.faults.conversation import Conversation, OnHttp
from tests.support.faults.impostor import Impostor
from tests.support.happenings import ThenReset, ThenStray, WithHeaders
from tests.support.proxy import Proxy

COLD = {"metadata": 1, "token": 2, "api": 1}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return a certificate authority that nobody trusts yet."""
    return Authority(tmp_path)


def test_one_connection_to_each_server_serves_many_calls(standin: StandIn, function: Function) -> None:
    assert [function.call().status_code for _ in range(5)] == [200] * 5
    assert (standin.helseid.server.connections, standin.api.server.connections) == (1, 1)
    assert made(standin) == {**COLD, "api": 5}


def test_one_tls_handshake_with_each_server_serves_many_calls(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standin = start_standin(tls=authority.server())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    function = deploy(standin)
    assert [function.call().status_code for _ in range(3)] == [200] * 3
    assert (standin.helseid.server.connections, standin.api.server.connections) == (1, 1)


def test_threads_share_the_kept_connections(standin: StandIn, function: Function) -> None:
    for _ in range(3):
        assert at_once(8, lambda: function.call().status_code) == [200] * 8
    assert standin.api.server.connections <= 8
    assert standin.count("api") == 24


@pytest.mark.parametrize(("moved_seconds", "connections"), [(5, 1), (5.5, 2), (-30, 2)])
def test_connections_are_kept_for_5_s_by_the_wall_clock(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    clock: MovableClock,
    moved_seconds: float,
    connections: int,
) -> None:
    standin = start_standin(clock=clock, api_leeway_seconds=60)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(moved_seconds)
    assert function.call().status_code == 200
    assert standin.api.server.connections == connections
    assert made(standin) == {**COLD, "api": 2}


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_connection_that_the_server_ended_is_replaced(standin: StandIn, function: Function, how: str) -> None:
    if how == "reset":
        standin.api.fail_next("api", ThenReset())
    function.call()
    if how == "closed":
        standin.api.drop_connections()
    assert function.call().status_code == 200
    assert [exchange.connection for exchange in standin.exchanges("api")] == [1, 2]
    assert made(standin) == {**COLD, "api": 2}


@pytest.mark.parametrize("body_bytes", [10, 40_000])
@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_a_connection_with_unread_bytes_is_not_used_again(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    body_bytes: int,
    *,
    later: bool,
    secured: bool,
) -> None:
    standin = start_standin(tls=authority.server() if secured else None)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    function = deploy(standin)
    standin.api.fail_next("api", ThenStray(body_bytes, later), times=2)
    for _ in range(3):
        assert (function.call().json or {})["api"]["body"]["greeting"].startswith("Hello")
        time.sleep(0.05 if later else 0)
    assert [exchange.connection for exchange in standin.exchanges("api")] == [1, 2, 3]


def test_a_post_on_a_connection_that_the_server_ended_is_sent(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin, API_METHODS="GET,POST")
    function.call()
    standin.api.drop_connections()
    assert function.call({"request": {"method": "POST", "path": "orders", "json": 1}}).status_code == 200
    assert made(standin) == {**COLD, "api": 2}


@pytest.mark.parametrize("fault", [faults.Reset(), faults.Close()], ids=["reset", "closed"])
@pytest.mark.parametrize("kind", ["token", "api"])
def test_a_request_on_a_dead_connection_is_built_anew(
    standin: StandIn, function: Function, kind: str, fault: faults.Fault
) -> None:
    function.call()
    standin.reset_record()
    party = standin.api if kind == "api" else standin.helseid
    party.fail_next(kind, fault)
    assert function.call(OTHER_UNIT).status_code == 200
    first, second = proofs(standin, kind)
    assert first["jti"] != second["jti"]
    assert made(standin) == {"token": 1, "api": 1, kind: 2}


def test_a_replaced_connection_costs_no_pause(standin: StandIn, deploy: Callable[..., Function]) -> None:
    pauses: list[float] = []
    function = deploy(standin, sleep=pauses.append)
    function.call()
    standin.api.fail_next("api", faults.Reset())
    function.call()
    assert pauses == [0]
    assert made(standin) == {**COLD, "api": 3}


def test_the_environment_is_read_once_for_each_origin(
    standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    look_up = requests.Session.merge_environment_settings

    def count(self: requests.Session, url: str, *rest: Any, **options: Any) -> Any:
        looked_up.append(url)
        return look_up(self, url, *rest, **options)

    monkeypatch.setattr(requests.Session, "merge_environment_settings", count)
    function = deploy(standin)
    for unit in (None, OTHER_UNIT, None):
        function.call(unit)
    assert len(looked_up) == 2
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


def test_plain_http_on_this_machine_goes_through_no_proxy(
    standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert deploy(standin).call().status_code == 200
    assert proxy.asked == []
    assert made(standin) == COLD


def test_no_proxy_is_honoured(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standin = start_standin(tls=authority.server())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert deploy(standin).call().status_code == 200
    assert proxy.asked == []
    assert made(standin) == COLD


def test_an_https_proxy_learns_nothing_but_the_host(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standin = start_standin(tls=authority.server())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert deploy(standin).call().status_code == 200
    assert set(proxy.asked) == {f"CONNECT {origin.removeprefix('https://')}" for origin in (standin.issuer, standin.api.origin)}
    assert made(standin) == COLD


def test_a_proxy_over_tls_is_trusted_by_the_same_bundle(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standin = start_standin(tls=authority.server())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    with Proxy(tls=authority.server()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert deploy(standin).call().status_code == 200
    assert len(set(proxy.asked)) == 2
    assert made(standin) == COLD


@pytest.mark.parametrize(("status", "attempts"), [(407, 1), (403, 1), (502, 3)])
def test_a_proxy_that_refuses_the_tunnel_is_told_with_its_status(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    attempts: int,
) -> None:
    standin = start_standin(tls=authority.server())
    with Proxy(refuses_with=status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        problem = deploy(standin).call().json or {}
    assert problem["code"] == "helseid.unavailable.proxy"
    assert f"the proxy refused the connection with {status}." in problem["detail"]
    assert proxy.asked.count(f"CONNECT {urlsplit(standin.issuer).netloc}") == attempts


def test_a_proxy_that_is_not_there_is_named(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standin = start_standin(tls=authority.server())
    with Proxy() as proxy:
        url = proxy.url
    monkeypatch.setenv("HTTPS_PROXY", url)
    problem = deploy(standin).call().json or {}
    assert (problem["status"], problem["code"]) == (503, "helseid.unavailable.proxy")
    assert made(standin) == {}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_ca_bundle_is_trusted(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    standin = start_standin(tls=authority.server())
    monkeypatch.setenv(variable, str(authority.bundle))
    function = deploy(standin)
    assert [function.call().status_code for _ in range(2)] == [200, 200]
    assert made(standin) == {**COLD, "api": 2}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_an_old_tls_version_is_not_spoken(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = authority.server()
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    standin = start_standin(tls=context)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    assert deploy(standin).call().status_code == 503
    assert made(standin) == {}


def read_hello(connection: socket.socket, ended: threading.Event) -> Iterator[Conversation]:
    """Read the first message of a TLS handshake."""
    connection.recv(4096)
    yield OnHttp(connection, ended, b"")


def test_a_web_server_on_the_port_is_told_from_a_lost_connection(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin, API_URL=standin.api_url.replace("http:", "https:"))
    standin.api.stop()

    def speak_http(conversation: Conversation) -> None:
        conversation.send(conversation.compose(400, "text/plain", b""))

    with Impostor(standin.api.server.port, speak_http, read_hello):
        problem = function.call().json or {}
    assert (problem["status"], problem["code"]) == (503, "api.unavailable.tls")
    assert "does not speak TLS on that port. Check the port" in problem["detail"]


def test_a_post_is_sent_again_after_a_failed_handshake(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    standin = start_standin(tls=authority.server())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    standin.api.stop()
    with contextlib.ExitStack() as resetting:

        def recover(_seconds: float) -> None:
            resetting.close()
            standin.api.start()

        resetting.enter_context(Impostor(standin.api.server.port, lambda conversation: conversation.reset(), read_hello))
        posting = deploy(standin, sleep=recover, API_METHODS="GET,POST")
        assert posting.call({"request": {"method": "POST", "path": "orders", "json": 1}}).status_code == 200
    assert made(standin) == COLD
    assert log_lines(capsys.readouterr().out)[-1]["outcomes"]["api"] == ["tls", 200]


def test_a_server_without_tls_is_sent_nothing_in_the_clear(standin: StandIn, deploy: Callable[..., Function]) -> None:
    assert deploy(standin, API_URL=standin.api_url.replace("http:", "https:")).call().status_code == 503
    assert made(standin) == {"metadata": 1, "token": 2}


@pytest.mark.parametrize("kind", ["metadata", "token", "api"])
def test_a_cookie_is_never_sent_back(standin: StandIn, function: Function, kind: str) -> None:
    party = standin.api if kind == "api" else standin.helseid
    party.fail_always(kind, WithHeaders((("Set-Cookie", "session=1; Path=/"),)))
    assert [function.call(unit).status_code for unit in (None, OTHER_UNIT)] == [200, 200]
    assert [exchange.values("Cookie") for exchange in standin.received] == [[]] * 6
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


@pytest.mark.parametrize("way", ["NETRC", "home"])
def test_a_netrc_never_overrides_authorization(
    standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\ndefault login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    if way == "NETRC":
        monkeypatch.setenv("NETRC", str(netrc))
    assert deploy(standin).call().status_code == 200
    schemes = [[value.partition(" ")[0] for value in exchange.values("Authorization")] for exchange in standin.received]
    assert schemes == [[], [], [], ["DPoP"]]
    assert made(standin) == COLD


def test_a_response_is_requested_uncompressed(standin: StandIn, function: Function) -> None:
    function.call()
    assert {value for exchange in standin.received for value in exchange.values("Accept-Encoding")} == {"identity"}
    assert made(standin) == COLD


def test_a_redirect_with_a_token_is_not_followed(
    standin: StandIn, function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    standin.api.fail_next("api", faults.Redirect(f"{standin.helseid.origin}/steal", 307))
    assert function.call().status_code == 502
    assert log_lines(capsys.readouterr().out)[-1]["outcomes"]["api"] == [307]
    assert made(standin) == COLD
