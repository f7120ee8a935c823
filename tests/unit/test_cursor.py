from __future__ import annotations

import json
from typing import Any

import pytest

from helseid_fn.delivery.cursor import MAX_CURSOR_BYTES, Cursor, Stored
from helseid_fn.errors import InvalidResponse, Refused
from tests.conftest import MovableClock
from tests.support.parts import make_context

ADDRESS = "s3://bucket/cursor.json"


class Store:
    """A store in memory; its versions are numbers."""

    def __init__(self, text: bytes | None = None) -> None:
        self.text, self.number, self.reads = text, 1, 0

    def read(self, _: object) -> Stored | None:
        self.reads += 1
        return None if self.text is None else Stored(self.text, str(self.number))

    def write(self, text: bytes, version: str | None, _: object) -> str | None:
        if version != (None if self.text is None else str(self.number)):
            return None
        self.text, self.number = text, self.number + 1
        return str(self.number)


def open_cursor(store: Store, clock: MovableClock | None = None, **options: Any) -> Cursor:
    return Cursor(store, ADDRESS, options.get("ctx") or make_context(), now=clock or MovableClock())


def test_there_is_no_value_before_the_first_run() -> None:
    assert open_cursor(Store()).value is None


def test_nothing_is_read_before_it_is_asked_for() -> None:
    store = Store()
    cursor = open_cursor(store)
    assert store.reads == 0
    assert (cursor.value, cursor.value, store.reads) == (None, None, 1)


@pytest.mark.parametrize("value", [0, "", None, "2026-01-01", {"offset": [1, 2]}, "æ", False])
def test_the_next_run_finds_the_value_that_was_stored(value: object) -> None:
    store = Store()
    open_cursor(store).advance(value)
    assert open_cursor(store).value == value


def test_a_run_sees_the_value_as_the_next_one_does() -> None:
    cursor, offsets = open_cursor(Store()), [1]
    cursor.advance((offsets,))
    offsets.append(2)
    assert cursor.value == [[1]]


def test_a_run_advances_many_times() -> None:
    store = Store()
    cursor = open_cursor(store)
    for value in range(3):
        cursor.advance(value)
    assert (cursor.value, open_cursor(store).value, store.reads) == (2, 2, 2)


def test_the_slower_of_two_overlapping_runs_is_overtaken() -> None:
    store = Store()
    open_cursor(store).advance(1)
    slow, fast = open_cursor(store), open_cursor(store)
    assert slow.value == fast.value == 1
    fast.advance(5)
    for _ in range(2):
        with pytest.raises(Refused) as raised:
            slow.advance(2)
        assert (raised.value.code, ADDRESS in str(raised.value)) == ("delivery.refused.overtaken", True)
    assert (slow.value, open_cursor(store).value) == (1, 5)


def test_a_cursor_deleted_meanwhile_is_overtaken() -> None:
    store = Store()
    open_cursor(store).advance(1)
    cursor = open_cursor(store)
    assert cursor.value == 1
    store.text = None
    with pytest.raises(Refused, match="deleted"):
        cursor.advance(2)
    assert store.text is None


def test_a_cursor_that_appears_meanwhile_is_overtaken() -> None:
    store = Store()
    first, second = open_cursor(store), open_cursor(store)
    assert first.value is second.value is None
    first.advance(1)
    with pytest.raises(Refused):
        second.advance(1)


UNREADABLE = [
    b"",
    b"\xff",
    b"[]",
    b"12",
    b'{"moved": "2026-01-01T00:00:00Z"}',
    b'{"value": 1, "moved": "yesterday"}',
    b'{"value": 1, "moved": 7}',
    b"[" * 100_000,
    b'{"value": "' + b"x" * MAX_CURSOR_BYTES + b'"}',
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_an_unreadable_cursor_is_an_error_that_names_it(text: bytes) -> None:
    with pytest.raises(InvalidResponse) as raised:
        assert open_cursor(Store(text)).value
    assert (raised.value.code, ADDRESS in str(raised.value)) == ("delivery.invalid_response.cursor", True)


def test_an_unreadable_cursor_is_never_overwritten() -> None:
    store = Store(b"{")
    cursor = open_cursor(store)
    for _ in range(2):
        with pytest.raises(InvalidResponse):
            cursor.advance(1)
    assert store.text == b"{"


def test_a_cursor_may_be_written_by_hand() -> None:
    ctx = make_context()
    assert open_cursor(Store(b'\xef\xbb\xbf{"value": 12}'), ctx=ctx).value == 12
    assert "cursor_unmoved_hours" not in ctx.facts


def test_a_cursor_that_is_too_large_is_not_stored() -> None:
    store = Store()
    with pytest.raises(Refused) as raised:
        open_cursor(store).advance("x" * MAX_CURSOR_BYTES)
    assert (raised.value.reason, store.text) == ("too_large", None)


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_json_cannot_say_is_not_stored(value: object) -> None:
    store = Store()
    with pytest.raises((TypeError, ValueError)):
        open_cursor(store).advance(value)
    assert store.text is None


def test_the_log_line_says_how_long_it_has_not_moved(clock: MovableClock) -> None:
    store = Store()
    open_cursor(store, clock).advance(1)
    clock.move(5400)
    ctx = make_context()
    cursor = open_cursor(store, clock, ctx=ctx)
    assert (cursor.value, ctx.facts["cursor_unmoved_hours"]) == (1, 1.5)
    cursor.advance(2)
    assert ctx.facts["cursor_unmoved_hours"] == 0


def test_the_stored_text_says_who_moved_it_and_when() -> None:
    store, ctx = Store(), make_context()
    ctx.invocation_id = "inv-1"
    open_cursor(store, MovableClock(0.0), ctx=ctx).advance({"offset": 7})
    assert json.loads(store.text or b"") == {"value": {"offset": 7}, "moved": "1970-01-01T00:00:00Z", "invocation": "inv-1"}
