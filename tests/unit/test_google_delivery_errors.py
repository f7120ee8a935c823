"""What Cloud Storage's and Pub/Sub's refusals mean."""

from __future__ import annotations

import pytest

from helseid_fn.delivery.address import Bucket, Topic
from helseid_fn.delivery.google.errors import explain_pubsub, explain_storage

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
