"""Results in S3 and on SQS, through boto3 against moto's server: what is stored, and how it fails."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from helseid_fn.context import Context
from helseid_fn.delivery.address import parse_result_address
from helseid_fn.delivery.result import Destination, Receipt
from helseid_fn.delivery.wiring import open_destination
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused
from standin.aws.quick_clients import share_models
from standin.aws.result_places import ResultPlaces, refuse_s3
from standin.aws.secrets_manager import CREDENTIALS
from standin.aws.server import App, Environ, StartResponse, drip, raw, refuse, respond, slow
from tests.conftest import ROOT
from tests.support.certificates import Authority
from tests.support.deployment import short_sleep
from tests.support.results import ATTRIBUTES, BrokenBodyError, break_off, make_result

MIB = 1024 * 1024
IN_S3 = {name.replace("_", "-"): value for name, value in ATTRIBUTES.items()}


@pytest.fixture(scope="module")
def server() -> Iterator[ResultPlaces]:
    with pytest.MonkeyPatch.context() as patch, ResultPlaces() as server:
        patch.setattr(botocore.session, "create_loader", botocore.session.create_loader)
        share_models()
        yield server


@pytest.fixture
def places(server: ResultPlaces, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResultPlaces]:
    """Return S3 and SQS, which have received no request yet, and which boto3 finds by the environment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.requests.clear()
    yield server
    server.forget_faults()


@pytest.fixture
def bucket(places: ResultPlaces) -> str:
    return places.add_bucket()


@pytest.fixture
def queue(places: ResultPlaces) -> str:
    return places.add_queue()


def open_place(address: str) -> Destination:
    return open_destination(parse_result_address(address), sleep=short_sleep, random=lambda: 0.5)


def object_in(places: ResultPlaces, bucket: str, key: str = "p/day/1.json") -> dict[str, Any]:
    found: dict[str, Any] = places.client("s3").get_object(Bucket=bucket, Key=key)
    return {**found, "Body": found["Body"].read()}


def keys_in(places: ResultPlaces, bucket: str) -> list[str]:
    return [each["Key"] for each in places.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def refusal_of(deliver: Callable[[], object]) -> HelseidFnError:
    with pytest.raises(HelseidFnError) as raised:
        deliver()
    return raised.value


@pytest.mark.parametrize("blocks", [(b'{"a": ', b"1}"), (b"",), (), (b"\0\xff\r\n",)])
@pytest.mark.parametrize("is_stream", [False, True], ids=["bytes", "stream"])
def test_an_object_has_the_bytes_type_and_attributes(
    places: ResultPlaces, bucket: str, blocks: tuple[bytes, ...], *, is_stream: bool
) -> None:
    body, content_type = b"".join(blocks), "application/fhir+json; charset=utf-8"
    ctx = Context(25)
    receipt = open_place(f"s3://{bucket}/p").deliver(
        make_result(iter(blocks) if is_stream else body, content_type=content_type), ctx
    )
    found, digest = object_in(places, bucket), hashlib.sha256(body).hexdigest()
    assert (found["Body"], found["ContentType"]) == (body, content_type)
    assert found["Metadata"] == {**IN_S3, "sha256": digest}
    assert receipt == Receipt(f"s3://{bucket}/p/day/1.json", len(body), digest)
    assert places.requests == [f"PUT /{bucket}/p/day/1.json"]
    assert (ctx.requests[Party.DELIVERY], ctx.outcomes[Party.DELIVERY]) == (1, ["ok"])


def test_the_same_name_overwrites_the_object(places: ResultPlaces, bucket: str) -> None:
    place = open_place(f"s3://{bucket}")
    place.deliver(make_result(b"first, and longer"), Context(25))
    place.deliver(make_result(iter([b"second"])), Context(25))
    assert (object_in(places, bucket, "day/1.json")["Body"], keys_in(places, bucket)) == (b"second", ["day/1.json"])


def test_a_name_with_every_character_allowed_is_the_key(places: ResultPlaces, bucket: str) -> None:
    name = "2026-01-01T00:00:00~a!_.*'()=@+,:-/b"
    open_place(f"s3://{bucket}").deliver(make_result(name=name), Context(25))
    assert keys_in(places, bucket) == [name]


def test_a_body_that_breaks_off_leaves_no_object(places: ResultPlaces, bucket: str) -> None:
    place = open_place(f"s3://{bucket}")
    with pytest.raises(BrokenBodyError):
        place.deliver(make_result(break_off(b"x" * MIB, b"x" * MIB)), Context(25))
    assert (keys_in(places, bucket), places.requests) == ([], [])


def test_a_body_that_outlasts_the_deadline_is_not_stored(places: ResultPlaces, bucket: str) -> None:
    def drip_blocks() -> Iterator[bytes]:
        while True:
            yield b"x"
            time.sleep(0.02)

    error = refusal_of(lambda: open_place(f"s3://{bucket}").deliver(make_result(drip_blocks()), Context(1)))
    assert (error.code, keys_in(places, bucket)) == ("delivery.deadline_exceeded", [])


@pytest.mark.parametrize(
    "fault", [refuse_s3(503, "SlowDown"), refuse_s3(500, "InternalError"), refuse_s3(400, "BadDigest"), raw(b"")]
)
def test_a_stream_is_sent_whole_again_after_two_faults(places: ResultPlaces, bucket: str, fault: App) -> None:
    ctx = Context(25)
    places.fail_next(fault, times=2)
    open_place(f"s3://{bucket}/p").deliver(make_result(iter([b"a" * MIB, b"b"])), ctx)
    assert object_in(places, bucket)["Body"] == b"a" * MIB + b"b"
    assert (len(places.requests), ctx.requests[Party.DELIVERY]) == (3, 3)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (refuse_s3(503, "SlowDown"), "unavailable.rate_limited"),
        (refuse_s3(503, "ServiceUnavailable"), "unavailable.server_error"),
        (refuse_s3(409, "OperationAborted"), "unavailable.server_error"),
        (refuse_s3(400, "BadDigest"), "invalid_response.checksum"),
        (raw(b""), "unavailable.connection_lost"),
        (raw(b"SMTP\r\n\r\n"), "invalid_response.http"),
        (respond(200, b""), "invalid_response.http"),
    ],
)
def test_a_lasting_fault_is_reported_after_three_attempts(places: ResultPlaces, bucket: str, fault: App, code: str) -> None:
    places.fail_next(fault, times=3)
    error = refusal_of(lambda: open_place(f"s3://{bucket}").deliver(make_result(), Context(25)))
    assert (error.code, error.party, len(places.requests)) == (f"delivery.{code}", Party.DELIVERY, 3)


@pytest.mark.parametrize(
    ("code", "message", "reason", "action"),
    [
        ("AccessDenied", "HUSH is not authorized to perform: s3:PutObject", "denied", "s3:PutObject"),
        ("AccessDenied", "HUSH is not authorized to perform: kms:GenerateDataKey", "denied", "kms:GenerateDataKey"),
        ("KMS.DisabledException", "HUSH", "denied", "kms:GenerateDataKey"),
        ("EntityTooLarge", "HUSH", "too_large", ""),
        ("ExpiredToken", "HUSH", "unauthenticated", ""),
        ("InvalidAccessKeyId", "HUSH", "unauthenticated", ""),
        ("InvalidObjectState", "HUSH", "other", ""),
    ],
)
def test_a_refusal_by_s3_names_the_remedy_and_is_final(
    places: ResultPlaces, bucket: str, code: str, message: str, reason: str, action: str
) -> None:
    places.fail_next(refuse_s3(403, code, message))
    error = refusal_of(lambda: open_place(f"s3://{bucket}/p").deliver(make_result(b"HUSH"), Context(25)))
    assert (error.code, len(places.requests)) == (f"delivery.refused.{reason}", 1)
    assert action in str(error)
    assert "HUSH" not in str(error)


def test_a_denial_by_s3_has_the_policy_statement_to_add(places: ResultPlaces, bucket: str) -> None:
    places.fail_next(refuse_s3(403, "AccessDenied"))
    error = refusal_of(lambda: open_place(f"s3://{bucket}/p").deliver(make_result(), Context(25)))
    (statement,) = re.findall(r"\{.*?\}", str(error))
    resource = f"arn:aws:s3:::{bucket}/p/*"
    assert json.loads(statement) == {"Effect": "Allow", "Action": "s3:PutObject", "Resource": resource}


@pytest.mark.parametrize(
    "address", ["s3://no-such-bucket-anywhere/p", "arn:aws:sqs:eu-north-1:123456789012:nowhere"], ids=["bucket", "queue"]
)
def test_a_place_that_is_not_there_is_not_found(places: ResultPlaces, address: str) -> None:
    error = refusal_of(lambda: open_place(address).deliver(make_result(), Context(25)))
    assert (error.code, address in str(error), len(places.requests)) == ("delivery.refused.not_found", True, 1)


@pytest.mark.parametrize("fault", [slow(3, refuse_s3(503, "SlowDown")), drip(3)], ids=["silent", "dripping"])
def test_a_slow_s3_does_not_outlast_the_deadline(places: ResultPlaces, bucket: str, fault: App) -> None:
    place = open_place(f"s3://{bucket}")
    place.deliver(make_result(), Context(25))
    places.fail_always(fault)
    began_at = time.monotonic()
    error = refusal_of(lambda: place.deliver(make_result(iter([b"x"])), Context(0.9)))
    assert time.monotonic() - began_at < 2.5
    assert error.code in {"delivery.deadline_exceeded", "delivery.unavailable.timeout"}
    places.fail_always(None)
    assert place.deliver(make_result(), Context(25)).size_bytes > 0


def test_a_stopped_s3_is_unavailable_and_used_when_restarted(places: ResultPlaces, bucket: str) -> None:
    place = open_place(f"s3://{bucket}")
    place.deliver(make_result(), Context(25))
    places.stop()
    try:
        error = refusal_of(lambda: place.deliver(make_result(), Context(25)))
    finally:
        places.start()
    assert (error.code, error.retryable) == ("delivery.unavailable.connect", True)
    assert place.deliver(make_result(), Context(25)).size_bytes > 0


def test_an_endpoint_elsewhere_without_tls_is_refused(
    places: ResultPlaces, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.example")
    error = refusal_of(lambda: open_place(f"s3://{bucket}").deliver(make_result(), Context(25)))
    assert (error.code, "AWS_ENDPOINT_URL_S3" in str(error), places.requests) == ("delivery.refused.other", True, [])


def test_missing_credentials_are_reported_before_anything_is_sent(
    places: ResultPlaces, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    error = refusal_of(lambda: open_place(f"s3://{bucket}").deliver(make_result(), Context(25)))
    assert (error.code, places.requests) == ("delivery.refused.unauthenticated", [])


def test_no_thread_is_left_after_a_delivery(bucket: str) -> None:
    before = set(threading.enumerate())
    open_place(f"s3://{bucket}").deliver(make_result(iter([b"x"])), Context(25))
    assert not [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("aws-")]


LARGE = """
import json, pathlib, re, resource, sys
from helseid_fn.context import Context
from helseid_fn.delivery.address import parse_result_address
from helseid_fn.delivery.result import Result
from helseid_fn.delivery.wiring import open_destination
place = open_destination(parse_result_address(sys.argv[1]))
def peak():
    status = pathlib.Path("/proc/self/status")  # getrusage counts the parent's memory before exec, too
    if status.exists():
        return int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
place.deliver(Result("small", "text/plain", b"x", {}), Context(25))
before = peak()
receipt = place.deliver(Result("large", "text/plain", (bytes([n % 251]) * 65536 for n in range(560)), {}), Context(25))
print(json.dumps([peak() - before, receipt.size_bytes, receipt.sha256]))
"""


def test_a_stream_of_35_mib_takes_little_memory(places: ResultPlaces, bucket: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LARGE, f"s3://{bucket}"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    grown, size, digest = json.loads(run.stdout)
    body = object_in(places, bucket, "large")["Body"]
    assert (len(body), size, digest) == (35 * MIB, 35 * MIB, hashlib.sha256(body).hexdigest())
    assert grown < 8 * MIB


TALKATIVE = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s %(message)s %(args)s")
from helseid_fn.context import Context
from helseid_fn.delivery.address import parse_result_address
from helseid_fn.delivery.result import Result
from helseid_fn.delivery.wiring import open_destination
for address in sys.argv[1:]:
    place = open_destination(parse_result_address(address))
    for number in range(2):
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).setLevel(logging.DEBUG)
        place.deliver(Result("x", "text/plain", b"a patient's HUSHHUSH", {}), Context(25))
"""


def test_boto3s_debug_log_shows_no_result_and_no_credentials(places: ResultPlaces, bucket: str, queue: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", TALKATIVE, f"s3://{bucket}", queue],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert len(places.requests) == 4
    assert len(run.stderr) > 1000
    secrets = ("HUSHHUSH", *CREDENTIALS.values(), "Signature=")
    assert [secret for secret in secrets if secret in run.stdout + run.stderr] == []


SAID = {
    "invocation": "inv-1",
    "status": "200",
    "organization": "999977774",
    "correlation_id": "c-1",
    "name": "day/1.json",
    "content_type": "application/json",
}


def message_on(places: ResultPlaces, queue: str) -> tuple[str, dict[str, str], str]:
    """Return the only message of a queue: its body, its attributes and its id."""
    (message,) = places.messages(queue)
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    return message["Body"], attributes, message["MessageId"]


@pytest.mark.parametrize("text", ['{"navn": "Øst"}\r\n', "\t\ud7ff\ue000\ufffd\U0010ffff<&>"])
@pytest.mark.parametrize("is_stream", [False, True], ids=["bytes", "stream"])
def test_text_is_a_message_as_it_is(places: ResultPlaces, queue: str, text: str, *, is_stream: bool) -> None:
    body, ctx = text.encode(), Context(25)
    receipt = open_place(queue).deliver(make_result(iter([body[:9], body[9:]]) if is_stream else body), ctx)
    found, attributes, message_id = message_on(places, queue)
    digest = hashlib.sha256(body).hexdigest()
    assert (found, attributes) == (text, {**SAID, "sha256": digest})
    assert receipt == Receipt(f"{queue}#{message_id}", len(body), digest)
    assert (places.requests, ctx.outcomes[Party.DELIVERY]) == (["SendMessage"], ["ok"])


@pytest.mark.parametrize(
    ("body", "text"), [(b"\xff\xfe", "//4="), (b"a\0b", "YQBi"), (b"\x1b", "Gw=="), ("\ufffe".encode(), "77++")]
)
def test_what_sqs_takes_not_as_text_is_base64(places: ResultPlaces, queue: str, body: bytes, text: str) -> None:
    receipt = open_place(queue).deliver(make_result(body), Context(25))
    found, attributes, _ = message_on(places, queue)
    digest = hashlib.sha256(body).hexdigest()
    assert (found, attributes) == (text, {**SAID, "sha256": digest, "encoding": "base64"})
    assert (receipt.size_bytes, receipt.sha256) == (len(body), digest)


def test_an_empty_result_is_a_message_that_says_so(places: ResultPlaces, queue: str) -> None:
    assert open_place(queue).deliver(make_result(b""), Context(25)).size_bytes == 0
    found, attributes, _ = message_on(places, queue)
    assert (found, attributes["encoding"]) == (" ", "empty")


ROOM = MIB - sum(len(name) + len("String") + len(value) for name, value in SAID.items()) - len("sha256String") - 64
"""What is left for the body of the largest message."""


def test_the_largest_message_is_sent(places: ResultPlaces, queue: str) -> None:
    open_place(queue).deliver(make_result(b"x" * ROOM), Context(25))
    assert len(message_on(places, queue)[0]) == ROOM


@pytest.mark.parametrize(
    "body",
    [b"x" * (ROOM + 1), iter([b"x" * MIB] * 2), b"\xff" * (ROOM * 3 // 4)],
    ids=["one byte more", "a stream", "in base64"],
)
def test_what_is_too_large_for_a_message_is_not_sent(places: ResultPlaces, queue: str, body: Any) -> None:
    error = refusal_of(lambda: open_place(queue).deliver(make_result(body), Context(25)))
    assert (error.code, places.requests) == ("delivery.refused.too_large", [])
    assert "Deliver into a bucket" in str(error)


def test_a_queues_own_limit_is_named_too(places: ResultPlaces, queue: str) -> None:
    said = "One or more parameters are invalid. Reason: Message must be shorter than 262144 bytes."
    places.fail_next(refuse(400, "InvalidParameterValue", said))
    error = refusal_of(lambda: open_place(queue).deliver(make_result(), Context(25)))
    assert (error.code, "Deliver into a bucket" in str(error)) == ("delivery.refused.too_large", True)


def test_a_fifo_queue_takes_each_result_of_a_run_once(places: ResultPlaces) -> None:
    queue = places.add_queue(FifoQueue="true")
    place = open_place(queue)
    for body, name, run in ((b"1", "a", "r-1"), (b"1", "a", "r-1"), (b"2", "a", "r-1"), (b"1", "b", "r-1"), (b"1", "a", "r-2")):
        place.deliver(replace(make_result(body, name), run=run), Context(25))
    found: list[dict[str, Any]] = []
    client = places.client("sqs")
    url = client.get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
    while batch := places.messages(queue):
        found += batch
        for message in batch:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sent = [(each["Body"], each["MessageAttributes"]["name"]["StringValue"]) for each in found]
    assert sent == [("1", "a"), ("2", "a"), ("1", "b"), ("1", "a")]
    assert {each["Attributes"]["MessageGroupId"] for each in found} == {"helseid-fn"}


@pytest.mark.parametrize("fault", [refuse(400, "RequestThrottled"), refuse(500, "InternalError"), raw(b"")])
def test_a_message_is_sent_again_after_two_faults(places: ResultPlaces, queue: str, fault: App) -> None:
    places.fail_next(fault, times=2)
    open_place(queue).deliver(make_result(b"1"), Context(25))
    assert (message_on(places, queue)[0], len(places.requests)) == ("1", 3)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (refuse(400, "AccessDeniedException"), "refused.denied"),
        (refuse(403, "AccessDenied"), "refused.denied"),
        (refuse(400, "KmsAccessDenied"), "refused.denied"),
        (refuse(400, "KmsDisabled"), "refused.denied"),
        (refuse(400, "QueueDoesNotExist"), "refused.not_found"),
        (refuse(400, "InvalidMessageContents"), "refused.other"),
        (refuse(403, "InvalidClientTokenId"), "refused.unauthenticated"),
        (respond(200, {"MessageId": "x", "MD5OfMessageBody": "x"}), "invalid_response.checksum"),
        (respond(200, {"MD5OfMessageBody": "c4ca4238a0b923820dcc509a6f75849b"}), "invalid_response.http"),
        (respond(200, b"{"), "invalid_response.http"),
    ],
)
def test_what_sqs_responds_has_a_meaning(places: ResultPlaces, queue: str, fault: App, code: str) -> None:
    places.fail_always(fault)
    error = refusal_of(lambda: open_place(queue).deliver(make_result(b"1"), Context(25)))
    assert (error.code, len(places.requests)) == (f"delivery.{code}", 1 if isinstance(error, Refused) else 3)


def test_a_denial_by_sqs_has_the_policy_statement_to_add(places: ResultPlaces, queue: str) -> None:
    places.fail_next(refuse(403, "AccessDenied"))
    error = refusal_of(lambda: open_place(queue).deliver(make_result(), Context(25)))
    (statement,) = re.findall(r"\{.*?\}", str(error))
    assert json.loads(statement) == {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}


def test_a_silent_sqs_does_not_outlast_the_deadline(places: ResultPlaces, queue: str) -> None:
    place = open_place(queue)
    place.deliver(make_result(), Context(25))
    places.fail_always(slow(3, refuse(500, "InternalError")))
    began_at = time.monotonic()
    error = refusal_of(lambda: place.deliver(make_result(), Context(0.6)))
    assert time.monotonic() - began_at < 2
    assert error.code in {"delivery.deadline_exceeded", "delivery.unavailable.timeout"}


def test_a_stream_goes_over_tls_with_its_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, sent = Authority(tmp_path), {}
    with ResultPlaces(tls=authority.server()) as places:
        for name, value in {**places.environment, "AWS_CA_BUNDLE": str(authority.bundle), "NO_PROXY": "127.0.0.1"}.items():
            monkeypatch.setenv(name, value)

        def look(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            sent.update(environ)
            return places._moto(environ, start_response)

        bucket = places.add_bucket()
        places.fail_next(look)
        receipt = open_place(f"s3://{bucket}").deliver(make_result(iter([b"x" * MIB] * 3)), Context(25))
        body = object_in(places, bucket, "day/1.json")["Body"]
    digest = hashlib.sha256(body).digest()
    assert (len(body), receipt.sha256) == (3 * MIB, digest.hex())
    assert (sent["HTTP_X_AMZ_CHECKSUM_SHA256"], sent["CONTENT_LENGTH"]) == (base64.b64encode(digest).decode(), str(3 * MIB))
