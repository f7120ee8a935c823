"""Do results reach a topic of Pub/Sub? Google's own client, against a gRPC server on Google's published protos."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest
from google.oauth2.credentials import Credentials

from helseid_fn.context import Context
from helseid_fn.delivery.address import Topic
from helseid_fn.delivery.google import pubsub as google_pubsub
from helseid_fn.delivery.result import Destination, Result
from helseid_fn.delivery.wiring import open_destination
from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded, Refused, Unavailable
from standin.pubsub import PubSub
from standin.secret_faults import Fail, Silence

TOPIC = "projects/p/topics/results"
ATTRIBUTES = {"invocation": "i-1", "status": "200", "organization": "999977774", "time": "2026-11-28T07:00:00Z"}
SENT = "content of the message"


@pytest.fixture
def pubsub() -> Iterator[PubSub]:
    """Return Pub/Sub on this machine."""
    with PubSub(TOPIC) as running:
        yield running


@pytest.fixture
def topic(pubsub: PubSub) -> Destination:
    """Return the product's way to the topic."""
    return open_topic(pubsub)


def open_topic(pubsub: PubSub, name: str = TOPIC) -> Destination:
    environ = {"PUBSUB_EMULATOR_HOST": pubsub.address}
    return open_destination(Topic(name), sleep=lambda _: None, random=lambda: 0.5, environ=environ)


def result(body: Any) -> Result:
    return Result("a/b.json", "application/fhir+json", body, ATTRIBUTES)


@pytest.mark.parametrize("body", [bytes(range(256)), b"", [b"in ", b"blocks"]])
def test_a_result_is_published_byte_for_byte_with_attributes(
    pubsub: PubSub, topic: Destination, body: bytes | list[bytes]
) -> None:
    ctx, whole = Context(25), body if isinstance(body, bytes) else b"".join(body)
    receipt = topic.deliver(result(body), ctx)
    (message,) = pubsub.messages
    own = {"name": "a/b.json", "content_type": "application/fhir+json", "sha256": hashlib.sha256(whole).hexdigest()}
    assert (message.data, message.attributes) == (whole, {**ATTRIBUTES, **own})
    assert (receipt.address, receipt.size_bytes, receipt.sha256) == (f"{TOPIC}#{message.id}", len(whole), own["sha256"])
    assert (ctx.requests[Party.DELIVERY], ctx.outcomes[Party.DELIVERY]) == (1, ["ok"])


@pytest.mark.parametrize("body", [b"x" * 10_000_000, repeat(b"x" * 1_000_000, 40)], ids=["bytes", "stream"])
def test_what_is_too_large_is_refused_before_it_is_sent(pubsub: PubSub, topic: Destination, body: Any) -> None:
    with pytest.raises(Refused, match="Deliver into a bucket") as refused:
        topic.deliver(result(body), Context(25))
    assert refused.value.code == "delivery.refused.too_large"
    assert pubsub.calls == 0


def test_what_just_fits_is_published(pubsub: PubSub, topic: Destination) -> None:
    topic.deliver(result(b"x" * 9_999_000), Context(25))
    assert len(pubsub.messages[0].data) == 9_999_000


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("PERMISSION_DENIED", "denied"),
        ("NOT_FOUND", "not_found"),
        ("UNAUTHENTICATED", "unauthenticated"),
        ("INVALID_ARGUMENT", "other"),
    ],
)
def test_a_refusal_is_final_and_repeats_no_word(pubsub: PubSub, topic: Destination, status: str, code: str) -> None:
    pubsub.fail_always(Fail(status, "about Kari Nordmann"))
    with pytest.raises(Refused) as refused:
        topic.deliver(result(SENT.encode()), Context(25))
    assert refused.value.code == f"delivery.refused.{code}"
    assert pubsub.calls == 1
    assert "Kari" not in str(refused.value)


def test_a_topic_that_is_not_there_is_not_found(pubsub: PubSub) -> None:
    with pytest.raises(Refused, match="no topic projects/p/topics/another") as refused:
        open_topic(pubsub, "projects/p/topics/another").deliver(result(b"1"), Context(25))
    assert refused.value.code == "delivery.refused.not_found"


@pytest.mark.parametrize("status", ["UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED", "ABORTED"])
def test_a_failure_that_passes_is_repeated(pubsub: PubSub, topic: Destination, status: str) -> None:
    pubsub.fail_next(Fail(status), times=2)
    topic.deliver(result(b"1"), Context(25))
    assert (pubsub.calls, len(pubsub.messages)) == (3, 1)


def test_a_failure_is_repeated_twice_at_most(pubsub: PubSub, topic: Destination) -> None:
    pubsub.fail_always(Fail("UNAVAILABLE"))
    ctx = Context(25)
    with pytest.raises(Unavailable) as unavailable:
        topic.deliver(result(b"1"), ctx)
    assert unavailable.value.code == "delivery.unavailable.connect"
    assert (pubsub.calls, ctx.outcomes[Party.DELIVERY]) == (3, ["connect"] * 3)


def test_a_lost_response_makes_the_same_message_come_twice(pubsub: PubSub, topic: Destination) -> None:
    pubsub.fail_next(Fail("UNAVAILABLE", handled=True))
    topic.deliver(result(b"1"), Context(25))
    first, second = pubsub.messages
    assert (first.data, first.attributes) == (second.data, second.attributes)


def test_silence_ends_at_the_deadline(pubsub: PubSub, topic: Destination) -> None:
    pubsub.fail_always(Silence())
    with pytest.raises((DeadlineExceeded, Unavailable)):
        topic.deliver(result(b"1"), Context(0.6))
    assert pubsub.messages == []


def test_a_server_that_comes_back_is_used_again(pubsub: PubSub, topic: Destination) -> None:
    topic.deliver(result(b"1"), Context(25))
    pubsub.stop()
    with pytest.raises(Unavailable):
        topic.deliver(result(b"2"), Context(25))
    pubsub.start()
    topic.deliver(result(b"3"), Context(25))
    assert [message.data for message in pubsub.messages] == [b"1", b"3"]


def test_an_emulator_on_another_machine_is_refused() -> None:
    environ = {"PUBSUB_EMULATOR_HOST": "192.0.2.1:8085"}
    topic = open_destination(Topic(TOPIC), environ=environ)
    with pytest.raises(Refused, match="PUBSUB_EMULATOR_HOST") as refused:
        topic.deliver(result(b"1"), Context(5))
    assert refused.value.code == "delivery.refused.not_set_up"


def test_a_message_goes_to_google_whatever_its_client_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "192.0.2.1:8085")
    monkeypatch.setattr("google.auth.default", lambda *_, **__: (Credentials("token"), None))
    opened: list[str] = []
    open_channel = google_pubsub._open_channel
    monkeypatch.setattr(google_pubsub, "_open_channel", lambda host, **more: opened.append(host) or open_channel(host, **more))
    google_pubsub._make_client(None).transport.close()
    assert opened == ["pubsub.googleapis.com:443"]


def test_without_credentials_it_is_unauthenticated(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name, value in {"NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(tmp_path), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Refused, match="gcloud auth application-default login") as refused:
        open_destination(Topic(TOPIC)).deliver(result(b"1"), Context(5))
    assert refused.value.code == "delivery.refused.unauthenticated"


def test_the_log_has_no_word_of_a_result(topic: Destination, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    topic.deliver(result(SENT.encode()), Context(25))
    assert not [record for record in caplog.records if SENT in str(record.__dict__) or "content of" in record.getMessage()]
