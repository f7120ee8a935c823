"""`htu` is exactly the URL that the server sees: the stand-in's API compares strings, as NHN's does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from standin import StandIn
from tests.support.certificates import Authority
from tests.support.deployment import Function, made, proofs
from tests.support.proxy import Proxy

COLD = {"metadata": 1, "token": 2, "api": 1}


def seen_by_the_api(standin: StandIn) -> str:
    """Build the URL as a server can know it from the request."""
    exchange = standin.exchanges("api")[0]
    scheme = standin.api.origin.partition(":")[0]
    return f"{scheme}://{exchange.values('Host')[0]}{exchange.target.partition('?')[0]}"


PATHS = [
    "greetings",
    "orders?a=b",
    "orders?",
    "orders?q=%C3%A6%20+&url=https://elsewhere.example/?x",
    "orders/",
    "a%20b",
    "a%C3%A6",
    "a%c3%a6",
    "%7Euser",
    "~user",
    "a%2Db",
    "a+b",
    "a,b;c=d:e@f!$&'()*",
    "Upper/lower",
    "orders?next=/../a",
    "%41%42",
    "a%25b",
]


@pytest.mark.parametrize("path", PATHS)
def test_htu_is_what_the_server_sees(standin: StandIn, deploy: Callable[..., Function], path: str) -> None:
    function = deploy(standin, API_URL=f"{standin.api_base}/{path}")
    assert function.call().status_code == 200
    assert proofs(standin, "api")[0]["htu"] == seen_by_the_api(standin)
    assert made(standin) == COLD


@pytest.mark.parametrize("path", ["greetings", "orders/", "a b/æøå", "~user", "a+b", "a,b=c:d@e!$&'()*", "Upper/lower"])
def test_htu_of_an_invocations_path_is_what_the_server_sees(
    standin: StandIn, deploy: Callable[..., Function], path: str
) -> None:
    function = deploy(standin, API_URL=standin.api_base)
    assert function.call({"request": {"path": path, "query": {"navn": "æøå €", "tom": ""}}}).status_code == 200
    assert proofs(standin, "api")[0]["htu"] == seen_by_the_api(standin)
    assert made(standin) == COLD


@pytest.mark.parametrize("ending", ["", "/", "?a=b", "/?a=b"])
def test_htu_of_a_url_without_a_path_ends_with_a_slash(standin: StandIn, deploy: Callable[..., Function], ending: str) -> None:
    deploy(standin, API_URL=standin.api.origin + ending).call()
    assert proofs(standin, "api")[0]["htu"] == f"{standin.api.origin}/" == seen_by_the_api(standin)
    assert made(standin) == COLD


def test_htu_names_the_host_as_the_host_header_does(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin, API_URL=standin.api_url.replace("127.0.0.1", "localhost"))
    assert function.call().status_code == 200
    assert proofs(standin, "api")[0]["htu"] == standin.api_url.replace("127.0.0.1", "localhost")
    assert made(standin) == COLD


@pytest.mark.parametrize("host", ["localhost", "localhost:443", "LOCALHOST"])
def test_htu_has_no_default_port(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    host: str,
) -> None:
    authority = Authority(tmp_path)
    standin = start_standin(tls=authority.server("127.0.0.1", "localhost"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Proxy({"localhost:443": standin.api.server.port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        status = deploy(standin, API_URL=f"https://{host}/machine-clients/greetings").call().status_code
    assert proofs(standin, "api")[0]["htu"] == "https://localhost/machine-clients/greetings" == seen_by_the_api(standin)
    assert status == 200
    assert made(standin) == COLD


def test_htu_of_a_token_request_has_no_query(standin: StandIn, function: Function) -> None:
    standin.helseid.override("metadata", {"token_endpoint": f"{standin.token_endpoint}?tenant=1"})
    function.call()
    exchange = standin.exchanges("token")[0]
    assert (exchange.claims["proof"]["htu"], exchange.target) == (standin.token_endpoint, "/connect/token?tenant=1")
    assert standin.count("api") == 0
