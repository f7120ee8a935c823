"""Is the stand-in's Pub/Sub as strict as Google's? Called by Google's own client, over real gRPC."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from standin.pubsub import Message, PubSub
from standin.secret_faults import Fail, Silence

TOPIC = "projects/p/topics/results"


@pytest.fixture
def pubsub() -> Iterator[PubSub]:
    with PubSub(TOPIC) as running:
        yield running


@pytest.fixture
def google(pubsub: PubSub) -> Iterator[PublisherClient]:
    with grpc.insecure_channel(pubsub.address) as channel:
        yield PublisherClient(transport=PublisherGrpcTransport(channel=channel))


def publish(google: PublisherClient, *messages: dict[str, Any], topic: str = TOPIC, timeout: float = 5) -> list[str]:
    response = google.publish(request={"topic": topic, "messages": messages}, timeout=timeout, retry=None)
    return list(response.message_ids)


def test_a_message_is_taken_as_it_is(pubsub: PubSub, google: PublisherClient) -> None:
    data, attributes = bytes(range(256)), {"name": "å", "empty": ""}
    ids = publish(google, {"data": data, "attributes": attributes}, {"data": b"2"})
    assert ids == ["1", "2"]
    assert pubsub.messages == [Message(TOPIC, "1", data, attributes), Message(TOPIC, "2", b"2", {})]


def test_an_unknown_topic_is_not_found(google: PublisherClient) -> None:
    with pytest.raises(exceptions.NotFound):
        publish(google, {"data": b"1"}, topic="projects/p/topics/another")


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{}],
        [{"data": b"x" * 10_000_000}],
        [{"data": b"x"}] * 1001,
        [{"attributes": {f"k{number}": "" for number in range(101)}}],
        [{"attributes": {"k": "x" * 1025}}],
        [{"attributes": {"k": "æ" * 513}}],
        [{"attributes": {"k" * 257: ""}}],
        [{"attributes": {"": "x"}}],
        [{"attributes": {"googclient_x": "x"}}],
    ],
    ids=["none", "empty", "10 MB", "1001", "101 attributes", "value", "value in UTF-8", "key", "no key", "Google's own key"],
)
def test_what_exceeds_a_limit_is_an_invalid_argument(
    pubsub: PubSub, google: PublisherClient, messages: list[dict[str, Any]]
) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        publish(google, *messages)
    assert pubsub.messages == []


def test_what_is_just_within_the_limits_is_taken(pubsub: PubSub, google: PublisherClient) -> None:
    attributes = {f"{number:02}" + "k" * 254: "x" * 1024 for number in range(100)}
    publish(google, {"data": b"x" * 9_800_000, "attributes": attributes})
    publish(google, *[{"data": b"x"}] * 1000)
    assert len(pubsub.messages) == 1001


def test_a_planned_failure_may_take_the_message_first(pubsub: PubSub, google: PublisherClient) -> None:
    pubsub.fail_next(Fail("UNAVAILABLE"))
    pubsub.fail_next(Fail("UNAVAILABLE", handled=True))
    for _ in range(2):
        with pytest.raises(exceptions.ServiceUnavailable):
            publish(google, {"data": b"1"})
    assert (pubsub.calls, len(pubsub.messages)) == (2, 1)


def test_silence_lasts_until_the_caller_gives_up(pubsub: PubSub, google: PublisherClient) -> None:
    pubsub.fail_next(Silence())
    with pytest.raises(exceptions.DeadlineExceeded):
        publish(google, {"data": b"1"}, timeout=0.2)
    assert pubsub.messages == []


def test_a_restarted_server_keeps_its_port_and_topics(pubsub: PubSub) -> None:
    address = pubsub.address
    pubsub.stop()
    pubsub.start()
    assert pubsub.address == address
    with grpc.insecure_channel(address) as channel:
        assert publish(PublisherClient(transport=PublisherGrpcTransport(channel=channel)), {"data": b"1"}) == ["1"]
