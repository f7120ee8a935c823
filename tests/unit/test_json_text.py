from __future__ import annotations

import json

import pytest

from helseid_fn.http.json_text import MAX_DEPTH, parse_json


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_json_may_nest_to_the_limit() -> None:
    assert json.dumps(parse_json(nested(MAX_DEPTH))) == nested(MAX_DEPTH)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 9994, 10**6])
def test_json_that_nests_deeper_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="deep"):
        parse_json(nested(depth))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert len(parse_json(json.dumps([{}, []] * 1000))) == 2000


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e400", "9" * 5000, "", "{", "'a'"])
def test_what_is_no_json_of_finite_numbers_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the words are the library's
        parse_json(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_bytes_are_read_in_their_unicode_form(encoding: str) -> None:
    assert parse_json('"æ"'.encode(encoding)) == "æ"
