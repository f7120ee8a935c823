"""Requests of httpx, with HelseIdHttpxAuth as their auth: by a client that waits, and by one that is awaited."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from helseid_fn import Client, InvalidInvocation, InvalidResponse, Organization, Refused, Unavailable
from standin import StandIn, faults
from tests.conftest import ROOT
from tests.support.deployment import OTHER_CHILD, PARENT, at_once, made
from tests.support.happenings import Gate, until, waiting_threads
from tests.support.parts import read_jws
from tests.support.programs import WRITTEN, jtis, make_client

COLD = {"metadata": 1, "token": 2, "api": 1}
REJECTION = faults.Status(401, "", (("WWW-Authenticate", 'DPoP error="invalid_token"'),))

Send = Callable[..., list[httpx.Response]]
"""Sends the same request so many times, one after the other, with one client."""


def send_waiting(auth: httpx.Auth, method: str, url: str, *, times: int = 1, **options: Any) -> list[httpx.Response]:
    follow = options.pop("follow_redirects", False)
    with httpx.Client(auth=auth, follow_redirects=follow) as client:
        return [client.request(method, url, **fresh(options)) for _ in range(times)]


def send_awaited(auth: httpx.Auth, method: str, url: str, *, times: int = 1, **options: Any) -> list[httpx.Response]:
    follow = options.pop("follow_redirects", False)

    async def send() -> list[httpx.Response]:
        async with httpx.AsyncClient(auth=auth, follow_redirects=follow) as client:
            return [await client.request(method, url, **fresh(options, awaited=True)) for _ in range(times)]

    return asyncio.run(send())


def fresh(options: Mapping[str, Any], *, awaited: bool = False) -> dict[str, Any]:
    """Make a stream of a tuple of pieces, as each kind of client takes it; leave everything else."""
    pieces = options.get("content")
    if not isinstance(pieces, tuple):
        return dict(options)

    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    length = {"Content-Length": str(sum(map(len, pieces)))}  # the stand-in takes no body without it
    return {**options, "content": stream() if awaited else iter(pieces), "headers": length}


@pytest.fixture(params=[send_waiting, send_awaited], ids=["waiting", "awaited"])
def send(request: pytest.FixtureRequest) -> Send:
    """Return how requests are sent."""
    how: Send = request.param
    return how


@pytest.fixture
def client(standin: StandIn, key_file: Path) -> Client:
    """Return a Client of the stand-in."""
    return make_client(standin, key_file)


@pytest.fixture
def demanding(start_standin: Callable[..., StandIn]) -> StandIn:
    """Return a stand-in whose API demands a nonce."""
    return start_standin(api_nonce=True)


def test_requests_are_authorized(standin: StandIn, client: Client, send: Send) -> None:
    responses = send(client.httpx_auth(), "GET", standin.api_url, times=3)
    assert [each.json()["parentOrganizationNumber"] for each in responses] == [PARENT] * 3
    assert standin.exchanges("api")[0].values("Authorization")[0].startswith("DPoP ey")
    assert len(set(jtis(standin))) == 3
    assert made(standin) == {**COLD, "api": 3}


def test_the_apis_nonce_is_followed_and_kept(demanding: StandIn, key_file: Path, send: Send) -> None:
    auth = make_client(demanding, key_file).httpx_auth()
    responses = send(auth, "POST", f"{demanding.api_base}/x", json={"a": 1}, times=2)
    assert [each.json()["json"] for each in responses] == [{"a": 1}] * 2
    assert made(demanding) == {**COLD, "api": 3}


def test_a_nonce_that_leads_nowhere_is_an_error(standin: StandIn, client: Client, send: Send) -> None:
    challenge = (("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'), ("DPoP-Nonce", "n"))
    standin.api.fail_always("api", faults.Status(401, "", challenge))
    with pytest.raises(InvalidResponse):
        send(client.httpx_auth(), "GET", standin.api_url)
    assert standin.count("api") == 2


def test_a_revoked_token_is_replaced_once(standin: StandIn, client: Client, send: Send) -> None:
    auth = client.httpx_auth()
    send(auth, "GET", standin.api_url)
    standin.revoke_tokens()
    assert [each.status_code for each in send(auth, "GET", standin.api_url)] == [200]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


def test_an_api_that_rejects_every_token_gets_two(standin: StandIn, client: Client, send: Send) -> None:
    standin.api.fail_always("api", REJECTION)
    assert [each.status_code for each in send(client.httpx_auth(), "GET", standin.api_url, times=3)] == [401] * 3
    assert made(standin) == {"metadata": 1, "token": 3, "api": 4}


def test_an_auth_object_is_for_its_organization(standin: StandIn, client: Client, send: Send) -> None:
    auth = client.httpx_auth(organization=Organization(parent=PARENT, child=OTHER_CHILD))
    assert send(auth, "GET", standin.api_url)[0].json()["childOrganizationNumber"] == OTHER_CHILD


@pytest.mark.parametrize("path", ["x?a=b#c", "a%c3%a6", "a b", "~user", "a+b", "a/./b/../c", "%41", "a,b;c=d:e@f!$&'()*"])
def test_htu_is_what_the_server_sees(standin: StandIn, client: Client, path: str) -> None:
    assert send_waiting(client.httpx_auth(), "GET", f"{standin.api_base}/{path}")[0].status_code == 200
    exchange = standin.exchanges("api")[0]
    assert exchange.claims["proof"]["htu"] == standin.api.origin + exchange.target.partition("?")[0]


@pytest.mark.parametrize("url", WRITTEN)
def test_htu_names_the_server_as_the_host_header_will(client: Client, url: str) -> None:
    request = next(client.httpx_auth().sync_auth_flow(httpx.Request("GET", url)))
    assert read_jws(request.headers["DPoP"])[1]["htu"] == WRITTEN[url]
    assert request.headers["Host"] == WRITTEN[url].split("/")[2]


@pytest.mark.parametrize("follow", [False, True], ids=["not following", "following"])
def test_a_redirect_is_refused_and_not_followed(
    standin: StandIn, client: Client, send: Send, start_standin: Callable[..., StandIn], *, follow: bool
) -> None:
    elsewhere = start_standin()
    standin.api.fail_next("api", faults.Redirect(elsewhere.api_url, 307))
    with pytest.raises(Refused) as raised:
        send(client.httpx_auth(), "POST", standin.api_url, content=b"about a person", follow_redirects=follow)
    assert (raised.value.code, elsewhere.received) == ("api.refused.redirect", [])
    assert made(standin) == COLD


@pytest.mark.parametrize("url", ["http://api.example.no/x", "http://192.0.2.1/x"])
def test_no_token_is_sent_to_an_unsafe_url(standin: StandIn, client: Client, send: Send, url: str) -> None:
    with pytest.raises(InvalidInvocation, match="No token is sent there"):
        send(client.httpx_auth(), "GET", url)
    assert made(standin) == {}


def test_an_auth_object_for_one_api_is_for_no_other(standin: StandIn, client: Client, send: Send) -> None:
    with pytest.raises(InvalidInvocation, match="for one API"):
        send(client.httpx_auth(below=standin.api_base), "GET", f"{standin.api.origin}/x")
    assert made(standin) == {}


def test_a_stream_is_sent_once(demanding: StandIn, key_file: Path, send: Send) -> None:
    auth = make_client(demanding, key_file).httpx_auth()
    with pytest.raises(InvalidInvocation, match="stream that cannot be read again"):
        send(auth, "POST", f"{demanding.api_base}/x", content=(b"on", b"ce"))
    assert send(auth, "POST", f"{demanding.api_base}/x", content=(b"on", b"ce"))[0].json()["body"] == "once"
    assert [each.body for each in demanding.exchanges("api")] == [b"once"] * 2


def test_a_form_with_a_file_is_sent_again(demanding: StandIn, key_file: Path, send: Send) -> None:
    auth = make_client(demanding, key_file).httpx_auth()
    assert send(auth, "POST", f"{demanding.api_base}/x", files={"f": ("f", b"content")})[0].status_code == 200
    first, second = (each.body for each in demanding.exchanges("api"))
    assert b"content" in first
    assert first == second


def test_a_request_can_be_sent_again(standin: StandIn, client: Client) -> None:
    with httpx.Client(auth=client.httpx_auth()) as http:
        request = http.build_request("GET", standin.api_url)
        assert [http.send(request).status_code for _ in range(3)] == [200] * 3
    assert len(set(jtis(standin))) == 3


def test_a_trace_of_the_programs_own_goes_on(standin: StandIn, client: Client) -> None:
    events: list[str] = []
    extensions = {"trace": lambda event, _info: events.append(event)}
    send_waiting(client.httpx_auth(), "GET", standin.api_url, extensions=extensions)
    assert "http11.send_request_headers.complete" in events


def test_a_token_that_cannot_be_had_is_an_error_of_ours(standin: StandIn, client: Client, send: Send) -> None:
    standin.helseid.fail_always("token", faults.Status(503))
    with pytest.raises(Unavailable):
        send(client.httpx_auth(), "GET", standin.api_url)
    assert standin.count("api") == 0


def test_twenty_threads_make_one_token_request(standin: StandIn, client: Client) -> None:
    auth = client.httpx_auth()
    assert at_once(20, lambda: httpx.get(standin.api_url, auth=auth, timeout=30).status_code) == [200] * 20
    assert made(standin) == {**COLD, "api": 20}


def test_twenty_tasks_make_one_token_request(standin: StandIn, client: Client) -> None:
    async def get_all() -> list[int]:
        async with httpx.AsyncClient(auth=client.httpx_auth(), timeout=30) as http:
            return [each.status_code for each in await asyncio.gather(*(http.get(standin.api_url) for _ in range(20)))]

    assert asyncio.run(get_all()) == [200] * 20
    assert made(standin) == {**COLD, "api": 20}


def test_the_event_loop_goes_on_while_a_token_is_fetched(standin: StandIn, client: Client) -> None:
    gate = Gate()
    standin.helseid.fail_next("token", gate)

    async def open_gate() -> None:
        while standin.count("token") == 0:  # noqa: ASYNC110  # the stand-in has threads
            await asyncio.sleep(0.01)
        gate.opened.set()

    async def get() -> int:
        async with httpx.AsyncClient(auth=client.httpx_auth(), timeout=30) as http:
            response, _ = await asyncio.gather(http.get(standin.api_url), open_gate())
            return response.status_code

    assert asyncio.run(get()) == 200
    assert made(standin) == COLD  # nothing timed out


def test_a_failure_goes_to_every_task_that_waited_for_it(standin: StandIn, client: Client) -> None:
    gate = Gate()
    standin.helseid.fail_next("metadata", gate)
    standin.helseid.fail_always("token", faults.Status(503))

    def open_gate() -> None:
        until(lambda: standin.count("metadata") == 1 and waiting_threads() >= 9)
        gate.opened.set()

    async def get_all() -> list[int | BaseException]:
        async with httpx.AsyncClient(auth=client.httpx_auth()) as http:
            calls = [http.get(standin.api_url) for _ in range(10)]
            *results, _ = await asyncio.gather(*calls, asyncio.to_thread(open_gate), return_exceptions=True)
            return results

    assert {type(each) for each in asyncio.run(get_all())} == {Unavailable}
    assert made(standin) == {"metadata": 1, "token": 3}


def test_an_auth_object_shows_no_secret(standin: StandIn, client: Client) -> None:
    auth = client.httpx_auth()
    send_waiting(auth, "GET", standin.api_url)
    assert not [secret for secret in standin.secrets() if secret in f"{auth!r} {auth} {vars(auth)}"]


def test_without_httpx_the_library_says_what_to_install() -> None:
    code = """
import sys
sys.modules["httpx"] = None
import helseid_fn
client = helseid_fn.Client(issuer="https://a.example", client_id="a", scopes={"a"})
client.auth()
client.httpx_auth()
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stderr.endswith("ImportError: HelseIdHttpxAuth needs httpx. Install it: pip install 'helseid-fn[httpx]'\n")
