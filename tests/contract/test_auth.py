"""Requests of the library requests, with HelseIdAuth as their auth."""

import copy
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from helseid_fn import Client, HelseidFnError, InvalidInvocation, InvalidResponse, Organization, Refused, Unavailable
from standin import StandIn, faults, messages
from standin.wire import Wire
from tests.support.deployment import OTHER_CHILD, PARENT, at_once, made
from tests.support.happenings import WithHeaders
from tests.support.parts import read_jws
from tests.support.programs import WRITTEN, jtis, make_client

COLD = {"metadata": 1, "token": 2, "api": 1}
REJECTION = faults.Status(401, "", (("WWW-Authenticate", 'DPoP error="invalid_token"'),))


@pytest.fixture
def client(standin: StandIn, key_file: Path) -> Client:
    """Return a Client of the stand-in."""
    return make_client(standin, key_file)


@pytest.fixture
def demanding(start_standin: Callable[..., StandIn]) -> StandIn:
    """Return a stand-in whose API demands a nonce."""
    return start_standin(api_nonce=True)


@pytest.fixture
def session(client: Client) -> Iterator[requests.Session]:
    """Return a session with the Client's tokens."""
    with session_of(client) as session:
        yield session


def session_of(client: Client, **purpose: Any) -> requests.Session:
    session = requests.Session()
    session.auth = client.auth(**purpose)
    return session


class Stream:
    """A body of known length that can be read once."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        content, self._content = self._content, b""
        yield content


def test_a_request_is_authorized(standin: StandIn, session: requests.Session) -> None:
    response = session.get(standin.api_url)
    assert response.json()["parentOrganizationNumber"] == PARENT
    assert standin.exchanges("api")[0].values("Authorization")[0].startswith("DPoP ey")
    assert made(standin) == COLD


def test_each_request_has_its_own_proof(standin: StandIn, session: requests.Session) -> None:
    assert [session.get(standin.api_url).status_code for _ in range(3)] == [200] * 3
    assert len(set(jtis(standin))) == 3
    assert made(standin) == {**COLD, "api": 3}


def test_the_apis_nonce_is_followed_and_kept(demanding: StandIn, key_file: Path) -> None:
    with session_of(make_client(demanding, key_file)) as session:
        first, second = (session.post(f"{demanding.api_base}/x", json={"a": 1}) for _ in range(2))
    assert [first.json()["json"], second.json()["json"]] == [{"a": 1}] * 2
    assert [each.status_code for each in first.history] == [401]
    assert made(demanding) == {**COLD, "api": 3}


def test_auth_objects_and_calls_of_a_client_share_nonces(demanding: StandIn, key_file: Path) -> None:
    client = make_client(demanding, key_file)
    for _ in range(2):
        assert requests.get(demanding.api_url, auth=client.auth(), timeout=10).status_code == 200
        assert client.api(demanding.api_url).get().status == 200
    assert demanding.count("api") == 5


def test_the_nonce_of_a_success_is_learned(start_standin: Callable[..., StandIn], key_file: Path) -> None:
    standin = start_standin(api_nonce_on_success=True)
    with session_of(make_client(standin, key_file)) as session:
        assert [session.get(standin.api_url).status_code for _ in range(2)] == [200, 200]
    assert ["nonce" in each.claims["proof"] for each in standin.exchanges("api")] == [False, True]


def test_a_nonce_that_leads_nowhere_is_an_error(standin: StandIn, session: requests.Session) -> None:
    challenge = (("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'), ("DPoP-Nonce", "n"))
    standin.api.fail_always("api", faults.Status(401, "", challenge))
    with pytest.raises(InvalidResponse) as raised:
        session.get(standin.api_url)
    assert (raised.value.code, standin.count("api")) == ("api.invalid_response.nonce", 2)


def test_a_revoked_token_is_replaced_once(standin: StandIn, session: requests.Session) -> None:
    session.get(standin.api_url)
    standin.revoke_tokens()
    assert session.get(standin.api_url).status_code == 200
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


def test_an_api_that_rejects_every_token_gets_two(standin: StandIn, session: requests.Session) -> None:
    standin.api.fail_always("api", REJECTION)
    assert [session.get(standin.api_url).status_code for _ in range(3)] == [401] * 3
    assert made(standin) == {"metadata": 1, "token": 3, "api": 4}


def test_a_refusal_is_returned_as_requests_does(standin: StandIn, session: requests.Session) -> None:
    response = session.get(f"{standin.api_base}/status/403")
    assert response.status_code == 403
    assert made(standin) == COLD


def test_twenty_threads_make_one_token_request(standin: StandIn, client: Client) -> None:
    auth = client.auth()
    assert at_once(20, lambda: requests.get(standin.api_url, auth=auth, timeout=30).status_code) == [200] * 20
    assert made(standin) == {**COLD, "api": 20}


def test_an_auth_object_is_for_its_organization(standin: StandIn, client: Client) -> None:
    with session_of(client, organization=Organization(parent=PARENT, child=OTHER_CHILD)) as session:
        assert session.get(standin.api_url).json()["childOrganizationNumber"] == OTHER_CHILD


@pytest.mark.parametrize("path", ["x?a=b#c", "a%c3%a6", "a b", "~user", "a+b", "a/./b/../c", "%41", "a,b;c=d:e@f!$&'()*"])
def test_htu_is_what_the_server_sees(standin: StandIn, session: requests.Session, path: str) -> None:
    assert session.get(f"{standin.api_base}/{path}").status_code == 200
    exchange = standin.exchanges("api")[0]
    assert exchange.claims["proof"]["htu"] == standin.api.origin + exchange.target.partition("?")[0]


@pytest.mark.parametrize("url", WRITTEN)
def test_htu_names_the_server_as_the_host_header_will(session: requests.Session, url: str) -> None:
    request = session.prepare_request(requests.Request("GET", url))
    assert read_jws(request.headers["DPoP"])[1]["htu"] == WRITTEN[url]
    assert request.url == f"{WRITTEN[url]}{url[url.index('?') :] if '?' in url else ''}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_not_followed(
    standin: StandIn, session: requests.Session, start_standin: Callable[..., StandIn], status: int
) -> None:
    elsewhere = start_standin()
    standin.api.fail_next("api", faults.Redirect(elsewhere.api_url, status))
    with pytest.raises(Refused) as raised:
        session.post(standin.api_url, data=b"about a person")
    assert (raised.value.code, raised.value.status) == ("api.refused.redirect", status)
    assert elsewhere.received == []


class RedirectWithToken:
    """Redirects to a URL that has the token in it."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def carry_out(self, wire: Wire, _handle: faults.Handle, deliver: faults.Deliver) -> None:
        """Repeat what the request has."""
        token = self._standin.exchanges("api")[-1].values("Authorization")[0].removeprefix("DPoP ")
        wire.send(deliver(messages.Response(302, (("Location", f"https://elsewhere.example/?token={token}"),))))


def test_the_error_of_a_redirect_shows_no_token(standin: StandIn, session: requests.Session) -> None:
    standin.api.fail_next("api", RedirectWithToken(standin))
    with pytest.raises(Refused) as raised:
        session.get(standin.api_url)
    shown = f"{raised.value} {raised.value.api_response}"
    assert "https://elsewhere.example/?token=[redacted]" in shown
    assert not [secret for secret in standin.secrets() if secret in shown]


def test_a_redirect_on_the_same_host_is_refused_too(standin: StandIn, session: requests.Session) -> None:
    standin.api.fail_next("api", faults.Redirect("/machine-clients/greetings"))
    with pytest.raises(Refused):
        session.get(standin.api_url)
    assert made(standin) == COLD


@pytest.mark.parametrize("url", ["http://api.example.no/x", "http://192.0.2.1/x", "https://user:word@api.example.no/x"])
def test_no_token_is_sent_to_an_unsafe_url(standin: StandIn, session: requests.Session, url: str) -> None:
    with pytest.raises(InvalidInvocation, match="No token is sent there"):
        session.get(url)
    assert made(standin) == {}


@pytest.mark.parametrize("path", ["other-clients/x", "", "machine-clients-2/x"])
def test_an_auth_object_for_one_api_is_for_no_other(standin: StandIn, client: Client, path: str) -> None:
    with session_of(client, below=standin.api_base) as session:
        assert session.get(standin.api_url).status_code == 200
        with pytest.raises(InvalidInvocation, match="for one API"):
            session.get(f"{standin.api.origin}/{path}")
    assert made(standin) == COLD


def test_a_file_is_read_again_from_where_it_stood(demanding: StandIn, key_file: Path) -> None:
    file = io.BytesIO(b"skipped,sent")
    file.seek(8)
    with session_of(make_client(demanding, key_file)) as session:
        assert session.put(f"{demanding.api_base}/x", data=file).json()["body"] == "sent"
    assert [each.body for each in demanding.exchanges("api")] == [b"sent"] * 2


def test_a_stream_is_sent_once(demanding: StandIn, key_file: Path) -> None:
    with session_of(make_client(demanding, key_file)) as session:
        with pytest.raises(InvalidInvocation, match="stream that cannot be read again"):
            session.post(f"{demanding.api_base}/x", data=Stream(b"once"))
        assert session.post(f"{demanding.api_base}/x", data=Stream(b"once")).json()["body"] == "once"
    assert [each.body for each in demanding.exchanges("api")] == [b"once"] * 2


def test_a_library_that_repeats_a_request_gets_a_fresh_proof(standin: StandIn, session: requests.Session) -> None:
    session.mount("http://", HTTPAdapter(max_retries=Retry(1, status_forcelist=[503], backoff_factor=0)))
    standin.api.fail_next("api", faults.Status(503, handled=True))
    assert session.get(standin.api_url).status_code == 200
    repeated, used, fresh = jtis(standin)
    assert repeated == used != fresh


def test_a_prepared_request_can_be_sent_again(standin: StandIn, session: requests.Session) -> None:
    request = session.prepare_request(requests.Request("GET", standin.api_url))
    assert [session.send(request).status_code for _ in range(3)] == [200] * 3
    assert made(standin) == {**COLD, "api": 5}


def test_a_proof_that_is_never_accepted_is_replaced_once(standin: StandIn, session: requests.Session) -> None:
    refusal = faults.Status(401, "", (("WWW-Authenticate", 'DPoP error="invalid_dpop_proof"'),))
    standin.api.fail_always("api", refusal)
    assert session.get(standin.api_url).status_code == 401
    assert made(standin) == {**COLD, "api": 2}


def test_cookies_of_a_challenge_come_with_the_repetition(demanding: StandIn, key_file: Path) -> None:
    demanding.api.fail_next("api", WithHeaders((("Set-Cookie", "affinity=one"),)))
    with session_of(make_client(demanding, key_file)) as session:
        session.get(demanding.api_url)
    assert [each.values("Cookie") for each in demanding.exchanges("api")] == [[], ["affinity=one"]]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.Status(503), Unavailable),
        (faults.Status(400, json.dumps({"error": "invalid_client"}), (), "application/json"), Refused),
    ],
)
def test_a_token_that_cannot_be_had_is_an_error_of_ours(
    standin: StandIn, session: requests.Session, fault: faults.Fault, error: type[HelseidFnError]
) -> None:
    standin.helseid.fail_always("token", fault)
    with pytest.raises(error):
        session.get(standin.api_url)
    assert standin.count("api") == 0


def test_a_deep_copy_shares_the_tokens(standin: StandIn, client: Client) -> None:
    auth = client.auth()
    for each in (auth, copy.deepcopy(auth)):
        assert requests.get(standin.api_url, auth=each, timeout=10).status_code == 200
    assert made(standin) == {**COLD, "api": 2}


def test_an_auth_object_shows_no_secret(standin: StandIn, client: Client) -> None:
    auth = client.auth()
    requests.get(standin.api_url, auth=auth, timeout=10)
    assert not [secret for secret in standin.secrets() if secret in f"{auth!r} {auth} {vars(auth)}"]
