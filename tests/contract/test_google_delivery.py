"""Do results and cursors reach Cloud Storage? Google's own client, against an emulator that others wrote."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from itertools import product, repeat
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials

from helseid_fn.context import Context
from helseid_fn.delivery.address import Bucket
from helseid_fn.delivery.google.storage import GoogleBucket
from helseid_fn.delivery.google.storage_sdk import StorageClient
from helseid_fn.delivery.result import Result
from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, InvalidResponse, Refused, Unavailable
from tests.support.cloud_storage import BUCKET, CloudStorage, Corrupt, Garbage, Lose, Part, Silence, Status, run_cloud_storage

MIB = 1024 * 1024
ATTRIBUTES = {"invocation": "i-1", "status": "200", "organization": "999977774", "time": "2026-11-28T07:00:00Z"}
BLOCK = bytes(range(256)) * 256
SENT = "content of the object"
SENT_BYTES = SENT.encode()


@pytest.fixture
def cloud() -> Iterator[CloudStorage]:
    """Return Cloud Storage on this machine."""
    with run_cloud_storage() as running:
        yield running


@pytest.fixture
def bucket(cloud: CloudStorage) -> GoogleBucket:
    """Return the product's way to the bucket."""
    return open_bucket(cloud)


def open_bucket(cloud: CloudStorage, name: str = BUCKET) -> GoogleBucket:
    return GoogleBucket(Bucket("gs", name, "in/"), sleep=lambda _: None, random=lambda: 0.5, environ=cloud.environ)


def result(body: Any = SENT_BYTES, name: str = "a/b.json") -> Result:
    return Result(name, "application/fhir+json; charset=utf-8", body, ATTRIBUTES)


def blocks(size_bytes: int) -> Iterator[bytes]:
    return repeat(BLOCK, size_bytes // len(BLOCK))


def hexadecimal(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def test_a_result_is_stored_byte_for_byte_with_attributes(cloud: CloudStorage, bucket: GoogleBucket) -> None:
    ctx, body = Context(25), bytes(range(256))
    receipt = bucket.deliver(result(body), ctx)
    stored = cloud.object("in/a/b.json")
    assert (receipt.address, receipt.size_bytes, receipt.sha256) == (f"gs://{BUCKET}/in/a/b.json", 256, hexadecimal(body))
    assert cloud.content("in/a/b.json") == body
    assert stored.content_type == "application/fhir+json; charset=utf-8"
    assert stored.metadata == {**ATTRIBUTES, "sha256": receipt.sha256}
    assert (ctx.requests[Party.DELIVERY], ctx.outcomes[Party.DELIVERY]) == (1, ["ok"])


def test_the_same_name_overwrites(cloud: CloudStorage, bucket: GoogleBucket) -> None:
    for body in (b"first, and longer", b"second"):
        bucket.deliver(result(body), Context(25))
    assert cloud.content("in/a/b.json") == b"second"


def test_bytes_of_more_than_8_mib_are_stored_alike(cloud: CloudStorage, bucket: GoogleBucket) -> None:
    body = b"".join(blocks(9 * MIB))
    receipt = bucket.deliver(result(body), Context(25))
    stored = cloud.object("in/a/b.json")
    assert hexadecimal(cloud.content("in/a/b.json")) == receipt.sha256
    assert (stored.content_type, stored.metadata["sha256"]) == ("application/fhir+json; charset=utf-8", receipt.sha256)
    assert cloud.kinds == ["begin", "chunk"]  # in two requests, as Google's client does it


@pytest.mark.parametrize("size_bytes", [0, MIB])
def test_a_stream_of_at_most_a_chunk_takes_one_request(cloud: CloudStorage, bucket: GoogleBucket, size_bytes: int) -> None:
    receipt = bucket.deliver(result(blocks(size_bytes)), Context(25))
    assert cloud.kinds == ["store"]
    assert hexadecimal(cloud.content("in/a/b.json")) == receipt.sha256


@pytest.mark.parametrize("size_bytes", [MIB + len(BLOCK), 2 * MIB, 3 * MIB])
def test_a_longer_stream_is_stored_in_chunks(cloud: CloudStorage, bucket: GoogleBucket, size_bytes: int) -> None:
    receipt = bucket.deliver(result(blocks(size_bytes)), Context(25))
    stored, body = cloud.object("in/a/b.json"), b"".join(blocks(size_bytes))
    assert cloud.content("in/a/b.json") == body
    assert stored.content_type == "application/fhir+json; charset=utf-8"
    assert stored.metadata == {**ATTRIBUTES, "sha256": hexadecimal(body)}
    assert (receipt.size_bytes, receipt.sha256) == (size_bytes, hexadecimal(body))
    assert cloud.kinds == ["begin", *["chunk"] * -(-size_bytes // MIB), "label"]


def test_a_body_that_breaks_off_leaves_nothing(cloud: CloudStorage, bucket: GoogleBucket) -> None:
    lost = Unavailable(Party.API, "connection_lost", "The API closed the connection.")

    def breaking() -> Iterator[bytes]:
        yield from blocks(3 * MIB)
        raise lost

    with pytest.raises(Unavailable) as raised:
        bucket.deliver(result(breaking()), Context(25))
    assert raised.value is lost
    assert cloud.kinds == ["begin", "chunk", "chunk"]
    assert cloud.object("in/a/b.json") is None


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("store", 401, "refused.unauthenticated"),
        ("store", 403, "refused.denied"),
        ("store", 400, "refused.other"),
        ("begin", 403, "refused.denied"),
        ("chunk", 403, "refused.denied"),
        ("label", 403, "refused.denied"),
    ],
)
def test_a_refusal_is_final_and_repeats_no_word(
    cloud: CloudStorage, bucket: GoogleBucket, kind: str, status: int, code: str
) -> None:
    cloud.fail_next(kind, Status(status))
    body = SENT.encode() if kind == "store" else blocks(2 * MIB)
    ctx = Context(25)
    with pytest.raises(Refused) as refused:
        bucket.deliver(result(body), ctx)
    assert refused.value.code == f"delivery.{code}"
    assert cloud.kinds.count(kind) == 1
    assert ctx.outcomes[Party.DELIVERY][-1] in (status, "unauthenticated")  # the emulator's client cannot renew its token
    assert "Kari" not in str(refused.value)
    assert SENT not in str(refused.value)


@pytest.mark.parametrize("body", [SENT.encode(), [BLOCK] * 20])
def test_a_bucket_that_is_not_there_is_not_found(cloud: CloudStorage, body: bytes | list[bytes]) -> None:
    with pytest.raises(Refused, match="no bucket gs://another") as refused:
        open_bucket(cloud, "another").deliver(result(body), Context(25))
    assert refused.value.code == "delivery.refused.not_found"


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        *product(["store", "begin", "label"], [Status(503), Status(429), Status(408), Lose(), Garbage()]),
        ("store", Corrupt()),
    ],
)
def test_a_failure_that_passes_is_repeated(cloud: CloudStorage, bucket: GoogleBucket, kind: str, fault: Any) -> None:
    cloud.fail_next(kind, fault, fault)
    body = b"".join(blocks(2 * MIB))
    bucket.deliver(result(body if kind == "store" else blocks(2 * MIB)), Context(25))
    assert cloud.kinds.count(kind) == 3
    assert cloud.content("in/a/b.json") == body
    assert cloud.object("in/a/b.json").metadata["sha256"] == hexadecimal(body)


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("fault", [Status(503), Lose()])
def test_a_chunk_goes_on_from_what_is_persisted(
    cloud: CloudStorage, bucket: GoogleBucket, after: int, fault: Status | Lose
) -> None:
    cloud.fail_next("chunk", fault, after=after)
    bucket.deliver(result(blocks(3 * MIB)), Context(25))
    assert cloud.content("in/a/b.json") == b"".join(blocks(3 * MIB))
    assert cloud.kinds.count("chunk") == (3 if fault == Lose() else 4)
    assert cloud.kinds.count("ask") == 1


def test_a_chunk_that_is_persisted_in_part_is_completed(cloud: CloudStorage, bucket: GoogleBucket) -> None:
    cloud.fail_next("chunk", Part(), Part(), after=1)
    bucket.deliver(result(blocks(3 * MIB)), Context(25))
    assert cloud.content("in/a/b.json") == b"".join(blocks(3 * MIB))
    assert cloud.kinds == ["begin", *["chunk"] * 5, "label"]


@pytest.mark.parametrize("status", [404, 410])
def test_an_upload_that_cloud_storage_has_ended_may_be_repeated(cloud: CloudStorage, bucket: GoogleBucket, status: int) -> None:
    cloud.fail_next("chunk", Status(status))
    cloud.fail_next("ask", Status(status), Status(status))
    with pytest.raises(Unavailable) as unavailable:
        bucket.deliver(result(blocks(3 * MIB)), Context(25))
    assert (unavailable.value.code, unavailable.value.retryable) == ("delivery.unavailable.server_error", True)


@pytest.mark.parametrize("kind", ["store", "begin", "chunk", "label"])
def test_a_failure_is_repeated_twice_at_most(cloud: CloudStorage, bucket: GoogleBucket, kind: str) -> None:
    cloud.fail_next(kind, *[Status(503)] * 9)
    ctx = Context(25)
    with pytest.raises(Unavailable) as unavailable:
        bucket.deliver(result() if kind == "store" else result(blocks(2 * MIB)), ctx)
    assert unavailable.value.code == "delivery.unavailable.server_error"
    assert cloud.kinds.count(kind) == 3
    assert ctx.outcomes[Party.DELIVERY].count(503) == 3


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'"x"', b"1", b"{}", b'{"crc32c": []}', b"[" * 100_000, b"\xff"])
@pytest.mark.parametrize("kind", ["store", "begin", "chunk", "label"])
def test_a_response_that_is_not_googles_is_invalid(
    cloud: CloudStorage, bucket: GoogleBucket, kind: str, content: bytes
) -> None:
    cloud.fail_next(kind, *[Garbage(content)] * 3)
    with pytest.raises(InvalidResponse) as invalid:
        bucket.deliver(result() if kind == "store" else result(blocks(2 * MIB)), Context(25))
    assert invalid.value.reason in ("http", "checksum")


def test_a_stream_that_was_changed_on_its_way_is_an_error(cloud: CloudStorage, bucket: GoogleBucket) -> None:
    cloud.fail_next("chunk", Corrupt())
    with pytest.raises(InvalidResponse) as invalid:
        bucket.deliver(result(blocks(2 * MIB)), Context(25))
    assert invalid.value.code == "delivery.invalid_response.checksum"


def test_an_object_that_another_run_has_replaced_is_not_labelled(cloud: CloudStorage, bucket: GoogleBucket) -> None:
    cloud.fail_next("label", Status(412))
    assert bucket.deliver(result(blocks(2 * MIB)), Context(25)).size_bytes == 2 * MIB


@pytest.mark.parametrize(("kind", "size_bytes"), [("store", MIB), ("begin", 2 * MIB), ("chunk", 2 * MIB)])
def test_silence_ends_at_the_deadline(cloud: CloudStorage, bucket: GoogleBucket, kind: str, size_bytes: int) -> None:
    cloud.fail_next(kind, *[Silence()] * 3)
    ctx = Context(0.6)
    with pytest.raises((DeadlineExceeded, Unavailable)) as late:
        bucket.deliver(result(blocks(size_bytes)), ctx)
    assert late.value.reason in ("deadline_exceeded", "timeout")
    assert cloud.object("in/a/b.json") is None


def test_no_server_is_unavailable() -> None:
    with run_cloud_storage() as cloud:
        bucket = open_bucket(cloud)
    ctx = Context(5)
    with pytest.raises(Unavailable) as unavailable:
        bucket.deliver(result(), ctx)
    assert unavailable.value.code == "delivery.unavailable.connect"
    assert ctx.outcomes[Party.DELIVERY] == ["connect"] * 3


def test_a_token_goes_to_google_whatever_its_client_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://192.0.2.1:4443")
    monkeypatch.setattr("google.auth.default", lambda **_: (AnonymousCredentials(), None))
    assert StorageClient(None).object(Bucket("gs", BUCKET), "a").client.api_endpoint == "https://storage.googleapis.com"


def test_an_emulator_on_another_machine_is_refused() -> None:
    environ = {"STORAGE_EMULATOR_HOST": "http://192.0.2.1:4443"}
    bucket = GoogleBucket(Bucket("gs", BUCKET), sleep=lambda _: None, random=lambda: 0.5, environ=environ)
    with pytest.raises(Refused, match="STORAGE_EMULATOR_HOST") as refused:
        bucket.deliver(result(), Context(5))
    assert refused.value.code == "delivery.refused.not_set_up"


def test_without_credentials_it_is_unauthenticated(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name, value in {"NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(tmp_path), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    bucket = GoogleBucket(Bucket("gs", BUCKET), sleep=lambda _: None, random=lambda: 0.5)
    with pytest.raises(Refused, match="gcloud auth application-default login") as refused:
        bucket.deliver(result(), Context(5))
    assert refused.value.code == "delivery.refused.unauthenticated"


def test_threads_share_one_client(cloud: CloudStorage, bucket: GoogleBucket) -> None:
    failures: list[HelseidFnError] = []

    def deliver(number: int) -> None:
        try:
            bucket.deliver(result(str(number).encode(), f"{number}"), Context(25))
        except HelseidFnError as error:
            failures.append(error)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert [cloud.content(f"in/{number}") for number in range(20)] == [str(number).encode() for number in range(20)]


def test_the_log_has_no_word_of_a_result(cloud: CloudStorage, bucket: GoogleBucket, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bucket.deliver(result(), Context(25))
    bucket.deliver(result([SENT.encode(), *[BLOCK] * 20]), Context(25))
    said = [record for record in caplog.records if not record.name.startswith("urllib3")]
    assert not [record for record in said if SENT in record.getMessage() or SENT in str(record.__dict__)]
    assert cloud.kinds.count("store") == 1
