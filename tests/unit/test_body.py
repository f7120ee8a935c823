from __future__ import annotations

import gzip
import os
import zlib

import pytest

from helseid_fn.http.body import MAX_GZIP_MEMBERS, MAX_RATIO, MEBIBYTE, gunzip

TEXT = b"hei " * 1000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(TEXT), id="one member"),
        pytest.param(gzip.compress(TEXT[:7]) + gzip.compress(TEXT[7:]), id="two members"),
        pytest.param(gzip.compress(TEXT) + bytes(20), id="padding"),
    ],
)
def test_gzip_is_decoded(data: bytes) -> None:
    assert gunzip(data, MEBIBYTE) == TEXT


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"{}", id="plain text"),
        pytest.param(zlib.compress(TEXT), id="zlib"),
        pytest.param(gzip.compress(TEXT)[:-1], id="cut in its trailer"),
        pytest.param(gzip.compress(TEXT)[:20], id="cut in its data"),
        pytest.param(gzip.compress(TEXT)[:-5] + b"xxxxx", id="a wrong checksum"),
        pytest.param(gzip.compress(TEXT) + b"more", id="something after it"),
        pytest.param(gzip.compress(b"") * (MAX_GZIP_MEMBERS + 1), id="too many members"),
    ],
)
def test_what_is_no_complete_gzip_is_an_error(data: bytes) -> None:
    with pytest.raises(zlib.error):
        gunzip(data, MEBIBYTE)


@pytest.mark.parametrize("too_many", [0, 1])
def test_no_more_is_decoded_than_the_limit(too_many: int) -> None:
    data = os.urandom(1000)
    assert (gunzip(gzip.compress(data), 1000 - too_many) is None) is (too_many == 1)


def test_a_large_body_may_not_be_mostly_repetition() -> None:
    dense = gzip.compress(bytes(8 * MEBIBYTE))
    assert 8 * MEBIBYTE / len(dense) > MAX_RATIO
    assert gunzip(dense, 64 * MEBIBYTE) is None
