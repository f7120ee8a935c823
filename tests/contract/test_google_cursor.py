"""Does the cursor in Cloud Storage compare and swap? Google's own client, against an emulator that others wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any

import pytest

from helseid_fn.context import Context
from helseid_fn.delivery.address import CursorAddress, parse_cursor_address
from helseid_fn.delivery.cursor import MAX_CURSOR_BYTES, Cursor, Stored
from helseid_fn.delivery.wiring import open_cursor_stores
from helseid_fn.errors import DeadlineExceeded, InvalidResponse, Refused, Unavailable
from tests.support.cloud_storage import BUCKET, CloudStorage, Garbage, Lose, Silence, Status, run_cloud_storage
from tests.support.parts import NOW

NAME = "in/cursor.json"
ADDRESS = f"gs://{BUCKET}/{NAME}"


@pytest.fixture
def cloud() -> Iterator[CloudStorage]:
    """Return Cloud Storage on this machine."""
    with run_cloud_storage() as running:
        yield running


def open_store(cloud: CloudStorage, pauses: list[float] | None = None, address: str = ADDRESS) -> Any:
    sleep = (pauses if pauses is not None else []).append
    parsed: CursorAddress = parse_cursor_address(address)
    return open_cursor_stores(parsed.place, sleep=sleep, random=lambda: 0.5, environ=cloud.environ)(parsed.name)


def open_cursor(cloud: CloudStorage, run: str = "run-1") -> Cursor:
    return Cursor(open_store(cloud), ADDRESS, Context(25, invocation_id=run), now=lambda: NOW)


def test_a_cursor_is_kept_for_the_next_run(cloud: CloudStorage) -> None:
    first = open_cursor(cloud)
    assert first.value is None
    for value in ({"offset": 1}, {"offset": 2}):
        first.advance(value)
    assert open_cursor(cloud, "run-2").value == {"offset": 2}
    assert json.loads(cloud.content(NAME))["invocation"] == "run-1"
    assert cloud.object(NAME).content_type == "application/json"


def test_a_read_returns_the_text_and_its_generation(cloud: CloudStorage) -> None:
    store, ctx = open_store(cloud), Context(25)
    assert store.read(ctx) is None
    version = store.write(b"1", None, ctx)
    assert store.read(ctx) == Stored(b"1", version)
    assert version == str(cloud.object(NAME).generation)


def test_the_slower_of_two_runs_is_overtaken(cloud: CloudStorage) -> None:
    slow, fast = open_cursor(cloud, "slow"), open_cursor(cloud, "fast")
    assert (slow.value, fast.value) == (None, None)
    fast.advance(1)
    with pytest.raises(Refused) as overtaken:
        slow.advance(2)
    assert overtaken.value.code == "delivery.refused.overtaken"
    fast.advance(3)
    assert open_cursor(cloud).value == 3


def test_of_writers_at_the_same_time_one_succeeds(cloud: CloudStorage) -> None:
    store, start, versions = open_store(cloud), Barrier(8), []

    def write(number: int) -> None:
        start.wait()
        versions.append(store.write(str(number).encode(), None, Context(25)))

    threads = [Thread(target=write, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(version is None for version in versions) == [False, *[True] * 7]


def test_a_cursor_that_is_deleted_by_hand_ends_the_run(cloud: CloudStorage) -> None:
    cursor = open_cursor(cloud)
    cursor.advance(1)
    cloud.delete(NAME)
    with pytest.raises(Refused) as refused:
        cursor.advance(2)
    assert refused.value.reason == "overtaken"
    assert open_cursor(cloud).value is None


def test_a_cursor_that_is_made_by_hand_ends_the_first_run(cloud: CloudStorage) -> None:
    store, ctx = open_store(cloud), Context(25)
    assert store.read(ctx) is None
    cloud.put(NAME, b"by hand")
    assert store.write(b"1", None, ctx) is None


@pytest.mark.parametrize("text", [b"", b"{", b"{}", b"x" * (MAX_CURSOR_BYTES + 1), b"x" * 10_000_000])
def test_an_unreadable_cursor_is_an_error_that_names_it(cloud: CloudStorage, text: bytes) -> None:
    cloud.put(NAME, text)
    with pytest.raises(InvalidResponse, match=ADDRESS) as invalid:
        open_cursor(cloud).value  # noqa: B018  # reading is the test
    assert invalid.value.code == "delivery.invalid_response.cursor"


def test_only_as_much_is_read_as_shows_that_it_is_too_much(cloud: CloudStorage) -> None:
    cloud.put(NAME, b"x" * 1_000_000)
    assert len(open_store(cloud).read(Context(25)).text) == MAX_CURSOR_BYTES + 1


@pytest.mark.parametrize("losses", [1, 2, 3])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_write_whose_response_was_lost_counts(cloud: CloudStorage, losses: int, is_new: bool) -> None:  # noqa: FBT001
    store, ctx = open_store(cloud), Context(25)
    version = None if is_new else store.write(b"0", None, ctx)
    cloud.fail_next("store", *[Lose()] * losses)
    stored = store.write(b"1", version, ctx)
    assert stored is not None
    assert store.read(ctx) == Stored(b"1", stored)
    assert store.write(b"2", stored, ctx) is not None


def test_a_write_that_was_never_stored_is_unavailable(cloud: CloudStorage) -> None:
    store, ctx = open_store(cloud), Context(25)
    cloud.fail_next("store", *[Status(503)] * 3)
    with pytest.raises(Unavailable) as unavailable:
        store.write(b"1", None, ctx)
    assert unavailable.value.code == "delivery.unavailable.server_error"
    assert cloud.object(NAME) is None


def test_a_write_limited_to_one_a_second_waits_a_second(cloud: CloudStorage) -> None:
    pauses: list[float] = []
    cloud.fail_next("store", *[Status(429)] * 3)
    assert open_store(cloud, pauses).write(b"1", None, Context(25)) is not None
    assert pauses[-1] == 1.0
    assert cloud.kinds.count("store") == 4


@pytest.mark.parametrize(("status", "code"), [(401, "unauthenticated"), (403, "denied"), (400, "other")])
@pytest.mark.parametrize("kind", ["read", "store"])
def test_a_refusal_is_final(cloud: CloudStorage, kind: str, status: int, code: str) -> None:
    store, ctx = open_store(cloud), Context(25)
    cloud.fail_next(kind, Status(status))
    with pytest.raises(Refused) as refused:
        store.read(ctx) if kind == "read" else store.write(b"1", None, ctx)
    assert refused.value.code == f"delivery.refused.{code}"
    assert cloud.kinds == [kind]


@pytest.mark.parametrize("content", [b"<html>", b"{}", b"[]", b"null"])
@pytest.mark.parametrize("kind", ["read", "store"])
def test_a_response_that_is_not_googles_is_invalid(cloud: CloudStorage, kind: str, content: bytes) -> None:
    store, ctx = open_store(cloud), Context(25)
    cloud.fail_next(kind, *[Garbage(content)] * 3)
    with pytest.raises(InvalidResponse) as invalid:
        store.read(ctx) if kind == "read" else store.write(b"1", None, ctx)
    assert invalid.value.code == "delivery.invalid_response.http"


def test_a_write_into_a_bucket_that_is_not_there_is_an_error(cloud: CloudStorage) -> None:
    with pytest.raises(Refused) as refused:
        open_store(cloud, address="gs://another/cursor.json").write(b"1", None, Context(25))
    assert refused.value.code == "delivery.refused.not_found"


def test_a_missing_bucket_is_not_taken_for_a_first_run(cloud: CloudStorage) -> None:
    with pytest.raises(Refused, match="no bucket gs://another") as refused:
        open_store(cloud, address="gs://another/cursor.json").read(Context(25))
    assert refused.value.code == "delivery.refused.not_found"


@pytest.mark.parametrize("kind", ["read", "store"])
def test_silence_ends_at_the_deadline(cloud: CloudStorage, kind: str) -> None:
    store, ctx = open_store(cloud), Context(0.6)
    cloud.fail_next(kind, *[Silence()] * 3)
    with pytest.raises((DeadlineExceeded, Unavailable)):
        store.read(ctx) if kind == "read" else store.write(b"1", None, ctx)
