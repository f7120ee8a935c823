"""The cursor in a file of this machine, replaced under a lock."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helseid_fn.context import Context
from helseid_fn.delivery.address import Folder
from helseid_fn.delivery.cursor import MAX_CURSOR_BYTES, Stored
from helseid_fn.delivery.file import reach_file, write_file


class FileCursor:
    """Keeps the cursor in a file; its version is the SHA-256 of the text."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._path = Path(folder.path) / name

    def read(self, ctx: Context) -> Stored | None:
        """Read the file; None when there is none."""
        return reach_file(lambda: (self._read(),), self._path, ctx)[0]

    def write(self, text: bytes, version: str | None, ctx: Context) -> str | None:
        """Replace the file if it is still this version."""
        return reach_file(lambda: (self._write(text, version),), self._path, ctx)[0]

    def _read(self) -> Stored | None:
        try:
            with self._path.open("rb") as file:
                text = file.read(MAX_CURSOR_BYTES + 1)
        except FileNotFoundError:
            return None
        return Stored(text, hashlib.sha256(text).hexdigest())

    def _write(self, text: bytes, version: str | None) -> str | None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock():
            stored = self._read()
            if (stored and stored.version) != version:
                return None
            write_file(self._path, io.BytesIO(text))
        return hashlib.sha256(text).hexdigest()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Lock a file beside the cursor, which is itself replaced and so cannot carry the lock; never one behind a link."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(self._path.with_name(f".{self._path.name}.lock"), flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
