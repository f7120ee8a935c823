"""The cursor in S3, through boto3 against moto's server: compare-and-swap, and responses that are lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import botocore.session
import pytest

from helseid_fn.aws_sdk.session import make_client
from helseid_fn.context import Context
from helseid_fn.delivery.address import CursorAddress, parse_cursor_address
from helseid_fn.delivery.cursor import MAX_CURSOR_BYTES, Cursor, CursorStore
from helseid_fn.delivery.wiring import open_cursor_stores
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused, Unavailable
from standin.aws.quick_clients import share_models
from standin.aws.result_places import ResultPlaces, refuse_s3
from standin.aws.server import App, raw
from tests.support.deployment import at_once, short_sleep


@pytest.fixture(scope="module")
def server() -> Iterator[ResultPlaces]:
    with pytest.MonkeyPatch.context() as patch, ResultPlaces() as server:
        patch.setattr(botocore.session, "create_loader", botocore.session.create_loader)
        share_models()
        yield server


@pytest.fixture
def places(server: ResultPlaces, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResultPlaces]:
    """Return S3, which has received no request yet, and which boto3 finds by the environment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.requests.clear()
    yield server
    server.forget_faults()


@pytest.fixture
def address(places: ResultPlaces) -> CursorAddress:
    return parse_cursor_address(f"s3://{places.add_bucket()}/feed/cursor.json")


@pytest.fixture
def store(address: CursorAddress) -> CursorStore:
    return open_store(address)


def open_store(address: CursorAddress) -> CursorStore:
    return open_cursor_stores(address.place, sleep=short_sleep, random=lambda: 0.5)(address.name)


def open_cursor(address: CursorAddress, store: CursorStore) -> Cursor:
    return Cursor(store, str(address), Context(25, invocation_id=str(uuid.uuid4())), now=lambda: 0.0)


def text_of(store: CursorStore) -> bytes | None:
    stored = store.read(Context(25))
    return stored and stored.text


def remove(places: ResultPlaces, address: CursorAddress) -> None:
    bucket, _, key = str(address).removeprefix("s3://").partition("/")
    places.client("s3").delete_object(Bucket=bucket, Key=key)


def put(places: ResultPlaces, address: CursorAddress, text: bytes) -> None:
    bucket, _, key = str(address).removeprefix("s3://").partition("/")
    places.client("s3").put_object(Bucket=bucket, Key=key, Body=text)


def test_a_missing_object_is_no_cursor(store: CursorStore, places: ResultPlaces) -> None:
    ctx = Context(25)
    assert store.read(ctx) is None
    assert (len(places.requests), ctx.outcomes[Party.DELIVERY]) == (1, ["not_found"])


def test_the_object_is_stored_and_read(store: CursorStore, address: CursorAddress) -> None:
    version = store.write(b"1", None, Context(25))
    stored = open_store(address).read(Context(25))
    assert stored is not None
    assert (stored.text, stored.version) == (b"1", version)


def test_the_cursors_of_a_place_share_a_client(address: CursorAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def make(*arguments: Any) -> object:
        made.append(make_client(*arguments))
        return made[-1]

    monkeypatch.setattr("helseid_fn.aws_sdk.client.make_client", make)
    open_store_of = open_cursor_stores(address.place)
    for name in ("cursor-999977774.json", "cursor-999977775.json"):
        assert open_store_of(name).read(Context(25)) is None
    assert len(made) == 1


def test_an_object_is_replaced_only_at_the_version_read(store: CursorStore) -> None:
    first = store.write(b"1", None, Context(25))
    assert store.write(b"2", None, Context(25)) is None
    second = store.write(b"2", first, Context(25))
    assert second is not None
    assert store.write(b"3", first, Context(25)) is None
    assert text_of(store) == b"2"


def test_an_object_deleted_meanwhile_is_not_stored_again(
    store: CursorStore, places: ResultPlaces, address: CursorAddress
) -> None:
    version = store.write(b"1", None, Context(25))
    remove(places, address)
    assert store.write(b"2", version, Context(25)) is None
    assert text_of(store) is None


def advance(cursors: list[Cursor], value: int) -> str:
    try:
        cursors.pop().advance(value)
    except HelseidFnError as error:
        return error.reason
    return "ok"


def test_of_overlapping_runs_one_wins_each_round(address: CursorAddress, store: CursorStore) -> None:
    for number in range(4):
        cursors = [open_cursor(address, store) for _ in range(4)]
        assert {cursor.value for cursor in cursors} == {number - 1 if number else None}
        # moto does not compare and store at once as S3 does, so the runs come one after the other.
        assert [advance(cursors, number) for _ in range(4)] == ["ok", *["overtaken"] * 3]


def test_two_runs_at_the_same_moment_share_one_client(address: CursorAddress, store: CursorStore) -> None:
    cursors = [open_cursor(address, store) for _ in range(4)]
    assert set(at_once(4, partial(advance, cursors, 1))) <= {"ok", "overtaken"}
    assert open_cursor(address, store).value == 1


@pytest.mark.parametrize("fault", [raw(b""), refuse_s3(500, "InternalError")], ids=["closed", "500"])
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "replaced"])
def test_a_write_whose_response_was_lost_counts_as_stored(
    store: CursorStore, places: ResultPlaces, fault: App, *, is_new: bool
) -> None:
    version = None if is_new else store.write(b"1", None, Context(25))
    places.fail_next(places.lose_response(fault))
    written = store.write(b"2", version, Context(25))
    stored = store.read(Context(25))
    assert stored is not None
    assert (stored.text, stored.version) == (b"2", written)


def test_a_write_is_read_back_once_every_response_was_lost(store: CursorStore, places: ResultPlaces) -> None:
    places.fail_next(places.lose_response(raw(b"")))
    places.fail_next(raw(b""), times=2)
    assert store.write(b"2", None, Context(25)) is not None
    assert [request.split()[0] for request in places.requests] == ["PUT"] * 3 + ["GET"]


def test_a_write_that_was_not_stored_is_unavailable(store: CursorStore, places: ResultPlaces) -> None:
    places.fail_next(refuse_s3(503, "ServiceUnavailable"), times=3)
    with pytest.raises(Unavailable):
        store.write(b"2", None, Context(25))
    assert text_of(store) is None


def test_another_run_s_cursor_is_not_taken_for_ours(store: CursorStore, places: ResultPlaces, address: CursorAddress) -> None:
    version = store.write(b"1", None, Context(25))
    places.fail_next(raw(b""))
    put(places, address, b"theirs")
    assert store.write(b"ours", version, Context(25)) is None
    assert text_of(store) == b"theirs"


def test_a_write_at_the_same_moment_is_overtaken(store: CursorStore, places: ResultPlaces) -> None:
    places.fail_next(refuse_s3(409, "ConditionalRequestConflict"))
    assert store.write(b"1", None, Context(25)) is None


def test_a_denied_write_is_told_and_not_read_back(store: CursorStore, places: ResultPlaces) -> None:
    places.fail_next(refuse_s3(403, "AccessDenied"))
    with pytest.raises(Refused, match="s3:PutObject") as raised:
        store.write(b"1", None, Context(25))
    assert (raised.value.code, len(places.requests)) == ("delivery.refused.denied", 1)


def test_a_denied_read_names_both_rights_that_it_needs(store: CursorStore, places: ResultPlaces) -> None:
    places.fail_next(refuse_s3(403, "AccessDenied"))
    with pytest.raises(Refused, match=r"s3:GetObject.*s3:ListBucket") as raised:
        store.read(Context(25))
    assert raised.value.code == "delivery.refused.denied"


def test_a_missing_bucket_is_not_taken_for_a_first_run(places: ResultPlaces) -> None:
    del places
    with pytest.raises(Refused) as raised:
        open_store(parse_cursor_address("s3://no-such-bucket-anywhere/cursor.json")).read(Context(25))
    assert raised.value.code == "delivery.refused.not_found"


def test_no_more_than_a_cursor_is_fetched(store: CursorStore, places: ResultPlaces, address: CursorAddress) -> None:
    put(places, address, b" " * 4 * MAX_CURSOR_BYTES)
    assert len(text_of(store) or b"") == MAX_CURSOR_BYTES + 1
    with pytest.raises(InvalidResponse, match=str(address)):
        open_cursor(address, store).advance(1)


SHORT = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nETag: "x"\r\n\r\n{}'
DAMAGED = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: "x"\r\nx-amz-checksum-sha256: AAAA\r\n\r\n{}'


@pytest.mark.parametrize(
    ("octets", "code"),
    [(SHORT, "delivery.unavailable.connection_lost"), (DAMAGED, "delivery.invalid_response.checksum")],
    ids=["cut short", "damaged"],
)
def test_a_damaged_cursor_is_read_again(store: CursorStore, places: ResultPlaces, octets: bytes, code: str) -> None:
    store.write(b"1", None, Context(25))
    places.fail_next(raw(octets), times=2)
    assert text_of(store) == b"1"
    places.fail_next(raw(octets), times=3)
    with pytest.raises(HelseidFnError) as raised:
        store.read(Context(25))
    assert raised.value.code == code
