from __future__ import annotations

import pytest

from helseid_fn.rotation.selvbetjening import parse_expiration

AT = 1_767_100_393  # 2025-12-30T13:13:13Z


@pytest.mark.parametrize(
    "text",
    ["2025-12-30T13:13:13Z", "2025-12-30T14:13:13+01:00", "2025-12-30T13:13:13", "2025-12-30T13:13:13.9999999Z"],
)
def test_reads_an_expiration(text: str) -> None:
    assert parse_expiration(text) == AT


@pytest.mark.parametrize("text", [None, 5, "", "soon", "2025-13-30T13:13:13Z", {}, "9999-12-31T23:59:59-23:00"])
def test_anything_else_is_no_expiration(text: object) -> None:
    assert parse_expiration(text) is None
