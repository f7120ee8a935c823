"""The client key from AWS Secrets Manager, through boto3: every form of address, and how it fails."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from helseid_fn.context import Context
from helseid_fn.secret_store.aws.arn import SecretArn
from helseid_fn.secret_store.aws.secret import AwsSecret
from standin import StandIn, make_jwk
from standin.aws.secrets_manager import CREDENTIALS, SESSION_TOKEN, SecretsManager
from standin.aws.server import App, Environ, StartResponse, drip, raw, refuse, respond, slow
from tests.conftest import ROOT, MovableClock
from tests.support.deployment import OTHER_UNIT, Function, at_once, fragments_of, made

SIGNED_IN = {"metadata": 1, "token": 2, "api": 1}
THROTTLED = refuse(400, "ThrottlingException", "Rate exceeded")


@pytest.fixture(scope="module")
def server() -> Iterator[SecretsManager]:
    with SecretsManager() as server:
        yield server


@pytest.fixture
def manager(server: SecretsManager) -> Iterator[SecretsManager]:
    """Return a Secrets Manager that has received no request yet."""
    server.reads.clear()
    yield server
    server.forget_faults()


@pytest.fixture
def arn(manager: SecretsManager, jwk: dict[str, Any]) -> str:
    """Return the address of the secret that contains the client key."""
    return manager.add(json.dumps(jwk))


@pytest.fixture
def reading(manager: SecretsManager, arn: str, standin: StandIn, deploy: Callable[..., Function]) -> Function:
    """Return a function that reads its key from there."""
    return deploy(standin, **manager.environment(arn))


def problem_of(function: Function, members: object = None) -> dict[str, Any]:
    problem = function.call(members).json
    assert isinstance(problem, dict)
    return problem


def test_the_key_is_read_once_and_no_thread_is_left(
    manager: SecretsManager, arn: str, reading: Function, standin: StandIn
) -> None:
    before = set(threading.enumerate())
    reports = at_once(16, lambda: reading.call().json or {})
    assert sorted(report["requests"]["secret_store"] for report in reports) == [0] * 15 + [1]
    assert manager.reads == [{"SecretId": arn, "VersionStage": "AWSCURRENT"}]
    assert made(standin) == {**SIGNED_IN, "api": 16}
    assert not [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("aws-")]


def test_a_binary_secret_is_read_as_utf_8(
    manager: SecretsManager, standin: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    arn = manager.add(f"\n {json.dumps(jwk)}\r\n".encode("utf-8-sig"))
    assert deploy(standin, **manager.environment(arn)).call().status_code == 200
    assert made(standin) == SIGNED_IN
    arn = manager.add('{"d":"æ"}'.encode("latin-1"))
    assert problem_of(deploy(standin, **manager.environment(arn)))["code"] == "secret_manager.invalid_response.encoding"


def test_a_stage_and_an_id_choose_the_version(
    manager: SecretsManager, arn: str, standin: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    new_id = manager.replace(arn, "not a key")
    old_id = manager.client.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["VersionId"]
    tails = ("", "::AWSCURRENT:", f":::{new_id}", "::AWSPREVIOUS:", f":::{old_id}", f"::AWSPREVIOUS:{old_id}")
    reports = [problem_of(deploy(standin, **manager.environment(arn + tail))) for tail in tails]
    assert [each.get("code", each["status"]) for each in reports] == ["signing_key.not_json"] * 3 + ["ok"] * 3
    assert jwk["kid"]
    assert manager.reads[-1] == {"SecretId": arn, "VersionStage": "AWSPREVIOUS", "VersionId": old_id}


def test_a_stage_that_no_version_has_is_not_found(
    manager: SecretsManager, arn: str, standin: StandIn, deploy: Callable[..., Function]
) -> None:
    problem = problem_of(deploy(standin, **manager.environment(f"{arn}::AWSPENDING:")))
    assert problem["code"] == "secret_manager.refused.not_found"
    assert f"{arn} (AWSPENDING)" in problem["detail"]
    assert len(manager.reads) == 1


def test_a_missing_secret_is_not_found(
    manager: SecretsManager, arn: str, standin: StandIn, deploy: Callable[..., Function]
) -> None:
    problem = problem_of(deploy(standin, **manager.environment(arn.replace("helseid", "another"))))
    assert (problem["status"], problem["code"]) == (502, "secret_manager.refused.not_found")
    assert "aws secretsmanager put-secret-value --region eu-north-1 --secret-id arn:aws:" in problem["detail"]
    assert len(manager.reads) == 1


def test_a_secret_marked_for_deletion_is_read_once_restored(manager: SecretsManager, arn: str, reading: Function) -> None:
    manager.client.delete_secret(SecretId=arn)
    problem = problem_of(reading)
    manager.client.restore_secret(SecretId=arn)
    assert problem["code"] == "secret_manager.refused.disabled"
    assert f"aws secretsmanager restore-secret --region eu-north-1 --secret-id {arn}" in problem["detail"]
    assert reading.call().status_code == 200
    assert len(manager.reads) == 2


@pytest.mark.parametrize(
    ("code", "message", "reason", "remedy"),
    [
        ("AccessDeniedException", "not authorized", "denied", '"Action": "secretsmanager:GetSecretValue"'),
        ("AccessDeniedException", "Access to KMS is not allowed", "denied", '"Action": "kms:Decrypt"'),
        ("DecryptionFailure", "", "denied", "describe-secret"),
        ("UnrecognizedClientException", "", "unauthenticated", "aws sso login"),
        ("ExpiredTokenException", "", "unauthenticated", "aws sso login"),
        ("InvalidParameterException", "", "bad_address", "HELSEID_KEY"),
    ],
)
def test_a_refusal_names_the_remedy_and_is_not_retried(
    manager: SecretsManager, reading: Function, code: str, message: str, reason: str, remedy: str
) -> None:
    manager.fail_next(refuse(400, code, message))
    problem = problem_of(reading)
    assert (problem["status"], problem["code"]) == (502, f"secret_manager.refused.{reason}")
    assert remedy in problem["detail"]
    assert len(manager.reads) == 1


@pytest.mark.parametrize(
    "fault",
    [
        THROTTLED,
        refuse(500, "InternalServiceError"),
        raw(b""),
        respond(200, b'{"SecretString": "{'),
    ],
    ids=["throttled", "500", "closed", "truncated"],
)
def test_two_transient_faults_are_retried(manager: SecretsManager, reading: Function, standin: StandIn, fault: App) -> None:
    manager.fail_next(fault, times=2)
    assert reading.call().status_code == 200
    assert len(manager.reads) == 3
    assert made(standin) == SIGNED_IN


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (THROTTLED, "unavailable.rate_limited"),
        (refuse(500, "InternalServiceError"), "unavailable.server_error"),
        (respond(200, b"\xff"), "invalid_response.http"),
        (respond(200, []), "invalid_response.http"),
        (respond(200, {"SecretString": None}), "invalid_response.http"),
        (respond(200, {"SecretBinary": "x"}), "invalid_response.http"),
        (respond(400, [1]), "invalid_response.http"),
        (respond(200, b""), "invalid_response.http"),
        (respond(200, b"[" * 100_000), "invalid_response.http"),
    ],
)
def test_a_lasting_fault_is_reported_after_three_reads(
    manager: SecretsManager, reading: Function, fault: App, code: str
) -> None:
    manager.fail_next(fault, times=3)
    assert problem_of(reading)["code"] == f"secret_manager.{code}"
    assert len(manager.reads) == 3
    assert reading.call().status_code == 200


def test_a_secret_larger_than_any_key_is_refused(manager: SecretsManager, reading: Function) -> None:
    manager.fail_next(respond(200, {"SecretString": "x" * 2_000_000}))
    assert problem_of(reading)["code"] == "secret_manager.refused.too_large"
    assert len(manager.reads) == 1


@pytest.mark.parametrize("fault", [slow(2, THROTTLED), drip(2)], ids=["silent", "dripping"])
def test_a_slow_secrets_manager_does_not_outlast_the_deadline(manager: SecretsManager, reading: Function, fault: App) -> None:
    reading.call()
    manager.fail_always(fault)
    reading.set_deadline(0.6)
    began_at = time.monotonic()
    problem = problem_of(reading, OTHER_UNIT)
    assert time.monotonic() - began_at < 1.5
    assert problem["code"] in {"secret_manager.deadline_exceeded", "secret_manager.unavailable.timeout"}
    manager.fail_always(None)
    reading.set_deadline(25)
    assert reading.call(OTHER_UNIT).status_code == 200


def test_a_restarted_secrets_manager_is_read_at_once(manager: SecretsManager, reading: Function, standin: StandIn) -> None:
    reading.call()
    manager.stop()
    try:
        stopped = problem_of(reading, OTHER_UNIT)
        cached = reading.call().status_code
    finally:
        manager.start()
    assert (stopped["status"], stopped["code"], cached) == (503, "secret_manager.unavailable.connect", 200)
    assert reading.call(OTHER_UNIT).status_code == 200
    assert len(manager.reads) == 2
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


def test_a_remote_endpoint_without_tls_is_refused(
    manager: SecretsManager, arn: str, standin: StandIn, deploy: Callable[..., Function]
) -> None:
    environment = {**manager.environment(arn), "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://secrets.example"}
    problem = problem_of(deploy(standin, **environment))
    assert (problem["code"], "must be https" in problem["detail"]) == ("secret_manager.refused.bad_address", True)


def test_an_endpoint_on_this_machine_is_reached_without_proxy(
    manager: SecretsManager, arn: str, standin: StandIn, deploy: Callable[..., Function]
) -> None:
    function = deploy(standin, **manager.environment(arn), HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
    assert function.call().status_code == 200


def test_missing_credentials_are_reported_and_nothing_is_sent(
    manager: SecretsManager, arn: str, standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    function = deploy(standin, **manager.environment(arn))
    key_id = "AWS_ACCESS_KEY_ID"
    monkeypatch.delenv(key_id)
    problem = problem_of(function)
    assert (problem["code"], "aws sso login" in problem["detail"]) == ("secret_manager.refused.unauthenticated", True)
    assert manager.reads == []
    monkeypatch.setenv(key_id, "ASIAHUSH")
    assert function.call().status_code == 200


def test_slow_credentials_do_not_outlast_the_deadline(
    manager: SecretsManager, arn: str, standin: StandIn, deploy: Callable[..., Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    function = deploy(standin, **manager.environment(arn))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    function.set_deadline(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        began_at = time.monotonic()
        problem = problem_of(function)
        assert time.monotonic() - began_at < 2
    assert (problem["status"], problem["code"]) == (504, "secret_manager.deadline_exceeded")
    assert manager.reads == []


def test_a_short_deadline_does_not_bound_the_next_read(manager: SecretsManager, reading: Function, jwk: dict[str, Any]) -> None:
    reading.set_deadline(1)
    assert reading.call().status_code == 200
    reading.set_deadline(25)
    manager.fail_always(slow(0.6, respond(200, {"SecretString": json.dumps(jwk)})))
    assert reading.call(OTHER_UNIT).status_code == 200
    assert len(manager.reads) == 3


def test_refused_credentials_are_looked_up_again(
    manager: SecretsManager, reading: Function, jwk: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    signed: list[str] = []

    def serve(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        signed.append(environ["HTTP_AUTHORIZATION"])
        return respond(200, {"SecretString": json.dumps(jwk)})(environ, start_response)

    manager.fail_next(refuse(400, "ExpiredTokenException"))
    manager.fail_next(serve)
    assert problem_of(reading)["code"] == "secret_manager.refused.unauthenticated"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIANEWER")
    assert reading.call().status_code == 200
    assert "Credential=ASIANEWER/" in signed[0]


class KeptConnections(BaseHTTPRequestHandler):
    """Responds with the client's port as the secret, and keeps the connection open."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"SecretString": str(self.client_address[1])}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("idle_seconds", "kept"), [(0, True), (5, True), (5.5, False), (86_400, False), (-1, False)])
def test_connections_are_kept_for_5_s_by_the_wall_clock(
    clock: MovableClock, monkeypatch: pytest.MonkeyPatch, idle_seconds: float, *, kept: bool
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), KeptConnections) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        endpoint = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://127.0.0.1:{server.server_port}"}
        for name, value in (CREDENTIALS | endpoint).items():
            monkeypatch.setenv(name, value)
        secret = AwsSecret(SecretArn("arn", "eu-north-1"), now=clock)
        first = secret.read(Context(25))
        clock.move(idle_seconds)
        assert (secret.read(Context(25)) == first) is kept
        server.shutdown()


def test_a_refused_key_is_not_read_again_without_a_cache(
    manager: SecretsManager, arn: str, reading: Function, standin: StandIn, jwk: dict[str, Any]
) -> None:
    manager.replace(arn, json.dumps(make_jwk(jwk["alg"], number=1)))
    assert problem_of(reading)["code"] == "helseid.refused.invalid_client"
    assert len(manager.reads) == 1
    assert made(standin) == {"metadata": 1, "token": 1}


TALKATIVE = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s %(message)s %(args)s")
import boto3
boto3.set_stream_logger("")
import functions_framework
client = functions_framework.create_app("run", "main.py").test_client()
def enable_debug_logs():
    logging.getLogger().setLevel(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.DEBUG)
enable_debug_logs()
print(client.get("/").status_code)
enable_debug_logs()
print(client.post("/", json={"organization": {"parent": "999977774", "child": "999977775"}}).status_code)
"""


@pytest.mark.parametrize(
    "fault", [None, refuse(400, "AccessDeniedException"), "cut short"], ids=["read", "denied", "cut short"]
)
def test_boto3s_debug_log_shows_no_key_and_no_credentials(
    manager: SecretsManager, arn: str, standin: StandIn, jwk: dict[str, Any], fault: App | str | None
) -> None:
    manager.fail_always(
        respond(200, json.dumps({"SecretString": json.dumps(jwk)}).encode()[:-2]) if fault == "cut short" else fault
    )
    environment = {**os.environ, **standin.environment(""), **manager.environment(arn), "AWS_SESSION_TOKEN": SESSION_TOKEN}
    run = subprocess.run(
        [sys.executable, "-c", TALKATIVE],
        cwd=ROOT,
        env={**environment, "LOG_LEVEL": "DEBUG"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    written = run.stdout + run.stderr
    secrets = [*standin.secrets(), *CREDENTIALS.values(), SESSION_TOKEN]
    assert run.stdout.splitlines()[-1] == ("200" if fault is None else "502")
    assert len(run.stderr) > 1000
    assert not [piece for piece in fragments_of(secrets, jwk) if piece in written]
    assert not re.findall(r'"d"|\\"d\\"|Signature=', written)
    assert len(manager.reads) >= 2
