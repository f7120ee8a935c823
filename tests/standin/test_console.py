"""The console's server: whom it serves, what it sends, and that no secret is among it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import ECKey

from standin import StandIn, jose, make_jwk
from standin.console.server import Console
from standin.forger import CLIENT_ID as FORGERS_CLIENT
from standin.forger import Forger
from tests.support.deployment import CLIENT_ID, client_of, fragments_of


@pytest.fixture
def standin(jwk: dict[str, Any]) -> Iterator[StandIn]:
    with StandIn([client_of(jwk)], console=True) as standin:
        yield standin


class Browser:
    """Sends requests to the console as a browser does."""

    def __init__(self, standin: StandIn) -> None:
        self.host = urlsplit(standin.console_url).netloc
        self.connection = http.client.HTTPConnection(self.host, timeout=10)

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> HTTPResponse:
        """Send a request; `Content_Type` is the header Content-Type."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, named)
        return self.connection.getresponse()

    def get(self, path: str = "/", **headers: str) -> tuple[int, bytes]:
        response = self.request("GET", path, **headers)
        return response.status, response.read()

    def inspect(self, text: str) -> dict[str, Any]:
        response = self.request("POST", "/inspect", json.dumps({"text": text}).encode(), Content_Type="application/json")
        found: dict[str, Any] = json.loads(response.read())
        return found

    def events(self, count: int) -> list[dict[str, Any]]:
        """Read so many server-sent events."""
        response = self.request("GET", "/exchanges")
        assert response.headers["Content-Type"] == "text/event-stream"
        found: list[dict[str, Any]] = []
        while len(found) < count:
            line = response.readline()
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
        self.connection.close()
        return found


@pytest.fixture
def browser(standin: StandIn) -> Iterator[Browser]:
    browser = Browser(standin)
    yield browser
    browser.connection.close()


@pytest.mark.parametrize("path", ["/", "/console.css", "/console.js"])
def test_the_page_and_its_files_are_served_with_a_strict_policy(browser: Browser, path: str) -> None:
    response = browser.request("GET", path)
    assert (response.status, len(response.read()) > 500) == (200, True)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/none", "/../server.py", "/page/index.html", "/inspect"])
def test_nothing_else_is_served(browser: Browser, path: str) -> None:
    assert browser.get(path)[0] == 404


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1", "127.0.0.1:1", "evil.127.0.0.1.nip.io", ""])
def test_another_name_for_this_machine_is_refused(browser: Browser, host: str) -> None:
    assert browser.get("/exchanges", Host=host)[0] == 403


def test_localhost_is_a_name_of_it(browser: Browser) -> None:
    assert browser.get("/", Host=browser.host.replace("127.0.0.1", "localhost"))[0] == 200


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}])
@pytest.mark.parametrize("path", ["/exchanges", "/inspect", "/"])
def test_another_page_is_refused(browser: Browser, path: str, headers: dict[str, str]) -> None:
    assert browser.get(path, **headers)[0] == 403


def test_a_form_of_another_page_inspects_nothing(browser: Browser) -> None:
    assert browser.request("POST", "/inspect", b'{"text": "x"}', Content_Type="text/plain").status == 415


@pytest.mark.parametrize("body", [b"", b"[]", b'{"text": 1}', json.dumps({"text": "x" * 60_001}).encode()])
def test_what_is_no_text_is_refused(browser: Browser, body: bytes) -> None:
    assert browser.request("POST", "/inspect", body, Content_Type="application/json").status == 400


def test_an_exchange_is_sent_with_the_checks_that_it_passed(standin: StandIn, browser: Browser) -> None:
    forger = Forger(standin, "ES256")
    standin.register(client_of(forger.client_key, client_id=FORGERS_CLIENT))
    assert forger.token_request().send().status == 200
    (event,) = browser.events(1)
    assert (event["party"], event["kind"], event["status"], event["refusal"]) == ("helseid", "token", 200, None)
    assert event["checks"][0] == "the request is a POST of a form"
    assert event["checks"][-1] == "the client has every scope that it requests"
    assert sum(check.startswith("the assertion") for check in event["checks"]) == 8
    assert sum(check.startswith("the proof") for check in event["checks"]) == 5


def test_a_refusal_ends_the_checks(standin: StandIn, browser: Browser) -> None:
    forger = Forger(standin, "ES256")
    standin.register(client_of(make_jwk("ES256", number=7), client_id=FORGERS_CLIENT))
    assert forger.token_request().send().status == 400
    (event,) = browser.events(1)
    assert event["refusal"]["error"] == "invalid_client"
    assert event["refusal"]["detail"] == "the assertion's kid is not registered for this client"
    assert event["checks"][-1] == "the assertion's typ is client-authentication+jwt, and its alg ES256"


def test_no_credential_is_sent_to_the_page(standin: StandIn, browser: Browser) -> None:
    forger = Forger(standin, "ES256")
    standin.register(client_of(forger.client_key, client_id=FORGERS_CLIENT))
    forger.token_request().send()
    sent = json.dumps(browser.events(1))
    assert not [secret for secret in standin.secrets() if secret in sent]


def test_the_private_key_of_a_secret_is_not_sent(jwk: dict[str, Any]) -> None:
    with StandIn([client_of(jwk)], console=True, secret_manager=True) as standin:
        from helseid_fn.context import Context  # noqa: PLC0415  # Google's client is slow to import
        from helseid_fn.secret_store.google.secret import GoogleSecret  # noqa: PLC0415  # the same

        standin.secret_manager.add("projects/p/secrets/s", json.dumps(jwk))
        GoogleSecret("projects/p/secrets/s", standin.secret_manager_address).read(Context(10))
        (event,) = Browser(standin).events(1)
    assert (event["party"], event["kind"], event["response"]) == ("secret_manager", "access", None)
    assert not [piece for piece in fragments_of([], jwk) if piece in json.dumps(event)]


def assertion(standin: StandIn, jwk: dict[str, Any], **claims: Any) -> str:
    now = int(standin.clock.now())
    header = {"typ": "client-authentication+jwt", "alg": jwk["alg"], "kid": jwk["kid"]}
    whole = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": standin.issuer, "iat": now, "nbf": now, "exp": now + 5}
    return jose.sign(header, {**whole, "jti": "a-jti-of-16-characters", **claims}, ECKey.import_key(jwk))


def faults_in(found: dict[str, Any]) -> list[str]:
    return [check["text"] for check in found["checks"] if not check["ok"]]


def test_a_good_assertion_has_no_fault(standin: StandIn, browser: Browser, jwk: dict[str, Any]) -> None:
    text = assertion(standin, jwk)
    first, second = browser.inspect(text), browser.inspect(text)
    assert (first["kind"], faults_in(first), faults_in(second)) == ("client assertion", [], [])
    assert text.rpartition(".")[2] not in json.dumps(first)


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"aud": "https://elsewhere.example"}, "the assertion's aud is not the issuer"),
        ({"iss": "nobody"}, "its iss, nobody, is a registered client"),
        ({"jti": "short"}, "the assertion's jti is shorter than 16 characters"),
    ],
)
def test_the_fault_of_an_assertion_is_named(
    standin: StandIn, browser: Browser, jwk: dict[str, Any], claims: dict[str, str], fault: str
) -> None:
    assert faults_in(browser.inspect(assertion(standin, jwk, **claims))) == [fault]


def test_an_old_proof_is_told_its_age(standin: StandIn, browser: Browser, jwk: dict[str, Any]) -> None:
    public = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    claims = {"htm": "POST", "htu": "https://a.example/x?y", "jti": "1", "iat": int(standin.clock.now()) - 60, "nonce": "n"}
    found = browser.inspect(jose.sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": public}, claims, ECKey.import_key(jwk)))
    assert found["kind"] == "proof"
    assert [fault.partition(" 6")[0] for fault in faults_in(found)] == [
        "its htu is a URL without query and fragment",
        "its iat is",
    ]


def test_a_private_key_in_a_proof_is_not_shown(browser: Browser, jwk: dict[str, Any]) -> None:
    private = {name: jwk[name] for name in ("kty", "crv", "x", "y", "d")}
    found = browser.inspect(jose.sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": private}, {}, ECKey.import_key(jwk)))
    assert "its jwk is a public key" in faults_in(found)
    assert jwk["d"] not in json.dumps(found)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_jwt_is_said_to_be_none(browser: Browser, text: str) -> None:
    found = browser.inspect(text)
    assert (found["kind"], len(faults_in(found))) == (None, 1)


def test_a_stand_in_without_a_console_has_no_page() -> None:
    with StandIn() as standin, pytest.raises(RuntimeError, match="pass console=True"):
        assert standin.console_url


def test_a_reader_that_leaves_is_forgotten(standin: StandIn, browser: Browser) -> None:
    forger = Forger(standin, "ES256")
    standin.register(client_of(forger.client_key, client_id=FORGERS_CLIENT))
    forger.token_request().send()
    browser.events(1)
    for _ in range(200):
        forger.token_request().send()
        if not standin.record.listeners:
            break
    assert standin.record.listeners == []
    assert isinstance(standin._console, Console)
