"""What may stand in place of a plain JWK, through the whole function: any kid, a client configuration, a mount that hangs."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helseid_fn.secret_store.file import FileReader
from standin import StandIn, make_jwk
from tests.support.deployment import CLIENT_ID, Function, assertions, fragments_of, log_lines, made
from tests.support.rotating_function import SECRET, Deploy, RotatingFunction

UNUSUAL_KIDS = ["my key", "nøkkel \U0001f511", "https://vault.example/keys/a?b=c&d#e", 'a\nb"\\', "k" * 500]
every_kid = pytest.mark.parametrize("jwk", UNUSUAL_KIDS, indirect=True, ids=lambda kid: ascii(kid)[:20])


@pytest.fixture
def jwk(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return a private client key with the kid of the test."""
    members: dict[str, Any] = {**make_jwk("ES256"), "kid": getattr(request, "param", "my-key")}
    return members


@every_kid
def test_any_kid_is_sent_and_logged_as_it_is(
    standin: StandIn, function: Function, jwk: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert function.call().status_code == 200
    assert {each["header"]["kid"] for each in assertions(standin)} == {jwk["kid"]}
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["outcome"], line["kid"]) == ("ok", jwk["kid"])


@every_kid
def test_a_key_with_any_kid_is_rotated(rotation: RotatingFunction, jwk: dict[str, Any]) -> None:
    report = rotation.rotate()
    assert (report["status"], report["rotation"]) == (200, "rotated")
    assert rotation.standin.signing_kids() == [jwk["kid"], report["kid"]]


def configuration(jwk: dict[str, Any], issuer: str, client_id: str = CLIENT_ID) -> str:
    """Return a client configuration as Selvbetjening gives it."""
    return json.dumps({"authority": issuer, "clientId": client_id, "scopes": ["a:b/c"], "privateJwk": json.dumps(jwk)})


def test_a_client_configuration_signs_in(standin: StandIn, function: Function, key_file: Path, jwk: dict[str, Any]) -> None:
    key_file.write_text(configuration(jwk, standin.issuer))
    assert function.call().status_code == 200
    assert {each["header"]["kid"] for each in assertions(standin)} == {"my-key"}


@pytest.mark.parametrize(
    ("issuer", "client_id", "words"),
    [
        (None, "another-client", f"has the client id another-client, and HELSEID_CLIENT_ID is {CLIENT_ID}."),
        ("https://other.example", CLIENT_ID, "has the issuer https://other.example, and HELSEID_ISSUER is"),
    ],
    ids=["client id", "issuer"],
)
def test_a_configuration_of_another_client_sends_nothing(
    standin: StandIn, function: Function, key_file: Path, jwk: dict[str, Any], issuer: str | None, client_id: str, words: str
) -> None:
    key_file.write_text(configuration(jwk, issuer or standin.issuer, client_id))
    response = function.call()
    problem = response.json or {}
    assert (response.status_code, problem["code"], words in problem["detail"]) == (
        500,
        "signing_key.another_client",
        True,
    )
    assert "token" not in made(standin)
    assert not [piece for piece in fragments_of([], jwk) if piece in response.get_data(as_text=True)]


def test_a_client_configuration_is_rotated_to_a_jwk(rotation: RotatingFunction, jwk: dict[str, Any]) -> None:
    rotation.standin.secret_manager.add(SECRET, configuration(jwk, rotation.standin.issuer))
    report = rotation.rotate()
    assert (report["status"], report["rotation"]) == (200, "rotated")
    promoted = json.loads(rotation.standin.secret_manager.versions(SECRET)[-1].data)
    assert (promoted["kid"], "privateJwk" in promoted) == (report["kid"], False)
    assert (rotation.call(), rotation.standin.signing_kids()[-1]) == (200, report["kid"])


def test_a_configuration_of_another_client_is_not_rotated(deploy_rotation: Deploy, jwk: dict[str, Any]) -> None:
    rotation = deploy_rotation()
    rotation.standin.secret_manager.add(SECRET, configuration(jwk, rotation.standin.issuer, "another-client"))
    report = rotation.rotate()
    assert (report["status"], report["code"], rotation.new_keys()) == (500, "signing_key.another_client", [])


def test_a_mount_that_hangs_is_named_and_forgotten(
    standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, is_back = threading.Event(), threading.Event()

    def open_file(path: Path, flags: int) -> int:
        if not is_back.is_set():
            hangs.wait()
        return os.open(path, flags)

    monkeypatch.setattr(FileReader.__init__, "__defaults__", (open_file,))
    function = deploy(standin)
    function.set_deadline(0.5)
    try:
        responses = [function.call(), function.call()]
        is_back.set()
        function.set_deadline(20)
        recovered = function.call()
    finally:
        hangs.set()
    codes = [(response.status_code, (response.json or {})["code"]) for response in responses]
    assert codes == [(504, "secret_manager.deadline_exceeded")] * 2
    assert recovered.status_code == 200
