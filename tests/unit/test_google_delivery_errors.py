"""What Cloud Storage's and Pub/Sub's refusals mean."""

from __future__ import annotations

import pytest
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError

from helseid_fn.delivery.address import Bucket, Topic
from helseid_fn.delivery.google.errors import explain_pubsub, explain_storage
from helseid_fn.delivery.google.sdk import explain_credentials, find_emulator
from helseid_fn.errors import Refused

BUCKET = Bucket("gs", "results", "in/")
TOPIC = Topic("projects/p/topics/results")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, "invalid_response.http"),
        (302, "invalid_response.http"),
        (400, "refused.other"),
        (401, "refused.unauthenticated"),
        (403, "refused.denied"),
        (404, "refused.not_found"),
        (408, "unavailable.server_error"),
        (412, "refused.other"),
        (429, "unavailable.rate_limited"),
        (500, "unavailable.server_error"),
        (503, "unavailable.server_error"),
    ],
)
def test_a_status_of_cloud_storage_has_its_code(status: int, code: str) -> None:
    error = explain_storage(status, BUCKET)
    assert (error.code, error.status) == (f"delivery.{code}", status)


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        ("NOT_FOUND", "", "refused.not_found"),
        ("PERMISSION_DENIED", "", "refused.denied"),
        ("UNAUTHENTICATED", "", "refused.unauthenticated"),
        ("INVALID_ARGUMENT", "", "refused.other"),
        ("FAILED_PRECONDITION", "", "refused.other"),
        ("UNAVAILABLE", "", "unavailable.connect"),
        ("UNAVAILABLE", "DNS resolution failed", "unavailable.dns"),
        ("UNAVAILABLE", "Ssl handshake failed", "unavailable.tls"),
        ("UNAVAILABLE", "Socket closed", "unavailable.connection_lost"),
        ("DEADLINE_EXCEEDED", "", "unavailable.timeout"),
        ("RESOURCE_EXHAUSTED", "", "unavailable.rate_limited"),
        ("INTERNAL", "", "unavailable.server_error"),
        ("UNKNOWN", "Received http2 header with status: 302", "invalid_response.http"),
    ],
)
def test_a_status_of_pubsub_has_its_code(status: str, words: str, code: str) -> None:
    assert explain_pubsub(status, TOPIC, words=words).code == f"delivery.{code}"


def test_a_denial_names_the_role_and_the_place() -> None:
    assert "gs://results --role=roles/storage.objectUser" in str(explain_storage(403, BUCKET))
    assert "results --project=p --role=roles/pubsub.publisher" in str(explain_pubsub("PERMISSION_DENIED", TOPIC))


@pytest.mark.parametrize("reason", ["retentionPolicyNotMet", "objectUnderActiveHold", "accountDisabled"])
def test_a_403_that_no_role_helps_against_names_its_cause(reason: str) -> None:
    detail = str(explain_storage(403, BUCKET, reason))
    assert reason in detail
    assert "role" not in detail


@pytest.mark.parametrize("reason", ["a sentence about Kari", "x" * 100, "", "<html>"])
def test_only_a_reason_that_is_one_word_is_repeated(reason: str) -> None:
    assert explain_storage(403, BUCKET, reason).detail == explain_storage(403, BUCKET).detail
    denied = explain_pubsub("PERMISSION_DENIED", TOPIC, words="Kari", reason=reason)
    assert denied.detail == explain_pubsub("PERMISSION_DENIED", TOPIC).detail


def chain(error: GoogleAuthError, cause: GoogleAuthError) -> GoogleAuthError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [TransportError(), chain(RefreshError(), TransportError()), RefreshError(retryable=True)],
)
def test_a_token_that_cannot_be_had_now_may_be_had_later(error: GoogleAuthError) -> None:
    assert explain_credentials(error).code == "delivery.unavailable.connect"


@pytest.mark.parametrize("error", [RefreshError("invalid_grant"), DefaultCredentialsError("none")])
def test_credentials_that_are_refused_are_final(error: GoogleAuthError) -> None:
    explained = explain_credentials(error)
    assert explained.code == "delivery.refused.unauthenticated"
    assert "gcloud auth application-default login" in explained.detail


@pytest.mark.parametrize("host", ["127.0.0.1:8085", "localhost:8085", "http://127.0.0.1:8085/", "[::1]:8085"])
def test_an_emulator_is_on_this_machine(host: str) -> None:
    url = find_emulator({"PUBSUB_EMULATOR_HOST": host}, "PUBSUB_EMULATOR_HOST")
    assert url == "http://" + host.removeprefix("http://").rstrip("/")


@pytest.mark.parametrize("host", ["example.org:8085", "192.0.2.1:8085", "https://example.org", "127.0.0.1 ", "user@127.0.0.1"])
def test_any_other_emulator_is_refused(host: str) -> None:
    with pytest.raises(Refused, match="PUBSUB_EMULATOR_HOST is not an emulator's address on this machine"):
        find_emulator({"PUBSUB_EMULATOR_HOST": host}, "PUBSUB_EMULATOR_HOST")


def test_without_the_variable_there_is_no_emulator() -> None:
    assert find_emulator({"PUBSUB_EMULATOR_HOST": ""}, "PUBSUB_EMULATOR_HOST") is None
