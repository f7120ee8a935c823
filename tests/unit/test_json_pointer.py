from __future__ import annotations

from typing import Any

import pytest

from helseid_fn.api.json_pointer import find, is_pointer

# RFC 6901 section 5.
DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8}
POINTERS = [
    ("/foo", ["bar", "baz"]),
    ("/foo/0", "bar"),
    ("/", 0),
    ("/a~1b", 1),
    ("/c%d", 2),
    ("/e^f", 3),
    ("/g|h", 4),
    ("/i\\j", 5),
    ('/k"l', 6),
    ("/ ", 7),
    ("/m~0n", 8),
]


@pytest.mark.parametrize(("pointer", "value"), POINTERS)
def test_a_pointer_finds_its_value(pointer: str, value: Any) -> None:
    assert find(DOCUMENT, pointer) == value


@pytest.mark.parametrize("pointer", ["/none", "/foo/2", "/foo/-", "/foo/01", "/foo/+1", "/foo/x", "/foo/0/deeper", "/~01"])
def test_a_pointer_to_nothing_finds_none(pointer: str) -> None:
    assert find(DOCUMENT, pointer) is None


@pytest.mark.parametrize("text", ["", "Links", "#/a", "/a~", "/a~2"])
def test_what_is_no_pointer_is_told(text: str) -> None:
    assert not is_pointer(text)
