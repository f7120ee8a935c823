"""The client key from Google Secret Manager, over real gRPC: every form of address, and how it fails."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from standin import StandIn, make_jwk, secret_faults
from tests.conftest import ROOT
from tests.support.deployment import OTHER_UNIT, Function, fragments_of, made

SECRET = "projects/p/secrets/helseid-key"
REGIONAL = "projects/p/locations/europe-north1/secrets/helseid-key"
LATEST = f"{SECRET}/versions/latest"
SUCCESS = {"access": 1, "metadata": 1, "token": 2, "api": 1}


@pytest.fixture
def manager(start_standin: Callable[..., StandIn], jwk: dict[str, Any]) -> StandIn:
    """Return a stand-in with a secret manager that has the key, globally and in a region."""
    standin = start_standin(secret_manager=True)
    for name in (SECRET, REGIONAL):
        standin.secret_manager.add(name, json.dumps(jwk))
    return standin


@pytest.fixture
def reading(manager: StandIn, deploy: Callable[..., Function]) -> Function:
    """Return a function that reads the latest version."""
    return deploy(manager, HELSEID_KEY=LATEST)


def problem_of(function: Function, members: object = None) -> dict[str, Any]:
    problem = function.call(members).json
    assert isinstance(problem, dict)
    return problem


@pytest.mark.parametrize(
    "address",
    [f"{name}/versions/{version}" for name in (SECRET, REGIONAL) for version in ("latest", "1", "current")],
)
def test_the_key_is_read_by_every_form_of_address(manager: StandIn, deploy: Callable[..., Function], address: str) -> None:
    for name in (SECRET, REGIONAL):
        manager.secret_manager.alias(name, "current", 1)
    assert deploy(manager, HELSEID_KEY=address).call().status_code == 200
    assert manager.exchanges("access")[0].target == address
    assert made(manager) == SUCCESS


def test_latest_and_a_number_name_different_versions(
    manager: StandIn, deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    manager.secret_manager.add(SECRET, "not a key")
    codes = [problem_of(deploy(manager, HELSEID_KEY=f"{SECRET}/versions/{version}")) for version in ("latest", "1")]
    assert [code.get("code", code.get("status")) for code in codes] == ["signing_key.not_json", "ok"]
    assert jwk["kid"]
    assert manager.count("access") == 2


def test_every_new_token_reads_the_key_anew(manager: StandIn, reading: Function) -> None:
    assert [reading.call().status_code for _ in range(3)] == [200] * 3
    assert made(manager) == {**SUCCESS, "api": 3}
    assert reading.call(OTHER_UNIT).status_code == 200
    assert made(manager) == {"access": 2, "metadata": 1, "token": 3, "api": 4}
    assert "google-credentials" not in {thread.name for thread in threading.enumerate()}, "no thread is left behind"


DAMAGES = {"payload": secret_faults.CorruptPayload(), "checksum": secret_faults.WrongChecksum()}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_payload_is_read_up_to_three_times(manager: StandIn, reading: Function, name: str) -> None:
    manager.secret_manager.fail_next("access", DAMAGES[name], times=4)
    problem = problem_of(reading)
    assert (problem["status"], problem["code"]) == (502, "secret_manager.invalid_response.checksum")
    assert made(manager) == {"access": 3}
    assert reading.call().status_code == 200
    assert made(manager) == {**SUCCESS, "access": 5}


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "ABORTED", "UNKNOWN", "DEADLINE_EXCEEDED"])
def test_two_transient_faults_are_retried(manager: StandIn, reading: Function, code: str) -> None:
    manager.secret_manager.fail_next("access", secret_faults.Fail(code), times=2)
    assert reading.call().status_code == 200
    assert made(manager) == {**SUCCESS, "access": 3}


def test_a_lasting_fault_is_reported_after_three_reads(manager: StandIn, reading: Function) -> None:
    manager.secret_manager.fail_always("access", secret_faults.Fail("DEADLINE_EXCEEDED"))
    problem = problem_of(reading)
    assert (problem["status"], problem["code"]) == (503, "secret_manager.unavailable.timeout")
    assert made(manager) == {"access": 3}


@pytest.mark.parametrize(
    ("status", "reason", "remedy"),
    [
        ("NOT_FOUND", "not_found", "gcloud secrets versions add helseid-key --project=p --data-file="),
        (
            "PERMISSION_DENIED",
            "denied",
            "gcloud secrets add-iam-policy-binding helseid-key --project=p --role=roles/secretmanager.secretAccessor",
        ),
        ("FAILED_PRECONDITION", "disabled", "gcloud secrets versions list helseid-key --project=p"),
        ("UNAUTHENTICATED", "unauthenticated", "gcloud auth application-default login"),
        ("INVALID_ARGUMENT", "bad_address", "HELSEID_KEY"),
    ],
)
def test_a_refusal_names_the_remedy_and_is_not_retried(
    manager: StandIn, reading: Function, status: str, reason: str, remedy: str
) -> None:
    manager.secret_manager.fail_always("access", secret_faults.Fail(status, "Google's own words"))
    problem = problem_of(reading)
    assert (problem["status"], problem["code"]) == (502, f"secret_manager.refused.{reason}")
    assert remedy in problem["detail"]
    assert made(manager) == {"access": 1}


def test_a_regional_secrets_command_names_its_region(manager: StandIn, deploy: Callable[..., Function]) -> None:
    manager.secret_manager.fail_always("access", secret_faults.Fail("PERMISSION_DENIED"))
    problem = problem_of(deploy(manager, HELSEID_KEY=f"{REGIONAL}/versions/latest"))
    assert "--location=europe-north1" in problem["detail"]
    assert made(manager) == {"access": 1}


def test_a_missing_secret_is_not_found(manager: StandIn, deploy: Callable[..., Function]) -> None:
    problem = problem_of(deploy(manager, HELSEID_KEY="projects/p/secrets/another/versions/latest"))
    assert problem["code"] == "secret_manager.refused.not_found"
    assert made(manager) == {"access": 1}


@pytest.mark.parametrize("become", ["disable", "destroy"])
def test_a_disabled_or_destroyed_version_is_reported_as_such(manager: StandIn, reading: Function, become: str) -> None:
    getattr(manager.secret_manager, become)(f"{SECRET}/versions/1")
    assert problem_of(reading)["code"] == "secret_manager.refused.disabled"
    assert made(manager) == {"access": 1}
    if become == "disable":
        manager.secret_manager.enable(f"{SECRET}/versions/1")
        assert reading.call().status_code == 200
        assert made(manager) == {**SUCCESS, "access": 2}


def test_a_restart_between_two_calls_does_no_harm(manager: StandIn, reading: Function) -> None:
    reading.call()
    manager.secret_manager.stop()
    manager.secret_manager.start()
    assert reading.call(OTHER_UNIT).status_code == 200


def test_a_key_that_is_not_text_is_reported_as_such(manager: StandIn, reading: Function) -> None:
    manager.secret_manager.add(SECRET, '{"d":"æ"}'.encode("latin-1"))
    problem = problem_of(reading)
    assert (problem["status"], problem["code"]) == (502, "secret_manager.invalid_response.encoding")
    assert "UTF-8" in problem["detail"]
    assert made(manager) == {"access": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_and_white_space_are_ignored(
    manager: StandIn, reading: Function, jwk: dict[str, Any], encoding: str
) -> None:
    manager.secret_manager.add(SECRET, f"\n {json.dumps(jwk)}\r\n".encode(encoding))
    assert reading.call().status_code == 200
    assert made(manager) == SUCCESS


def run_alone(program: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program in its own process: much of Google's client reads the environment at import."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


WITHOUT_CREDENTIALS = """
import functions_framework, time
import google.auth.compute_engine._metadata as metadata
metadata._GCE_PRODUCT_NAME_FILE = "/nonexistent"
client = functions_framework.create_app("run", "main.py").test_client()
began_at = time.monotonic()
print(client.get("/").get_data(as_text=True))
print(time.monotonic() - began_at)
"""


@pytest.fixture
def metadata_server() -> Iterator[socket.socket]:
    """Listen where Google's client looks for a metadata server, and never respond."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def call_without_credentials(
    standin: StandIn, home: Path, metadata_server: socket.socket, **settings: str
) -> tuple[dict[str, Any], float]:
    host = f"127.0.0.1:{metadata_server.getsockname()[1]}"
    metadata_names = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP")
    google = {**dict.fromkeys(metadata_names, host), "CLOUDSDK_CONFIG": str(home), "HOME": str(home), "NO_GCE_CHECK": ""}
    lines = run_alone(WITHOUT_CREDENTIALS, {**google, **standin.environment(LATEST), **settings}).stdout.splitlines()
    return json.loads(lines[-2]), float(lines[-1])


def test_missing_google_credentials_are_reported_in_time(
    standin: StandIn, tmp_path: Path, metadata_server: socket.socket
) -> None:
    host = metadata_server.getsockname()
    metadata_server.close()
    with socket.socket() as nobody:
        nobody.bind(host)  # bound but not listening: connections are refused
        problem, seconds = call_without_credentials(
            standin, tmp_path, nobody, GCE_METADATA_DETECT_RETRIES="1", DEADLINE_SECONDS="20"
        )
    assert (problem["status"], problem["code"]) == (502, "secret_manager.refused.unauthenticated")
    assert "gcloud auth application-default login" in problem["detail"]
    assert seconds < 20
    assert made(standin) == {}


def test_a_silent_metadata_server_does_not_outlast_the_deadline(
    standin: StandIn, tmp_path: Path, metadata_server: socket.socket
) -> None:
    problem, seconds = call_without_credentials(standin, tmp_path, metadata_server, DEADLINE_SECONDS="1")
    assert (problem["status"], problem["code"]) == (504, "secret_manager.deadline_exceeded")
    assert seconds < 5
    assert made(standin) == {}


TALKATIVE = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
import functions_framework
client = functions_framework.create_app("run", "main.py").test_client()
logging.getLogger().setLevel(logging.DEBUG)
print(client.get("/").status_code)
"""


@pytest.mark.parametrize("scope", ["google", "google.cloud.secretmanager_v1", ""])
def test_googles_debug_log_never_shows_the_key(manager: StandIn, jwk: dict[str, Any], scope: str) -> None:
    debug = {"LOG_LEVEL": "DEBUG", "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": scope}
    run = run_alone(TALKATIVE, {**manager.environment(LATEST), **debug})
    written = run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == "200"
    assert not [piece for piece in fragments_of(manager.secrets(), jwk) if piece in written]
    assert not re.findall(r'"d"|\\"d\\"', written)
    assert made(manager) == SUCCESS


def test_a_file_key_never_touches_google(standin: StandIn, key_file: Path) -> None:
    program = (
        "import sys, functions_framework\n"
        'functions_framework.create_app("run", "main.py").test_client().get("/")\n'
        'print([name for name in sys.modules if name.startswith(("grpc", "google.auth", "google.api_core", "proto"))])\n'
    )
    run = run_alone(program, standin.environment(f"file:{key_file}"))
    assert run.stdout.splitlines()[-1] == "[]"
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_another_clients_key_is_refused_by_helseid(manager: StandIn, reading: Function, jwk: dict[str, Any]) -> None:
    manager.secret_manager.add(SECRET, json.dumps(make_jwk(jwk["alg"], number=1)))
    assert problem_of(reading)["code"] == "helseid.refused.invalid_client"
    assert made(manager) == {"access": 1, "metadata": 1, "token": 1}


def test_a_restarted_secret_manager_is_read_at_once(manager: StandIn, reading: Function) -> None:
    reading.call()
    manager.secret_manager.stop()
    manager.reset_record()
    assert reading.call(OTHER_UNIT).status_code == 503
    assert reading.call().status_code == 200, "its token is cached"
    assert made(manager) == {"api": 1}
    manager.secret_manager.start()
    manager.reset_record()
    assert reading.call(OTHER_UNIT).status_code == 200
    assert made(manager) == {"access": 1, "token": 1, "api": 1}
