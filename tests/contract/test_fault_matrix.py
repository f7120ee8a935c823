"""The fault matrix, cell by cell: the right code, in time, as many requests as designed, no leak, and a recovery."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import RSAKey

from helseid_fn import errors
from standin import StandIn, make_jwk
from standin.aws.secrets_manager import CREDENTIALS, SESSION_TOKEN
from tests.support.certificates import Authority
from tests.support.deployment import Function, log_lines
from tests.support.faults.conversation import Conversation, OnGrpc
from tests.support.faults.places import Metadata, Place, PostToSampleApi, SampleApi, Site, TokenEndpoint
from tests.support.faults.secrecy import debug_logs_written, enable_debug_logs, leaks
from tests.support.faults.secret_places import AwsExtension, AwsSecretsManager, GoogleSecretManager
from tests.support.faults.table import PLACES, TABLE, Absence, Cannot, Fails, Outcome, Row, Succeeds, count_cells

KINDS: tuple[type[Place], ...] = (
    GoogleSecretManager,
    AwsSecretsManager,
    AwsExtension,
    Metadata,
    TokenEndpoint,
    SampleApi,
    PostToSampleApi,
)
CLASSES = {
    "unavailable": errors.Unavailable,
    "deadline_exceeded": errors.DeadlineExceeded,
    "refused": errors.Refused,
    "invalid_response": errors.InvalidResponse,
}
CELLS = [
    pytest.param(row, kind, outcome, id=f"{name} at {place}")
    for name, row in TABLE.items()
    for place, kind, outcome in zip(PLACES, KINDS, row.outcomes, strict=True)
    if not isinstance(outcome, Cannot)
]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that everything here trusts; gRPC reads its trust anchors once per process."""
    authority = Authority(tmp_path_factory.mktemp("trusted"))
    os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(authority.bundle)
    return authority


@pytest.fixture
def google_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Google's client find a service account, so that it speaks TLS."""
    key = RSAKey.import_key(make_jwk("RS256")).private_key
    assert key is not None
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "client_email": "a@b.example", "private_key": pem, "token_uri": "http://127.0.0.1:9/"}
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))


@pytest.fixture
def site(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    monkeypatch: pytest.MonkeyPatch,
    jwk: dict[str, Any],
    authority: Authority,
    google_credentials: None,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Site]:
    """Return what a place is built with, with all logs at DEBUG; everything that was started stops with the test."""
    assert google_credentials is None
    assert capfd.readouterr().err == ""  # made before the log handler, so that its output is captured

    def deploy_with_debug_logs(standin: StandIn, **settings: str) -> Function:
        return deploy(standin, connect_timeout_seconds=0.2, **{"LOG_LEVEL": "DEBUG", **settings})

    with contextlib.ExitStack() as ending, debug_logs_written():
        yield Site(start_standin, deploy_with_debug_logs, monkeypatch, jwk, authority, ending)


def inject(place: Place, row: Row, strangers: Authority) -> contextlib.AbstractContextManager[object]:
    """Let the fault happen."""
    match row.fault:
        case Absence.REFUSED:
            return place.refused()
        case Absence.UNRESOLVED:
            return place.unresolved()
        case Absence.DEAF:
            return place.never_accepting()
        case Absence.WRONG_NAME:
            return place.showing(place.site.authority.server("elsewhere.example"))
        case Absence.UNTRUSTED:
            return place.showing(strangers.server(place.name))
        case fault:
            return place.inject(fault)


@pytest.mark.parametrize(("row", "kind", "outcome"), CELLS)
def test_a_fault_has_its_code_its_requests_and_an_end(
    site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str], row: Row, kind: type[Place], outcome: Outcome
) -> None:
    place = kind(site, tls=row.fault in (Absence.WRONG_NAME, Absence.UNTRUSTED))
    enable_debug_logs()
    place.reach()
    if row.slow:
        place.function.set_deadline(place.little_seconds)
    strangers = Authority(tmp_path / "strangers")
    with inject(place, row, strangers):
        before, begun_at = place.arrived(), time.monotonic()
        capfd.readouterr()
        response = place.call()
        took_seconds = time.monotonic() - begun_at
        written = capfd.readouterr()
        line = [each for each in log_lines(written.out) if "outcome" in each][-1]
        counted = line["requests"][place.counted_as] if isinstance(outcome, Fails) else outcome.requests
        expected = 0 if isinstance(outcome, Fails) and isinstance(row.fault, Absence) else counted
        arrived = count_arrivals(place, before, expected)
    check_outcome(outcome, place.party, response.status_code, response.json or {})
    assert counted == outcome.requests or (row.slow and 0 < counted < outcome.requests)
    assert arrived == expected
    assert took_seconds < (place.little_seconds if row.slow else 25) + 3
    shown = response.get_data(as_text=True) + str(response.headers)
    assert leaks(place.standin, [site.jwk], shown, written.out, written.err, more=(SESSION_TOKEN, *CREDENTIALS.values())) == []
    assert "helseid_fn" in written.err, "the debug logs were on"
    place.function.set_deadline(25)
    assert place.call().status_code == 200


def count_arrivals(place: Place, before: int, expected: int) -> int:
    """Return how many requests have arrived; one may come after the deadline, from a thread that was left behind."""
    ends_at = time.monotonic() + 10
    while place.arrived() - before < expected and time.monotonic() < ends_at:
        time.sleep(0.01)
    return place.arrived() - before


def check_outcome(outcome: Outcome, party: str, status: int, problem: dict[str, Any]) -> None:
    if isinstance(outcome, Succeeds):
        assert status == 200
        return
    assert isinstance(outcome, Fails)
    assert problem["code"] in {f"{party}.{code}" for code in outcome.codes}
    kind = CLASSES[problem["code"].split(".")[1]]
    http_status, retryable = (502, False) if outcome.final else (kind.http_status, kind.retryable)
    assert (status, problem["status"]) == (http_status,) * 2
    assert (problem["title"], problem["retryable"]) == (kind.title, retryable)
    assert problem["party"].lower().replace(" ", "_") == party


@pytest.mark.parametrize("body", [b"", b"<html>"], ids=["nothing", "a page"])
def test_a_google_response_without_a_message_is_invalid(site: Site, body: bytes) -> None:
    def respond_without_message(conversation: Conversation) -> None:
        assert isinstance(conversation, OnGrpc)
        conversation.send(conversation.grpc_response(body))

    place = GoogleSecretManager(site, tls=False)
    with place.inject(respond_without_message):
        problem = place.call().json or {}
    assert (problem["status"], problem["code"]) == (502, "secret_manager.invalid_response.http")
    assert place.call().status_code == 200


def test_every_cell_without_a_test_gives_its_reason() -> None:
    cannot = [outcome for row in TABLE.values() for outcome in row.outcomes if isinstance(outcome, Cannot)]
    assert (len(TABLE) * len(PLACES), len(CELLS)) == count_cells()
    assert len(CELLS) + len(cannot) == count_cells()[0]
    assert all(each.reason for each in cannot)
