"""Can another process script and observe the stand-in, and does it say where everything is?"""

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo.processes import Process, start_standin
from standin import Client, StandIn, make_jwk, public_jwk, record
from standin.forger import CLIENT_ID, NOW, Forger
from standin.narration import narrate

SECRET = "projects/p/secrets/key"
KEY = make_jwk("ES256")
NEW = make_jwk("ES256", number=3)

Control = Callable[..., Any]


def control_of(issuer: str) -> Control:
    def control(method: str, verb: str, **arguments: Any) -> Any:
        body = json.dumps(arguments).encode() if method == "POST" else None
        request = urllib.request.Request(f"{issuer}/__standin/{verb}", body, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["result"]

    return control


@pytest.fixture
def forger() -> Iterator[Forger]:
    """Provide a stand-in with a control channel, a secret manager and a stopped clock."""
    clients = [Client(client_id=CLIENT_ID, jwks=[public_jwk(KEY)])]
    with StandIn(clients, control=True, secret_manager=True, clock=lambda: float(NOW)) as standin:
        yield Forger(standin, "ES256")


@pytest.fixture
def control(forger: Forger) -> Control:
    """Provide the channel."""
    return control_of(forger.standin.issuer)


def test_the_channel_lists_registered_keys(forger: Forger, control: Control) -> None:
    control("POST", "selvbetjening-settings", activation_seconds=2)
    forger.exchange(forger.registration(public_jwk(NEW)))
    given, new = control("GET", "registered-keys")
    assert (given["origin"], given["active_at"], given["expires_at"]) == ("Gui", None, None)
    assert new == {
        "client_id": CLIENT_ID,
        "kid": NEW["kid"],
        "thumbprint": NEW["kid"],
        "alg": "ES256",
        "origin": "Api",
        "active_at": "2027-01-15T08:00:02+00:00",
        "expires_at": "2027-07-14T08:00:00+00:00",
        "posted": 1,
    }


def test_a_key_can_be_made_to_expire(forger: Forger, control: Control) -> None:
    control("POST", "expire-key", kid=KEY["kid"])
    exchange = forger.exchange(forger.token_request())
    assert exchange.refusal
    assert exchange.refusal.detail == "the registered key has expired"


def test_the_channel_lists_the_keys_that_signed(forger: Forger, control: Control) -> None:
    forger.exchange(forger.token_request())
    assert control("GET", "signing-kids") == [KEY["kid"]]


def test_the_channel_lists_versions_without_their_payload(forger: Forger, control: Control) -> None:
    manager = forger.standin.secret_manager
    for jwk in (KEY, NEW):
        manager.add(SECRET, json.dumps(jwk))
    manager.destroy(f"{SECRET}/versions/1")
    made = {"created_at": "2027-01-15T08:00:00+00:00"}
    assert control("GET", "secret-versions") == [
        {"name": f"{SECRET}/versions/1", "state": "DESTROYED", "kid": None, "private": False, **made},
        {"name": f"{SECRET}/versions/2", "state": "ENABLED", "kid": NEW["kid"], "private": True, **made},
    ]


def test_selvbetjening_can_fail_and_stop(forger: Forger, control: Control) -> None:
    arguments = {"status": 503, "headers": [["Retry-After", "1"]]}
    control("POST", "fail-next", party="selvbetjening", fault="Status", arguments=arguments)
    exchange = forger.exchange(forger.registration(public_jwk(NEW)))
    assert (exchange.status, dict(exchange.response_headers)["Retry-After"]) == (503, "1")
    control("POST", "stop", party="selvbetjening")
    with pytest.raises(ConnectionRefusedError):
        forger.registration(public_jwk(NEW)).send()
    control("POST", "start", party="selvbetjening")
    assert forger.exchange(forger.registration(public_jwk(NEW))).status == 200


@pytest.mark.parametrize(
    ("verb", "arguments", "says"),
    [
        ("fail-next", {"party": "nobody", "fault": "Status"}, "helseid, api, selvbetjening, secret_manager"),
        ("fail-next", {"party": "selvbetjening", "fault": "Fail"}, "Status, Problem, Redirect"),
        ("selvbetjening-settings", {"unknown": 1}, "there is no setting unknown; choose from audience"),
        ("expire-key", {"kid": "nobody"}, "there is no registered key with the kid nobody"),
        ("rotate-nonces", {}, "rotate-nonces needs party"),
        ("rotate-nonces", {"party": "secret_manager"}, "helseid, api, selvbetjening"),
        ("fail-next", {"fault": "Redirect"}, "arguments must be those of Redirect: location, status"),
        ("override", {"party": "secret_manager", "kind": "access"}, "cannot be overridden"),
        ("stop", {}, "stop needs party"),
        ("stop", {"party": "helseid"}, "HelseID cannot be stopped"),
        ("start", {"party": "nobody"}, "there is no party nobody"),
    ],
)
def test_an_impossible_order_is_reported(control: Control, verb: str, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        control("POST", verb, **arguments)
    with caught.value as response:
        assert response.code == 400
        assert says in json.load(response)["error"]
    assert control("GET", "signing-kids") == []


def test_a_planned_fault_is_narrated_by_its_status(forger: Forger, control: Control) -> None:
    control("POST", "fail-next", fault="Status", arguments={"status": 503})
    assert "  ⇒  503, as planned by fail-next  (" in narrate(forger.exchange(forger.token_request()))


def test_the_record_keeps_the_newest(forger: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MAX_EXCHANGES", 3)
    numbers = [forger.exchange(forger.call()).number for _ in range(5)]
    assert [exchange.number for exchange in forger.standin.received] == numbers[2:]


@pytest.fixture
def process() -> Iterator[tuple[Process, dict[str, str]]]:
    """Provide the stand-in as people start it."""
    process, environment = start_standin("--alg", "ES256", "--control", "--key-lifetime", "3600")
    yield process, environment
    process.signal(signal.SIGTERM)
    status = process.wait()
    process.stop()
    assert status == 0


def test_a_process_prints_its_addresses(process: tuple[Process, dict[str, str]]) -> None:
    _, environment = process
    assert environment["HELSEID_PENDING_KEY"] == "projects/stand-in/secrets/helseid-key-pending"
    assert environment["HELSEID_SCOPE"] == "nhn:test-public-samplecode/client-credentials"
    control = control_of(environment["HELSEID_ISSUER"])
    (version,) = control("GET", "secret-versions")
    (key,) = control("GET", "registered-keys")
    assert f"{environment['HELSEID_KEY'].removesuffix('latest')}1" == version["name"]
    assert (version["kid"], version["private"]) == (key["kid"], True)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{environment['SELVBETJENING_URL']}/v1/client-secret", timeout=10)
    with caught.value as response:
        assert (response.code, response.headers["WWW-Authenticate"]) == (401, 'DPoP error="invalid_token"')
