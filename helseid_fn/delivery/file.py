"""Results in a folder of this machine, for a terminal or a mounted share: the bytes alone, without type and attributes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from helseid_fn.cloud_sdk import load_within_deadline
from helseid_fn.context import Context
from helseid_fn.delivery.address import Folder
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused, Unavailable

_PARTY = Party.DELIVERY

_Done = TypeVar("_Done")


class FileDestination:
    """Writes each result as a file that only this user can read, and that replaces the one of the same name at once."""

    def __init__(self, folder: Folder) -> None:
        self._folder = Path(folder.path)

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Write the file. Raises `Refused`, `Unavailable` or `DeadlineExceeded`, and what reading the body raises."""
        path = self._folder / result.name
        digest, size_bytes = hashlib.sha256(), 0
        temporary = reach_file(lambda: _open_beside(path), path, ctx)
        try:
            for block in (result.body,) if isinstance(result.body, bytes) else result.body:
                ctx.check(_PARTY)
                digest.update(block)
                size_bytes += len(block)
                write_all(temporary, block, path)
            reach_file(lambda: replace_file(temporary, path), path, ctx)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        return Receipt(f"file:{path}", size_bytes, digest.hexdigest())


def _open_beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return make_temporary(path)


def make_temporary(path: Path) -> Path:
    """Make an empty file beside a path, of mode 0600."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    os.close(handle)
    return Path(name)


def write_all(temporary: Path, block: bytes, path: Path) -> None:
    """Add a block to a temporary file. Raises `Unavailable` in the name of the path that it is to replace."""
    try:
        with temporary.open("ab") as file:
            file.write(block)
    except OSError as error:
        raise explain(error, path) from None


def replace_file(temporary: Path, path: Path) -> bool:
    """Put a temporary file in the place of a path, so that it survives a crash of the machine."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def reach_file(work: Callable[[], _Done], path: Path, ctx: Context) -> _Done:
    """Return what the work returns, in a thread that ends within the deadline: a network mount may hang.

    Raises `Refused`, `Unavailable` or `DeadlineExceeded`.
    """

    def attempt() -> _Done | HelseidFnError:
        try:
            return work()
        except OSError as error:
            return explain(error, path)

    ctx.check(_PARTY)
    with ctx.request(_PARTY):
        try:
            done = load_within_deadline(attempt, ctx, name="delivery-file", party=_PARTY)
        except HelseidFnError as error:
            ctx.note_outcome(_PARTY, error.reason)
            raise
    ctx.note_outcome(_PARTY, "ok")
    return done


def explain(error: OSError, path: Path) -> Refused | Unavailable:
    """Return what an `OSError` about a path means."""
    reason = os.strerror(error.errno) if error.errno else "no reason given"
    if isinstance(error, PermissionError):
        return Refused(_PARTY, "denied", f"{path.parent} cannot be written by this user. Let it write there (chmod, chown).")
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError | FileExistsError):
        return Refused(_PARTY, "not_found", f"{path} cannot be a file there ({reason}). Correct RESULT_TO or CURSOR_IN.")
    return Unavailable(_PARTY, "connect", f"{path} could not be reached ({reason}). Check the disk or the mount.")
