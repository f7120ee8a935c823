from __future__ import annotations

import gzip
import os
import zlib

import pytest

from helseid_fn.http.gzip_members import MAX_GZIP_MEMBERS, MAX_RATIO, MEBIBYTE, gunzip

TEXT = b"hei " * 1000


def decode(data: bytes, max_bytes: int) -> bytes:
    return b"".join(gunzip((data,), max_bytes, size_bytes=len(data)))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(TEXT), id="one member"),
        pytest.param(gzip.compress(TEXT[:7]) + gzip.compress(TEXT[7:]), id="two members"),
        pytest.param(gzip.compress(TEXT) + bytes(20), id="padding"),
    ],
)
def test_gzip_is_decoded(data: bytes) -> None:
    assert decode(data, MEBIBYTE) == TEXT


def test_gzip_is_decoded_whatever_blocks_it_comes_in() -> None:
    data = gzip.compress(TEXT) + gzip.compress(TEXT)
    assert b"".join(gunzip([data[start : start + 1] for start in range(len(data))], MEBIBYTE)) == TEXT + TEXT


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
        decode(data, MEBIBYTE)


def test_as_much_is_decoded_as_the_limit() -> None:
    data = os.urandom(1000)
    assert decode(gzip.compress(data), 1000) == data


def test_no_more_is_decoded_than_the_limit() -> None:
    with pytest.raises(OverflowError):
        decode(gzip.compress(os.urandom(1000)), 999)


def test_a_large_body_may_not_be_mostly_repetition() -> None:
    dense = gzip.compress(bytes(8 * MEBIBYTE))
    assert 8 * MEBIBYTE / len(dense) > MAX_RATIO
    with pytest.raises(OverflowError):
        decode(dense, 64 * MEBIBYTE)
