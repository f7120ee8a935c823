"""A key that was replaced in its store signs the next token request, without a restart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from standin import StandIn, make_jwk, public_jwk
from tests.support.deployment import (
    OTHER_UNIT,
    PARENT,
    Function,
    assertions,
    client_of,
    every_algorithm,
    log_lines,
    made,
    proofs,
)

SECRET = "projects/p/secrets/helseid-key"
THIRD_UNIT = {"organization": {"parent": PARENT}}


@pytest.fixture
def next_jwk(jwk: dict[str, Any]) -> dict[str, Any]:
    """Return the key that replaces the client key."""
    return make_jwk(jwk["alg"], number=1)


@pytest.fixture
def both_keys(start_standin: Callable[..., StandIn], jwk: dict[str, Any], next_jwk: dict[str, Any]) -> StandIn:
    """Return a stand-in at which both keys are registered, as they are while keys are replaced."""
    standin = start_standin(client_of(jwk, jwks=[public_jwk(jwk), public_jwk(next_jwk)]), secret_manager=True)
    standin.secret_manager.add(SECRET, json.dumps(jwk))
    return standin


def kids(standin: StandIn) -> list[str]:
    return [assertion["header"]["kid"] for assertion in assertions(standin)]


def test_a_key_replaced_in_its_file_is_used_by_the_next_token(
    both_keys: StandIn, deploy: Callable[..., Function], key_file: Path, jwk: dict[str, Any], next_jwk: dict[str, Any]
) -> None:
    function = deploy(both_keys)
    function.call()
    key_file.write_text(json.dumps(next_jwk))
    assert function.call(OTHER_UNIT).status_code == 200
    assert kids(both_keys) == [jwk["kid"], jwk["kid"], next_jwk["kid"]]
    assert made(both_keys) == {"metadata": 1, "token": 3, "api": 2}


@every_algorithm
def test_a_rotated_key_is_picked_up_without_a_restart(
    both_keys: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any], next_jwk: dict[str, Any]
) -> None:
    function = deploy(both_keys, HELSEID_KEY=f"{SECRET}/versions/latest")
    function.call()
    both_keys.secret_manager.add(SECRET, json.dumps(next_jwk))
    assert function.call(OTHER_UNIT).status_code == 200
    assert kids(both_keys) == [jwk["kid"], jwk["kid"], next_jwk["kid"]]
    assert made(both_keys) == {"access": 2, "metadata": 1, "token": 3, "api": 2}


def test_a_cached_token_keeps_its_proof_key_when_the_key_changes(
    both_keys: StandIn, deploy: Callable[..., Function], key_file: Path, next_jwk: dict[str, Any]
) -> None:
    function = deploy(both_keys)
    function.call()
    key_file.write_text(json.dumps(next_jwk))
    assert function.call().status_code == 200
    first, second = proofs(both_keys, "api")
    assert first["header"]["jwk"] == second["header"]["jwk"]
    assert made(both_keys) == {"metadata": 1, "token": 2, "api": 2}


def test_after_a_rejected_token_the_replaced_key_is_used(
    both_keys: StandIn, deploy: Callable[..., Function], key_file: Path, jwk: dict[str, Any], next_jwk: dict[str, Any]
) -> None:
    function = deploy(both_keys)
    function.call()
    key_file.write_text(json.dumps(next_jwk))
    both_keys.revoke_tokens()
    assert function.call().status_code == 200
    assert kids(both_keys) == [jwk["kid"], jwk["kid"], next_jwk["kid"]]
    assert made(both_keys) == {"metadata": 1, "token": 3, "api": 3}


def test_a_new_key_is_used_as_soon_as_helseid_knows_it(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    key_file: Path,
    jwk: dict[str, Any],
    next_jwk: dict[str, Any],
) -> None:
    standin = start_standin()
    function = deploy(standin)
    key_file.write_text(json.dumps(next_jwk))
    responses = [function.call()]
    standin.register(client_of(next_jwk))
    responses.append(function.call())
    assert [response.status_code for response in responses] == [502, 200]
    assert jwk["kid"] not in kids(standin)
    assert made(standin) == {"metadata": 1, "token": 3, "api": 1}


def test_a_broken_new_key_is_named_and_read_again_once_mended(
    standin: StandIn, function: Function, key_file: Path, jwk: dict[str, Any]
) -> None:
    key_file.write_text(json.dumps(public_jwk(jwk)))
    refused = function.call()
    assert (refused.status_code, (refused.json or {})["code"]) == (500, "signing_key.public_only")
    assert made(standin) == {}
    key_file.write_text(json.dumps(jwk))
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@every_algorithm
def test_a_key_without_a_kid_is_used_with_one_warning(
    standin: StandIn,
    function: Function,
    key_file: Path,
    jwk: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    key_file.write_text(json.dumps({name: value for name, value in jwk.items() if name != "kid"}))
    responses = [function.call(unit).status_code for unit in (None, OTHER_UNIT, THIRD_UNIT)]
    assert responses == [200, 200, 200]
    warnings = [line for line in log_lines(capsys.readouterr().out) if line["severity"] == "WARNING"]
    assert len(warnings) == 1
    assert "kid" in warnings[0]["message"]
    assert made(standin) == {"metadata": 1, "token": 4, "api": 3}
