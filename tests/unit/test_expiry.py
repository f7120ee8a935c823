from __future__ import annotations

import pytest

from helseid_fn.keys.expiry import KeyExpiry, find_expiry

IN_90_DAYS = 90 * 86400


@pytest.mark.parametrize(
    ("known", "expiry"),
    [
        ({}, None),
        ({"stored_at": 5}, KeyExpiry(5 + IN_90_DAYS, is_assumed=True)),
        ({"stored_at": 5, "made_at": 3}, KeyExpiry(3 + IN_90_DAYS, is_assumed=True)),
        ({"stored_at": 5, "made_at": 0}, KeyExpiry(IN_90_DAYS, is_assumed=True)),
        ({"stored_at": 5, "made_at": 3, "expires_at": 9}, KeyExpiry(9)),
    ],
    ids=["nothing", "when it was stored", "when it was made", "made at the epoch", "its expiry"],
)
def test_the_best_that_is_known_of_an_expiry_counts(known: dict[str, int], expiry: KeyExpiry | None) -> None:
    assert find_expiry(**{"expires_at": None, "made_at": None, "stored_at": None, **known}) == expiry
