"""A result's whole body before the first byte is sent anywhere: in memory where it must be small, else outside."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Protocol

from helseid_fn.context import Context
from helseid_fn.delivery.result import Result
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused, Unavailable


def collect(result: Result, ctx: Context, max_bytes: int, too_large: Refused) -> bytes:
    """Return the body, of which hardly more is read than may be taken.

    Raises `too_large`, `DeadlineExceeded`, and what reading the body raises.
    """
    body = bytearray()
    for block in (result.body,) if isinstance(result.body, bytes) else result.body:
        ctx.check(Party.DELIVERY)
        body += block
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)


class Spooled(Protocol):
    """A body of known length and checksum, which can be read again for each attempt."""

    size_bytes: int
    digest: bytes
    """SHA-256."""

    def open(self) -> BinaryIO:
        """Return a reader of its own, at the first byte."""
        ...


@contextmanager
def spool(result: Result, ctx: Context) -> Iterator[Spooled]:
    """Read the body to its end: bytes stay where they are, blocks go to a temporary file without a name.

    Raises `DeadlineExceeded`, `Unavailable` when the temporary folder is full, and what reading the body raises.
    """
    if isinstance(result.body, bytes):
        yield _Bytes(result.body)
        return
    with _make_file() as file:
        digest = hashlib.sha256()
        for block in result.body:
            ctx.check(Party.DELIVERY)
            digest.update(block)
            _write_all(file, block)
        yield _File(file, digest.digest())


def _make_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        raise _explain(error) from None


def _write_all(file: IO[bytes], block: bytes) -> None:
    rest = memoryview(block)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise _explain(error) from None


def _explain(error: OSError) -> Unavailable:
    """Return the error of a temporary folder, which other results may have filled that will be gone soon."""
    reason = os.strerror(error.errno) if error.errno else "no reason given"
    detail = f"The temporary folder cannot take the result ({reason}). Give it more room (TMPDIR says where it is)."
    return Unavailable(Party.DELIVERY, "connect", detail)


class _Bytes:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self.size_bytes = len(body)
        self.digest = hashlib.sha256(body).digest()

    def open(self) -> BinaryIO:
        return io.BytesIO(self._body)  # which shares the bytes


class _File:
    def __init__(self, file: IO[bytes], digest: bytes) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.size_bytes = file.tell()
        self.digest = digest

    def open(self) -> BinaryIO:
        return io.BufferedReader(_Reader(self._file, self._lock, self.size_bytes))


class _Reader(io.RawIOBase):
    """Reads the file from its own position, since the thread of an attempt that timed out may still be reading."""

    def __init__(self, file: IO[bytes], lock: threading.Lock, size_bytes: int) -> None:
        self._file = file
        self._lock = lock
        self._size_bytes = size_bytes
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size_bytes}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with self._lock:
            if self._file.closed:
                raise OSError(errno.EBADF, "the result is no longer kept")
            self._file.seek(self._position)
            block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)
