"""Connections: kept, replaced when they died, trusted for a reason, and never carrying what is not ours to send."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from standin import StandIn, faults
from tests.conftest import MovableClock
from tests.support.certificates import Authority
from tests.support.deployment import OTHER_UNIT, Function, at_once, log_lines, made, one_key, proofs
from tests.support.happenings import ThenReset, WithHeaders
from tests.support.proxy import Proxy

pytestmark = one_key

COLD = {"metadata": 1, "token": 2, "api": 1}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return a certificate authority that nobody trusts yet."""
    return Authority(tmp_path)


def test_one_connection_to_each_server_serves_many_calls(standin: StandIn, function: Function) -> None:
    assert [function.call().status_code for _ in range(5)] == [200] * 5
    assert (standin.helseid.server.connections, standin.api.server.connections) == (1, 1)
    assert made(standin) == {**COLD, "api": 5}


def test_threads_share_the_kept_connections(standin: StandIn, function: Function) -> None:
    for _ in range(3):
        assert at_once(8, lambda: function.call().status_code) == [200] * 8
    assert standin.api.server.connections <= 8
    assert standin.count("api") == 24


def test_connections_that_idled_for_up_to_5_s_are_used_again(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(5)
    assert function.call().status_code == 200
    assert standin.api.server.connections == 1
    assert made(standin) == {**COLD, "api": 2}


def test_connections_that_idled_for_more_than_5_s_are_not_used_again(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(5.5)
    assert function.call().status_code == 200
    assert standin.api.server.connections == 2
    assert made(standin) == {**COLD, "api": 2}


def test_a_clock_set_back_ends_the_kept_connections(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock, api_leeway_seconds=60)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(-30)
    assert function.call().status_code == 200
    assert standin.api.server.connections == 2
    assert made(standin) == {**COLD, "api": 2}


def test_a_connection_that_the_server_closed_between_calls_is_replaced(standin: StandIn, function: Function) -> None:
    function.call()
    standin.api.drop_connections()
    assert function.call().status_code == 200
    assert [exchange.connection for exchange in standin.exchanges("api")] == [1, 2]
    assert made(standin) == {**COLD, "api": 2}


def test_a_connection_that_the_server_reset_between_calls_is_replaced(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", ThenReset())
    function.call()
    assert function.call().status_code == 200
    assert [exchange.connection for exchange in standin.exchanges("api")] == [1, 2]
    assert made(standin) == {**COLD, "api": 2}


def test_a_post_over_a_connection_that_the_server_closed_between_calls_is_sent(
    standin: StandIn, deploy: Callable[..., Function]
) -> None:
    function = deploy(standin, API_METHODS="GET,POST")
    function.call()
    standin.api.drop_connections()
    assert function.call({"request": {"method": "POST", "path": "orders", "json": 1}}).status_code == 200
    assert made(standin) == {**COLD, "api": 2}


@pytest.mark.parametrize("fault", [faults.Reset(), faults.Close()], ids=["reset", "closed"])
@pytest.mark.parametrize("kind", ["token", "api"])
def test_a_dead_kept_connection_is_replaced_once_with_a_freshly_built_request(
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


def test_a_replaced_connection_is_not_waited_for(standin: StandIn, function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(function.module.JOB.api._transport, "_sleep", pauses.append)
    function.call()
    standin.api.fail_next("api", faults.Reset())
    function.call()
    assert pauses == [0]
    assert made(standin) == {**COLD, "api": 3}


def test_the_environment_is_looked_up_once_for_each_origin(
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


def test_what_stays_on_this_machine_without_tls_goes_through_no_proxy(
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


def test_https_goes_through_a_tunnel_that_shows_the_proxy_nothing_but_the_host(
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
    assert (problem["status"], problem["code"]) == (503, "helseid.unreachable.proxy")
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


def test_a_certificate_by_an_unknown_authority_is_not_trusted_and_not_tried_again(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], authority: Authority
) -> None:
    standin = start_standin(tls=authority.server())
    problem = deploy(standin).call().json or {}
    assert (problem["status"], problem["code"]) == (503, "helseid.unreachable.tls")
    assert standin.helseid.server.connections == 1
    assert made(standin) == {}


def test_a_certificate_for_another_name_is_not_trusted(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standin = start_standin(tls=authority.server("helseid.example"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    problem = deploy(standin).call().json or {}
    assert (problem["status"], problem["code"]) == (503, "helseid.unreachable.tls")
    assert standin.helseid.server.connections == 1
    assert made(standin) == {}


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


def test_an_address_that_speaks_no_tls_is_sent_nothing_in_the_clear(standin: StandIn, deploy: Callable[..., Function]) -> None:
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


def test_an_answer_is_asked_for_uncompressed(standin: StandIn, function: Function) -> None:
    function.call()
    assert {value for exchange in standin.received for value in exchange.values("Accept-Encoding")} == {"identity"}
    assert made(standin) == COLD


def test_a_redirect_with_a_token_is_not_followed_to_another_origin(
    standin: StandIn, function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    standin.api.fail_next("api", faults.Redirect(f"{standin.helseid.origin}/steal", 307))
    assert function.call().status_code == 502
    assert log_lines(capsys.readouterr().out)[-1]["outcomes"]["api"] == [307]
    assert made(standin) == COLD
