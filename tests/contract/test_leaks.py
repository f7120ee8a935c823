"""Nothing that grants access appears in a response, on standard output or on standard error."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from standin import Client, StandIn, faults, make_jwk, public_jwk, secret_faults
from tests.support.deployment import CLIENT_ID, Function, every_algorithm
from tests.support.faults.secrecy import debug_logs_written, enable_debug_logs, leaks

SECRET = "projects/p/secrets/helseid-key"
JSON = "application/json"

Break = Callable[[StandIn], object]


def refuse(error: str) -> Break:
    body = json.dumps({"error": error, "error_description": "HID-1001: no"})
    return lambda standin: standin.helseid.fail_always("token", faults.Status(400, body, (), JSON))


def fail(kind: str, fault: faults.Fault, *, after: int = 0) -> Break:
    return lambda standin: (standin.api if kind == "api" else standin.helseid).fail_always(kind, fault, after=after)


def override(kind: str, members: dict[str, object]) -> Break:
    return lambda standin: standin.helseid.override(kind, members)


def fail_secret(fault: secret_faults.SecretFault) -> Break:
    return lambda standin: standin.secret_manager.fail_always("access", fault)


def echo(standin: StandIn) -> None:
    standin.api.settings.echo_credentials = True


def move_clock(standin: StandIn) -> None:
    standin.clock.move(30)


def unregister(standin: StandIn) -> None:
    standin.register(Client(client_id=CLIENT_ID, jwks=[public_jwk(make_jwk("ES256", number=7))]))


def revoke(standin: StandIn) -> None:
    standin.api.fail_always("api", faults.Status(401, b"", (("WWW-Authenticate", 'DPoP error="invalid_token"'),)))


def require_nonces(standin: StandIn) -> None:
    standin.api.settings.nonce_required = True


BREAKS: dict[str, Break] = {
    "success": lambda _: None,
    "an API that requires a nonce": require_nonces,
    "an API that echoes": echo,
    "an API that rejects every token": revoke,
    "a key that HelseID does not know": unregister,
    "a clock that is wrong": move_clock,
    "invalid_request": refuse("invalid_request"),
    "invalid_dpop_proof": refuse("invalid_dpop_proof"),
    "a Bearer token": override("token", {"token_type": "Bearer"}),
    "a lifetime of nothing": override("token", {"expires_in": 0}),
    "a narrower scope": override("token", {"scope": "x"}),
    "a rejected scope": override("token", {"rejected_scope": "x"}),
    "an error in a 200": override("token", {"error": "server_error"}),
    "another issuer": override("metadata", {"issuer": "https://elsewhere.example"}),
    "a token endpoint that is not https": override("metadata", {"token_endpoint": "http://elsewhere.example"}),
    "a token response cut short": fail("token", faults.CutShort(), after=1),
    "a token response that never comes": fail("token", faults.Close(handled=True), after=1),
    "a token endpoint that resets": fail("token", faults.Reset(handled=True), after=1),
    "a token endpoint that is down": fail("token", faults.Status(503, handled=True)),
    "a response of the API cut short": fail("api", faults.CutShort()),
    "an API that refuses": fail("api", faults.Status(403, "no")),
    "a secret manager that damages the key": fail_secret(secret_faults.CorruptPayload()),
    "a secret manager that is not allowed": fail_secret(secret_faults.Fail("PERMISSION_DENIED")),
    "a key in UTF-16": lambda standin: standin.secret_manager.add(SECRET, KEY_TEXT.encode("utf-16")),
    "a key that is cut short": lambda standin: standin.secret_manager.add(SECRET, KEY_TEXT[:-30]),
    "a key whose members do not fit": lambda standin: standin.secret_manager.add(SECRET, swapped()),
}

KEY_TEXT = json.dumps(make_jwk("PS256"))


def swapped() -> str:
    """Put the private exponent of another key into the client key."""
    return json.dumps({**make_jwk("PS256"), "d": make_jwk("PS256", number=1)["d"]})


@pytest.fixture
def debugging(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Make every library log everything to standard error until the test ends."""
    with debug_logs_written():
        yield capsys


@every_algorithm
@pytest.mark.parametrize("name", BREAKS)
def test_no_secret_appears_in_any_output(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    debugging: pytest.CaptureFixture[str],
    jwk: dict[str, Any],
    name: str,
) -> None:
    standin = start_standin(secret_manager=True)
    standin.secret_manager.add(SECRET, json.dumps(jwk))
    BREAKS[name](standin)
    address = f"{SECRET}/versions/latest"
    function = deploy(standin, HELSEID_KEY=address, LOG_LEVEL="DEBUG", API_URL=f"{standin.api_base}/echo")
    enable_debug_logs()
    responses = [function.call() for _ in range(2)]
    written = debugging.readouterr()
    shown = [response.get_data(as_text=True) + str(response.headers) for response in responses]
    keys = [jwk, make_jwk("PS256"), make_jwk("PS256", number=1)]
    assert leaks(standin, keys, *shown, written.out, written.err) == []
    assert written.err != ""
    assert standin.count("access") >= 1


def test_a_crash_with_a_key_in_its_message_shows_none(
    standin: StandIn,
    deploy: Callable[..., Function],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    key_file: Path,
    jwk: dict[str, Any],
) -> None:
    function = deploy(standin, LOG_LEVEL="DEBUG")

    def crash(*_: object, **_options: object) -> None:
        raise ValueError(key_file.read_text())

    monkeypatch.setattr(function.app.api, "exchange", crash)
    response = function.call()
    written = capsys.readouterr()
    assert response.status_code == 500
    assert leaks(standin, [jwk], response.get_data(as_text=True), written.out, written.err) == []
    assert standin.received == []


def test_the_parts_of_the_function_show_no_secret(standin: StandIn, function: Function, jwk: dict[str, Any]) -> None:
    function.call()
    app = function.app
    tokens = [slot._value for slot in app.api._tokens._slots.values()]
    parts = (app, app.api, app.api._tokens, app.transport, *app.transport._origins.values(), app.settings, *tokens)
    assert len(tokens) == 1
    assert leaks(standin, [jwk], *map(repr, parts)) == []
    assert standin.count("api") == 1
