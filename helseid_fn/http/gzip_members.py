"""Decodes gzip within limits, block by block; pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

MEBIBYTE = 1024 * 1024

MAX_RATIO = 200
"""How many times larger than its gzip a body of more than 1 MiB may be; JSON and text rarely reach a tenth of it."""

MAX_GZIP_MEMBERS = 10_000
"""Each member (RFC 1952 section 2.2) takes a few microseconds however little is in it; blocked gzip has 64 KiB in each."""

GZIP_MAGIC = b"\x1f\x8b"

_DECODE_BYTES = 4096  # what is left after a member is copied, so it must be little


def gunzip(blocks: Iterable[bytes], max_bytes: int, *, size_bytes: int = 0) -> Iterator[bytes]:
    """Yield what blocks of gzip (RFC 1952) decode to; `size_bytes` is their length in all, where it is known.

    Raises `OverflowError` when more comes out than `max_bytes`, or than `MAX_RATIO` times what went in, and `zlib.error` for
    anything that is not complete gzip.
    """
    members, decoder, taken, given = 1, _new_decoder(), 0, 0
    for piece in _split(blocks):
        taken += len(piece)
        limit = min(max_bytes, max(MEBIBYTE, MAX_RATIO * max(taken, size_bytes)))
        left = piece
        while left:
            decoded = decoder.decompress(left, limit + 1 - given)
            given += len(decoded)
            if given > limit:
                raise OverflowError("more comes out than is allowed")
            if decoded:
                yield decoded
            left = decoder.unused_data
            if decoder.eof and (left := left.lstrip(b"\0")):  # padding, which gzip(1) ignores too
                members, decoder = members + 1, _new_decoder()
                if members > MAX_GZIP_MEMBERS:
                    raise zlib.error("too many members")
    if not decoder.eof:
        raise zlib.error("the data ends within a member")


def _split(blocks: Iterable[bytes]) -> Iterator[bytes]:
    for block in blocks:
        for start in range(0, len(block), _DECODE_BYTES):
            yield block[start : start + _DECODE_BYTES]


def _new_decoder() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
