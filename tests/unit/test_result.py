"""The names of results."""

from __future__ import annotations

import pytest

from helseid_fn.delivery.result import MAX_NAME_LENGTH, Result, check_name
from helseid_fn.errors import Refused


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "2026-11-28/a.json",
        "refused/0b1c",
        "urn:uuid:1",
        "a~b",
        "...a",
        "x" * MAX_NAME_LENGTH,
        "my/cursor.json",
        "cursor",
        "cursor-nightly/2026-11-28T02:00:00Z",
        "cursors.json",
        "cursor.jsonl",
    ],
)
def test_a_relative_path_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "../a",
        "a/../b",
        "a/...",
        "a b",
        "a\nb",
        "a\n",
        "a\\b",
        "a?b",
        "a#b",
        "a%2e",
        "blåbær",
        "x" * (MAX_NAME_LENGTH + 1),
        "cursor.json",
        "cursor-999977774.json",
        "cursor.json/a",
        "Cursor.json",
        ".cursor.json.lock",
    ],
)
def test_any_other_name_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(Refused) as refused:
        check_name(name)
    assert refused.value.code == "delivery.refused.name"
    assert len(name) < 4 or "cursor" in name.lower() or name not in str(refused.value)


def test_a_results_repr_has_nothing_of_its_body() -> None:
    assert "secret" not in repr(Result("a", "text/plain", b"secret", {}))
