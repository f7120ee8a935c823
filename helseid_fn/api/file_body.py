"""A file as the body of a request: streamed, and read again from its start for every attempt."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, Self

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidInvocation

_BLOCK_BYTES = 64 * 1024


class FileBody:
    """What is in a binary file from where it stands to its end; `len` of it is the number of bytes."""

    def __init__(self, file: BinaryIO) -> None:
        """Measure the file. Raises `InvalidInvocation` for one that cannot be read again, such as a pipe."""
        self._file = file
        try:
            self._start = file.tell()
            self._length = file.seek(0, os.SEEK_END) - self._start
            file.seek(self._start)
        except (OSError, AttributeError):
            detail = "content is a stream that cannot be read again, and a request may have to be sent twice."
            raise InvalidInvocation("request", f"{detail} Give bytes, or a file that can seek.") from None
        self._ctx: Context | None = None
        self._left = 0

    def rewind(self, ctx: Context) -> Self:
        """Return the body as it was at first, to be sent before this deadline."""
        self._file.seek(self._start)
        self._ctx, self._left = ctx, self._length
        return self

    def read(self, size: int = -1) -> bytes:
        """Read a block of the body; raises `DeadlineExceeded`, or `InvalidInvocation` when the file cannot be read."""
        if self._ctx is not None:
            self._ctx.check(Party.API)  # between blocks, since a socket's own timeout begins anew with each
        wanted = self._left if size < 0 else min(size, self._left)
        try:
            block = self._file.read(wanted)
        except OSError as error:
            raise _unreadable(f"cannot be read ({error.strerror})") from None
        if len(block) < wanted:
            raise _unreadable("has become shorter since the call began")
        self._left -= wanted
        return block

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(_BLOCK_BYTES):
            yield block


def _unreadable(fault: str) -> InvalidInvocation:
    return InvalidInvocation("request", f"The file that content names {fault}. Check where it is stored.")
