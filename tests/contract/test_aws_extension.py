"""The client key from AWS's Lambda extension, and what becomes of a key that its cache keeps too long."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.secret_store.aws import extension as aws_extension
from helseid_fn.secret_store.reader import open_reader
from standin import StandIn, make_jwk, public_jwk
from standin.aws.secrets_manager import CREDENTIALS, SESSION_TOKEN, Extension, SecretsManager
from standin.aws.server import App, Environ, StartResponse, answer, drip, raw, slow
from tests.conftest import MovableClock
from tests.support.deployment import OTHER_UNIT, PARENT, Function, assertions, at_once, client_of, fragments_of, made, one_key

SIGNED_IN = {"metadata": 1, "token": 2, "api": 1}
NOT_READY = answer(400, b"not ready to serve traffic, please wait", "text/plain")
THIRD_UNIT = {"organization": {"parent": PARENT}}


def from_there(members: dict[str, Any]) -> App:
    """Return a fault that answers with these members of the very secret that was asked for."""

    def respond(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        (arn,) = parse_qs(environ["QUERY_STRING"])["secretId"]
        return answer(200, {"ARN": arn, **members})(environ, start_response)

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
    """Return the address of the secret that holds the client key."""
    return manager.add(json.dumps(jwk))


@pytest.fixture
def reading(extension: Extension, arn: str, standin: StandIn, deploy: Callable[..., Function]) -> Function:
    """Return a function beside which the extension runs."""
    return deploy(standin, **extension.environment(arn))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_extension, "NOT_READY_PAUSE_SECONDS", 0.001)


def test_the_extension_serves_the_key_and_the_api_is_not_asked(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn
) -> None:
    answer = reading.call()
    assert (answer.status_code, (answer.json or {})["requests"]["secret_store"]) == (200, 1)
    assert [parse_qs(query) for query in extension.reads] == [{"secretId": [arn], "versionStage": ["AWSCURRENT"]}]
    assert manager.reads == []
    assert made(standin) == SIGNED_IN


@one_key
def test_a_binary_secret_comes_from_the_extension_as_well(
    manager: SecretsManager, extension: Extension, standin: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    arn = manager.add(json.dumps(jwk).encode())
    assert deploy(standin, **extension.environment(arn)).call().status_code == 200
    assert (len(extension.reads), manager.reads) == (1, [])


@one_key
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


@one_key
def test_boto3_is_not_imported_while_the_extension_serves(reading: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "helseid_fn.secret_store.aws.reader", raising=False)
    assert reading.call().status_code == 200


@one_key
def test_a_session_token_that_changes_is_sent_as_it_is_now(
    manager: SecretsManager, extension: Extension, reading: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading.call()
    extension.session_token = "another"
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another")
    assert reading.call(OTHER_UNIT).status_code == 200
    assert (len(extension.reads), manager.reads) == (2, [])


@one_key
def test_an_extension_that_is_starting_is_asked_again(manager: SecretsManager, extension: Extension, reading: Function) -> None:
    extension.fail_next(NOT_READY, times=aws_extension.MAX_NOT_READY_RETRIES)
    assert reading.call().status_code == 200
    assert (len(extension.reads), manager.reads) == (aws_extension.MAX_NOT_READY_RETRIES + 1, [])


@one_key
def test_an_extension_that_never_starts_is_left_for_the_api(
    manager: SecretsManager, extension: Extension, reading: Function
) -> None:
    extension.fail_always(NOT_READY)
    answer = reading.call()
    assert (answer.status_code, len(extension.reads), len(manager.reads)) == (200, aws_extension.MAX_NOT_READY_RETRIES + 1, 1)
    assert (answer.json or {})["requests"]["secret_store"] == aws_extension.MAX_NOT_READY_RETRIES + 2


@pytest.mark.parametrize(
    "fault",
    [
        answer(400, {"Code": "AccessDeniedException"}),
        answer(401, b""),
        answer(404, b""),
        answer(500, b"<html>"),
        answer(200, b""),
        answer(200, b"<html>"),
        answer(200, []),
        answer(200, b"[" * 100_000),
        from_there({"SecretString": None}),
        from_there({"SecretBinary": "*"}),
        from_there({"SecretString": "x" * 65537}),
        from_there({"SecretString": "\ud800"}),
        answer(200, b"x" * 2_000_000),
        raw(b""),
        raw(b"220 smtp ready\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        slow(0.5, NOT_READY),
        drip(0.5),
    ],
)
@one_key
def test_whatever_else_the_extension_does_is_left_for_the_api(
    manager: SecretsManager, extension: Extension, reading: Function, fault: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_extension, "TIMEOUT_SECONDS", 0.2)
    extension.fail_always(fault)
    assert reading.call().status_code == 200
    assert (len(extension.reads), len(manager.reads)) == (1, 1)


@one_key
def test_a_silent_extension_leaves_time_for_the_api(manager: SecretsManager, extension: Extension, reading: Function) -> None:
    extension.stop()
    assert reading.call().status_code == 200
    extension.start()
    extension.fail_always(slow(1, NOT_READY))
    reading.set_deadline(1)
    assert reading.call(OTHER_UNIT).status_code == 200
    assert (len(extension.reads), len(manager.reads)) == (1, 2)


@pytest.mark.parametrize("served", [True, False])
@one_key
def test_neither_key_nor_session_token_is_shown(
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
        extension.fail_always(answer(200, json.dumps({"ARN": arn, "SecretString": json.dumps(jwk)}).encode()[:-2]))
    told = deploy(standin, **extension.environment(arn), LOG_LEVEL="DEBUG").call().get_data(as_text=True)
    written = capsys.readouterr()
    secrets = fragments_of([*standin.secrets(), *CREDENTIALS.values(), SESSION_TOKEN], jwk)
    assert not [piece for piece in secrets if piece in told + written.out + written.err]
    assert len(extension.reads) == 1


@one_key
def test_where_there_is_no_extension_nothing_is_counted_for_it(
    manager: SecretsManager, extension: Extension, reading: Function
) -> None:
    extension.stop()
    answer = reading.call()
    assert (answer.status_code, (answer.json or {})["requests"]["secret_store"]) == (200, 1)
    assert (extension.reads, len(manager.reads)) == ([], 1)


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "²"])
@one_key
def test_a_port_that_is_none_means_no_extension(
    manager: SecretsManager, extension: Extension, reading: Function, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port)
    assert reading.call().status_code == 200
    assert (extension.reads, len(manager.reads)) == ([], 1)


@one_key
def test_without_a_session_token_the_extension_is_not_asked(
    manager: SecretsManager, extension: Extension, reading: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    assert reading.call().status_code == 200
    assert (extension.reads, len(manager.reads)) == ([], 1)


@one_key
def test_the_extension_is_reached_past_the_proxy(
    manager: SecretsManager, extension: Extension, reading: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert reading.call().status_code == 200
    assert (len(extension.reads), manager.reads) == (1, [])


def replace_key(manager: SecretsManager, standin: StandIn, arn: str, jwk: dict[str, Any]) -> dict[str, Any]:
    """Replace the client key in its secret and at HelseID, which knows the old one no longer."""
    next_jwk = make_jwk(jwk["alg"], number=1)
    manager.replace(arn, json.dumps(next_jwk))
    standin.register(client_of(next_jwk))
    return next_jwk


def kids(standin: StandIn) -> list[str]:
    return [assertion["header"]["kid"] for assertion in assertions(standin)]


def test_a_key_that_the_cache_kept_too_long_is_read_from_the_api_once_and_the_token_asked_for_once_more(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    reading.call()
    next_jwk = replace_key(manager, standin, arn, jwk)
    answer = reading.call(OTHER_UNIT)
    assert (answer.status_code, (answer.json or {})["requests"]["secret_store"]) == (200, 2)
    assert (len(extension.reads), manager.reads) == (2, [{"SecretId": arn, "VersionStage": "AWSCURRENT"}])
    assert kids(standin) == [jwk["kid"]] * 3 + [next_jwk["kid"]]
    assert made(standin) == {"metadata": 1, "token": 4, "api": 2}


@one_key
def test_many_threads_find_a_stale_cache_out_once(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    reading.call()
    replace_key(manager, standin, arn, jwk)
    assert at_once(16, lambda: reading.call(OTHER_UNIT).status_code) == [200] * 16
    assert (len(extension.reads), len(manager.reads)) == (2, 1)
    assert made(standin) == {"metadata": 1, "token": 4, "api": 17}


@one_key
def test_a_cache_that_was_found_stale_is_believed_again_only_when_it_answers_otherwise(
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


@one_key
def test_tokens_of_the_new_key_stay_held_while_the_cache_is_stale(
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


@one_key
def test_a_client_that_is_refused_with_the_newest_key_is_not_asked_for_again(
    manager: SecretsManager, extension: Extension, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    standin.register(client_of(jwk, jwks=[public_jwk(make_jwk(jwk["alg"], number=1))]))
    answer = reading.call()
    assert (answer.status_code, (answer.json or {})["code"]) == (502, "helseid.refused.invalid_client")
    assert (len(extension.reads), len(manager.reads)) == (1, 1)
    assert made(standin) == {"metadata": 1, "token": 1}


@one_key
def test_a_newer_key_that_is_refused_as_well_is_the_end_of_it(
    manager: SecretsManager, extension: Extension, arn: str, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    reading.call()
    replace_key(manager, standin, arn, jwk)
    standin.register(client_of(jwk, jwks=[public_jwk(make_jwk(jwk["alg"], number=2))]))
    answer = reading.call(OTHER_UNIT)
    assert (answer.status_code, (answer.json or {})["code"]) == (502, "helseid.refused.invalid_client")
    assert (len(extension.reads), len(manager.reads)) == (2, 1)
    assert made(standin) == {"metadata": 1, "token": 4, "api": 1}


@one_key
def test_a_version_that_is_named_by_its_id_is_never_stale(
    manager: SecretsManager,
    extension: Extension,
    arn: str,
    standin: StandIn,
    deploy: Callable[..., Function],
    jwk: dict[str, Any],
) -> None:
    old_id = manager.client.get_secret_value(SecretId=arn)["VersionId"]
    replace_key(manager, standin, arn, jwk)
    answer = deploy(standin, **extension.environment(f"{arn}:::{old_id}")).call()
    assert (answer.json or {})["code"] == "helseid.refused.invalid_client"
    assert (len(extension.reads), manager.reads) == (1, [])


@one_key
def test_another_refusal_of_helseid_s_reads_nothing_again(
    manager: SecretsManager, extension: Extension, reading: Function
) -> None:
    answer = reading.call({"organization": {"parent": "974557746"}})
    assert (answer.json or {})["code"] == "helseid.refused.invalid_request"
    assert (len(extension.reads), manager.reads) == (1, [])


@one_key
def test_a_thread_s_stale_key_is_found_out_whatever_other_threads_read_meanwhile(
    manager: SecretsManager, extension: Extension, arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = extension.environment(arn)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    reader = open_reader(arn, environ=environment)
    read_past_cache = reader.read_past_cache
    assert read_past_cache is not None
    manager.replace(arn, "newer")

    def read() -> str:
        return reader(Deadline(25), Journal()).text

    def past() -> str | None:
        stored = read_past_cache(Deadline(25), Journal())
        return stored and stored.text

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as another:
        extension.fail_next(answer(200, {"ARN": arn, "SecretString": "older"}), times=3)
        assert [pool.submit(read).result() for pool in (one, another)] == ["older", "older"]
        assert another.submit(past).result() == "newer"
        assert another.submit(read).result() == "newer"
        assert one.submit(past).result() == "newer"
        assert another.submit(past).result() is None


@one_key
def test_a_broken_key_that_the_cache_kept_too_long_is_read_once_more_from_the_api(
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
@one_key
def test_a_secret_that_is_not_the_one_that_was_asked_for_is_left_for_the_api(
    manager: SecretsManager,
    extension: Extension,
    arn: str,
    standin: StandIn,
    deploy: Callable[..., Function],
    members: dict[str, str],
) -> None:
    version_id = manager.client.get_secret_value(SecretId=arn)["VersionId"]
    extension.fail_always(answer(200, {**members, "SecretString": json.dumps(make_jwk("ES256", number=1))}))
    assert deploy(standin, **extension.environment(f"{arn}:::{version_id}")).call().status_code == 200
    assert (len(extension.reads), len(manager.reads)) == (1, 1)
    assert made(standin) == SIGNED_IN
