"""The client key from AWS's Lambda extension, and what happens when its cache keeps an old key."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from helseid_fn.context import Context
from helseid_fn.secret_store.aws.extension import MAX_NOT_READY_RETRIES
from helseid_fn.secret_store.reader import open_reader
from standin import StandIn, make_jwk, public_jwk
from standin.aws.secrets_manager import CREDENTIALS, SESSION_TOKEN, Extension, SecretsManager
from standin.aws.server import App, Environ, StartResponse, drip, raw, respond, slow
from tests.conftest import MovableClock
from tests.support.deployment import OTHER_UNIT, PARENT, Function, assertions, at_once, client_of, fragments_of, made

SIGNED_IN = {"metadata": 1, "token": 2, "api": 1}
NOT_READY = respond(400, b"not ready to serve traffic, please wait", "text/plain")
THIRD_UNIT = {"organization": {"parent": PARENT}}


def from_there(members: dict[str, Any]) -> App:
    """Return a fault that responds with these members and the ARN of the requested secret."""

    def respond(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        (arn,) = parse_qs(environ["QUERY_STRING"])["secretId"]
        return respond(200, {"ARN": arn, **members})(environ, start_response)

    return respond


@pytest.fixture
def manager() -> Iterator[SecretsManager]:
    with SecretsManager() as manager:
        yield manager


@pytest.fixture
def extension(manager: SecretsManager, clock: MovableClock) -> Iterator[Extension]:
    with Extension(manager, clock) as extension:
        yield extension


@pytest.fixture
def arn(manager: SecretsManager, jwk: dict[str, Any]) -> str:
    """Return the address of the secret that contains the client key."""
    return manager.add(json.dumps(jwk))


@pytest.fixture
def reading(extension: Extension, arn: str, standin: StandIn, deploy: Callable[..., Function]) -> Function:
    """Return a function with the extension running beside it."""
    return deploy(standin, **extension.environment(arn))


def test_the_extension_serves_the_key_without_the_api(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn
) -> None:
    response = reading.call()
    assert (response.status_code, (response.json or {})["requests"]["secret_store"]) == (200, 1)
    assert [parse_qs(query) for query in extension.reads] == [{"secretId": [arn], "versionStage": ["AWSCURRENT"]}]
    assert manager.reads == []
    assert made(standin) == SIGNED_IN


def test_a_binary_secret_comes_from_the_extension_as_well(
    manager: SecretsManager, extension: Extension, standin: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    arn = manager.add(json.dumps(jwk).encode())
    assert deploy(standin, **extension.environment(arn)).call().status_code == 200
    assert (len(extension.reads), manager.reads) == (1, [])


def test_a_stage_and_an_id_are_passed_on(
    manager: SecretsManager, extension: Extension, arn: str, standin: StandIn, deploy: Callable[..., Function]
) -> None:
    manager.replace(arn, "not a key")
    old_id = manager.client.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["VersionId"]
    for tail in ("::AWSPREVIOUS:", f":::{old_id}"):
        assert deploy(standin, **extension.environment(arn + tail)).call().status_code == 200
    asked = [{"secretId": [arn], "versionStage": ["AWSPREVIOUS"]}, {"secretId": [arn], "versionId": [old_id]}]
    assert [parse_qs(query) for query in extension.reads] == asked
    assert manager.reads == []


def test_boto3_is_not_imported_while_the_extension_serves(reading: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "helseid_fn.secret_store.aws.secret", raising=False)
    assert reading.call().status_code == 200


def test_a_session_token_that_changes_is_sent_as_it_is_now(
    manager: SecretsManager, extension: Extension, reading: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading.call()
    extension.session_token = "another"
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another")
    assert reading.call(OTHER_UNIT).status_code == 200
    assert (len(extension.reads), manager.reads) == (2, [])


def test_an_extension_that_is_starting_is_called_again(
    manager: SecretsManager, extension: Extension, reading: Function
) -> None:
    extension.fail_next(NOT_READY, times=MAX_NOT_READY_RETRIES)
    assert reading.call().status_code == 200
    assert (len(extension.reads), manager.reads) == (MAX_NOT_READY_RETRIES + 1, [])


def test_an_extension_that_never_starts_gives_way_to_the_api(
    manager: SecretsManager, extension: Extension, reading: Function
) -> None:
    extension.fail_always(NOT_READY)
    response = reading.call()
    assert (response.status_code, len(extension.reads), len(manager.reads)) == (200, MAX_NOT_READY_RETRIES + 1, 1)
    assert (response.json or {})["requests"]["secret_store"] == MAX_NOT_READY_RETRIES + 2


@pytest.mark.parametrize(
    "fault",
    [
        respond(400, {"Code": "AccessDeniedException"}),
        respond(401, b""),
        respond(404, b""),
        respond(500, b"<html>"),
        respond(200, b""),
        respond(200, b"<html>"),
        respond(200, []),
        respond(200, b"[" * 100_000),
        from_there({"SecretString": None}),
        from_there({"SecretBinary": "*"}),
        from_there({"SecretString": "x" * 65537}),
        from_there({"SecretString": "\ud800"}),
        respond(200, b"x" * 2_000_000),
        raw(b""),
        raw(b"220 smtp ready\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    ],
)
def test_any_other_response_leaves_the_read_to_the_api(
    manager: SecretsManager, extension: Extension, reading: Function, fault: App
) -> None:
    extension.fail_always(fault)
    assert reading.call().status_code == 200
    assert (len(extension.reads), len(manager.reads)) == (1, 1)


@pytest.mark.parametrize("fault", [slow(1, NOT_READY), drip(1)], ids=["silent", "dripping"])
def test_a_slow_extension_leaves_time_for_the_api(
    manager: SecretsManager, extension: Extension, reading: Function, fault: App
) -> None:
    extension.stop()
    assert reading.call().status_code == 200
    extension.start()
    extension.fail_always(fault)
    reading.set_deadline(1)
    assert reading.call(OTHER_UNIT).status_code == 200
    assert (len(extension.reads), len(manager.reads)) == (1, 2)


@pytest.mark.parametrize("served", [True, False])
def test_no_key_and_no_session_token_is_shown(
    extension: Extension,
    arn: str,
    standin: StandIn,
    deploy: Callable[..., Function],
    jwk: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    *,
    served: bool,
) -> None:
    if not served:
        extension.fail_always(respond(200, json.dumps({"ARN": arn, "SecretString": json.dumps(jwk)}).encode()[:-2]))
    text = deploy(standin, **extension.environment(arn), LOG_LEVEL="DEBUG").call().get_data(as_text=True)
    written = capsys.readouterr()
    secrets = fragments_of([*standin.secrets(), *CREDENTIALS.values(), SESSION_TOKEN], jwk)
    assert not [piece for piece in secrets if piece in text + written.out + written.err]
    assert len(extension.reads) == 1


def test_without_an_extension_only_the_api_is_called(manager: SecretsManager, extension: Extension, reading: Function) -> None:
    extension.stop()
    response = reading.call()
    assert (response.status_code, (response.json or {})["requests"]["secret_store"]) == (200, 1)
    assert (extension.reads, len(manager.reads)) == ([], 1)


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "²"])
def test_an_invalid_port_means_no_extension(
    manager: SecretsManager, extension: Extension, reading: Function, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port)
    assert reading.call().status_code == 200
    assert (extension.reads, len(manager.reads)) == ([], 1)


def test_without_a_session_token_no_extension_is_called(
    manager: SecretsManager, extension: Extension, reading: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    assert reading.call().status_code == 200
    assert (extension.reads, len(manager.reads)) == ([], 1)


def test_the_extension_is_reached_without_proxy(
    manager: SecretsManager, extension: Extension, reading: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert reading.call().status_code == 200
    assert (len(extension.reads), manager.reads) == (1, [])


def replace_key(manager: SecretsManager, standin: StandIn, arn: str, jwk: dict[str, Any]) -> dict[str, Any]:
    """Replace the client key in its secret and at HelseID, which no longer knows the old one."""
    next_jwk = make_jwk(jwk["alg"], number=1)
    manager.replace(arn, json.dumps(next_jwk))
    standin.register(client_of(next_jwk))
    return next_jwk


def kids(standin: StandIn) -> list[str]:
    return [assertion["header"]["kid"] for assertion in assertions(standin)]


def test_a_key_cached_for_too_long_is_read_again_from_the_api(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    reading.call()
    next_jwk = replace_key(manager, standin, arn, jwk)
    response = reading.call(OTHER_UNIT)
    assert (response.status_code, (response.json or {})["requests"]["secret_store"]) == (200, 2)
    assert (len(extension.reads), manager.reads) == (2, [{"SecretId": arn, "VersionStage": "AWSCURRENT"}])
    assert kids(standin) == [jwk["kid"]] * 3 + [next_jwk["kid"]]
    assert made(standin) == {"metadata": 1, "token": 4, "api": 2}


def test_many_threads_find_a_stale_cache_once(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    reading.call()
    replace_key(manager, standin, arn, jwk)
    assert at_once(16, lambda: reading.call(OTHER_UNIT).status_code) == [200] * 16
    assert (len(extension.reads), len(manager.reads)) == (2, 1)
    assert made(standin) == {"metadata": 1, "token": 4, "api": 17}


def test_a_stale_cache_is_trusted_again_once_it_has_a_new_key(
    manager: SecretsManager,
    extension: Extension,
    arn: str,
    reading: Function,
    standin: StandIn,
    jwk: dict[str, Any],
    clock: MovableClock,
) -> None:
    reading.call()
    next_jwk = replace_key(manager, standin, arn, jwk)
    reading.call(OTHER_UNIT)
    standin.reset_record()
    assert reading.call(THIRD_UNIT).status_code == 200
    assert (kids(standin), len(manager.reads)) == ([next_jwk["kid"]], 2)
    clock.move(300)
    standin.revoke_tokens()
    assert reading.call(THIRD_UNIT).status_code == 200
    assert (len(extension.reads), len(manager.reads)) == (4, 2)


def test_tokens_of_the_new_key_stay_cached_beside_a_stale_cache(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    reading.call()
    replace_key(manager, standin, arn, jwk)
    reading.call(OTHER_UNIT)
    reading.call(THIRD_UNIT)
    standin.reset_record()
    assert [reading.call(unit).status_code for unit in (OTHER_UNIT, THIRD_UNIT)] == [200, 200]
    assert made(standin) == {"api": 2}
    assert len(extension.reads) == 3


def test_a_client_refused_with_the_newest_key_is_final(
    manager: SecretsManager, extension: Extension, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    standin.register(client_of(jwk, jwks=[public_jwk(make_jwk(jwk["alg"], number=1))]))
    response = reading.call()
    assert (response.status_code, (response.json or {})["code"]) == (502, "helseid.refused.invalid_client")
    assert (len(extension.reads), len(manager.reads)) == (1, 1)
    assert made(standin) == {"metadata": 1, "token": 1}


def test_a_newer_key_that_is_refused_too_is_final(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    reading.call()
    replace_key(manager, standin, arn, jwk)
    standin.register(client_of(jwk, jwks=[public_jwk(make_jwk(jwk["alg"], number=2))]))
    response = reading.call(OTHER_UNIT)
    assert (response.status_code, (response.json or {})["code"]) == (502, "helseid.refused.invalid_client")
    assert (len(extension.reads), len(manager.reads)) == (2, 1)
    assert made(standin) == {"metadata": 1, "token": 4, "api": 1}


def test_a_version_named_by_its_id_is_never_stale(
    manager: SecretsManager,
    extension: Extension,
    arn: str,
    standin: StandIn,
    deploy: Callable[..., Function],
    jwk: dict[str, Any],
) -> None:
    old_id = manager.client.get_secret_value(SecretId=arn)["VersionId"]
    replace_key(manager, standin, arn, jwk)
    response = deploy(standin, **extension.environment(f"{arn}:::{old_id}")).call()
    assert (response.json or {})["code"] == "helseid.refused.invalid_client"
    assert (len(extension.reads), manager.reads) == (1, [])


def test_another_refusal_by_helseid_reads_nothing_again(
    manager: SecretsManager, extension: Extension, reading: Function
) -> None:
    response = reading.call({"organization": {"parent": "974557746"}})
    assert (response.json or {})["code"] == "helseid.refused.invalid_request"
    assert (len(extension.reads), manager.reads) == (1, [])


def test_a_fresh_read_goes_past_the_cache(
    manager: SecretsManager, extension: Extension, arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = extension.environment(arn)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    reader = open_reader(arn, environ=environment)
    older = reader.read(Context(25))
    manager.replace(arn, "newer")
    assert reader.read(Context(25)) == older
    assert older.from_cache
    newer = reader.read(Context(25), fresh=True)
    assert (newer.text, newer.from_cache) == ("newer", False)
    assert (len(extension.reads), len(manager.reads)) == (2, 1)


def test_a_broken_cached_key_is_read_again_from_the_api(
    manager: SecretsManager, extension: Extension, standin: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    arn = manager.add("not a key")
    function = deploy(standin, **extension.environment(arn))
    assert (function.call().json or {})["code"] == "signing_key.not_json"
    manager.replace(arn, json.dumps(jwk))
    assert function.call().status_code == 200
    assert (len(extension.reads), len(manager.reads)) == (2, 2)
    assert made(standin) == SIGNED_IN


@pytest.mark.parametrize("members", [{}, {"ARN": "arn:aws:secretsmanager:eu-north-1:123456789012:secret:another-AbCdEf"}])
def test_another_secret_than_the_requested_one_is_not_used(
    manager: SecretsManager,
    extension: Extension,
    arn: str,
    standin: StandIn,
    deploy: Callable[..., Function],
    members: dict[str, str],
) -> None:
    version_id = manager.client.get_secret_value(SecretId=arn)["VersionId"]
    extension.fail_always(respond(200, {**members, "SecretString": json.dumps(make_jwk("ES256", number=1))}))
    assert deploy(standin, **extension.environment(f"{arn}:::{version_id}")).call().status_code == 200
    assert (len(extension.reads), len(manager.reads)) == (1, 1)
    assert made(standin) == SIGNED_IN
