"""Where results and cursors go, as settings have it."""

from __future__ import annotations

import pytest

from helseid_fn.delivery.address import (
    Bucket,
    CursorAddress,
    Folder,
    Log,
    Queue,
    ResultAddress,
    Topic,
    parse_cursor_address,
    parse_result_address,
    place_cursor,
)
from helseid_fn.oauth.organization import Organization

ARN = "arn:aws:sqs:eu-north-1:123456789012:results"
TOPIC = "projects/p-1/topics/results"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("log", Log()),
        ("file:out", Folder("out/")),
        ("file:/var/results/", Folder("/var/results/")),
        (TOPIC, Topic(TOPIC)),
        ("projects/example.com:p/topics/T+%20", Topic("projects/example.com:p/topics/T+%20")),
        (ARN, Queue(ARN, "eu-north-1", "123456789012", "results")),
        (f"{ARN}.fifo", Queue(f"{ARN}.fifo", "eu-north-1", "123456789012", "results.fifo")),
        ("gs://bucket", Bucket("gs", "bucket")),
        ("gs://bucket/", Bucket("gs", "bucket")),
        ("gs://my_bucket.example.org/in/here", Bucket("gs", "my_bucket.example.org", "in/here/")),
        ("s3://bucket/in/here/", Bucket("s3", "bucket", "in/here/")),
    ],
)
def test_an_address_of_results_is_parsed(text: str, address: ResultAddress) -> None:
    assert parse_result_address(text) == address


@pytest.mark.parametrize("text", ["log", "file:out/", TOPIC, ARN, "gs://bucket/in/", "s3://bucket/"])
def test_a_parsed_address_is_written_as_it_was(text: str) -> None:
    assert str(parse_result_address(text)) == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is none of log, gs://BUCKET/PREFIX"),
        ("LOG", "is none of log"),
        ("bucket/prefix", "is none of log"),
        ("https://storage.googleapis.com/bucket", "is none of log"),
        ("projects/p/subscriptions/s", "is none of log"),
        ("projects/p/topics/1", "is none of log"),
        (f"{TOPIC}\n", "is none of log"),
        ("arn:aws:sqs:eu-north-1:12:results", "is none of log"),
        ("arn:aws:sns:eu-north-1:123456789012:results", "is none of log"),
        ("gs://", "no bucket name"),
        ("gs://Bucket/in", "no bucket name"),
        ("gs://b/in", "no bucket name"),
        ("s3://bucket/æ", "a character after the bucket"),
        ("s3://bucket/a b", "a character after the bucket"),
        ("s3://bucket//in", "an empty, . or .. segment"),
        ("gs://bucket/in\n", "a character after the bucket|no bucket name"),
        ("gs://bucket/../in", "segment"),
        ("gs://bucket/in/.", "segment"),
        ("file:", "no path"),
        ("file:a\0b", "no path"),
        ("file:~/results", "begins with ~"),
        ("file:$HOME/results", r"begins with \$"),
    ],
)
def test_what_is_no_address_of_results_is_named(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_result_address(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("file:cursor.json", CursorAddress(Folder(""), "cursor.json")),
        ("file:a/cursor", CursorAddress(Folder("a/"), "cursor")),
        ("gs://bucket/cursor.json", CursorAddress(Bucket("gs", "bucket"), "cursor.json")),
        ("s3://bucket/a/b/c", CursorAddress(Bucket("s3", "bucket", "a/b/"), "c")),
    ],
)
def test_an_address_of_a_cursor_is_parsed(text: str, address: CursorAddress) -> None:
    assert parse_cursor_address(text) == address
    assert str(parse_cursor_address(text)) == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("log", "is none of gs://BUCKET/OBJECT"),
        (TOPIC, "is none of gs://BUCKET/OBJECT"),
        ("gs://bucket", "names no object"),
        ("s3://bucket/in/", "names no object"),
        ("gs://bucket/a b", "a character after the bucket"),
        ("file:", "no path"),
        ("file:~/cursor.json", "begins with ~"),
        ("gs://bucket/in//cursor.json", "an empty, . or .. segment"),
        ("file:in/", "names a folder"),
    ],
)
def test_what_is_no_address_of_a_cursor_is_named(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_cursor_address(text)


@pytest.mark.parametrize(
    ("results", "cursor"),
    [
        ("gs://bucket/in", "gs://bucket/in/cursor.json"),
        ("s3://bucket", "s3://bucket/cursor.json"),
        ("file:out", "file:out/cursor.json"),
        ("log", None),
        (TOPIC, None),
        (ARN, None),
    ],
)
def test_a_cursor_lies_beside_the_results(results: str, cursor: str | None) -> None:
    placed = place_cursor(parse_result_address(results))
    assert (placed and str(placed)) == cursor


def test_without_results_there_is_no_place_for_a_cursor() -> None:
    assert place_cursor(None) is None


@pytest.mark.parametrize(
    ("text", "organization", "own"),
    [
        ("gs://b-1/in/cursor.json", Organization(parent="999977774"), "gs://b-1/in/cursor-999977774.json"),
        ("gs://b-1/cursor.json", Organization("999977774", "999977775"), "gs://b-1/cursor-999977774-999977775.json"),
        ("gs://b-1/cursor", Organization(parent="999977774"), "gs://b-1/cursor-999977774"),
        ("gs://b-1/.cursor", Organization(parent="999977774"), "gs://b-1/.cursor-999977774"),
    ],
)
def test_each_organization_has_a_cursor_of_its_own(text: str, organization: Organization, own: str) -> None:
    assert str(parse_cursor_address(text).for_organization(organization)) == own


def test_each_journal_has_a_cursor_of_its_own() -> None:
    address = parse_cursor_address("file:results/cursor.json")
    own = [str(address.for_organization(Organization(parent="999977774", sfm_journal_id=each))) for each in ("a", "b")]
    assert own == ["file:results/cursor-999977774-a.json", "file:results/cursor-999977774-b.json"]


@pytest.mark.parametrize(
    ("cursor", "results"),
    [
        ("gs://bucket/state/feed.json", "gs://bucket"),
        ("gs://bucket/p/feed.json", "gs://bucket/p"),
        ("gs://bucket/p/my/cursor.json", "gs://bucket/p"),
        ("file:/r/feed", "file:/r"),
    ],
)
def test_a_cursor_that_a_result_may_overwrite_is_found(cursor: str, results: str) -> None:
    assert parse_cursor_address(cursor).is_among(parse_result_address(results))


@pytest.mark.parametrize(
    ("cursor", "results"),
    [
        ("gs://bucket/p/cursor.json", "gs://bucket/p"),
        ("gs://bucket/p2/feed.json", "gs://bucket/p"),
        ("s3://bucket/p/feed.json", "gs://bucket/p"),
        ("gs://bucket/feed.json", "projects/p/topics/topic"),
    ],
)
def test_a_cursor_that_no_result_may_overwrite_is_not(cursor: str, results: str) -> None:
    assert not parse_cursor_address(cursor).is_among(parse_result_address(results))
