"""Results in a folder of this machine, for a terminal or a mounted share: the bytes alone, without type and attributes."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from helseid_fn.cloud_sdk import load_within_deadline
from helseid_fn.context import Context
from helseid_fn.delivery.address import Folder
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.delivery.spool import spool
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused, Unavailable

_PARTY = Party.DELIVERY
_NO_NAME = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}
_NO_PLACE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP}

Done = TypeVar("Done")


class FileDestination:
    """Writes each result as a file that only this user can read, and that replaces the one of the same name at once."""

    def __init__(self, folder: Folder) -> None:
        self._folder = Path(folder.path)

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Write the file. Raises `Refused`, `Unavailable` or `DeadlineExceeded`, and what reading the body raises."""
        path = self._folder / result.name

        def write(content: BinaryIO) -> bool:
            if not path.parent.resolve().is_relative_to(self._folder.resolve()):
                raise OSError(errno.ELOOP, "a link in the folder leads out of it")
            return write_file(path, content)

        with spool(result, ctx) as body:
            reach_file(lambda: write(body.open()), path, ctx)
            return Receipt(f"file:{path}", body.size_bytes, body.digest.hex())


def write_file(path: Path, body: BinaryIO) -> bool:
    """Replace a file, or a link in its place, at once by one of mode 0600 that survives a crash of the machine.

    Raises `OSError`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(body, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        with suppress(OSError):
            Path(name).unlink()
    _keep_name(path.parent)
    return True


def _keep_name(folder: Path) -> None:
    """Flush the folder to the disk too, where the system can; the file is in its place either way."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def reach_file(work: Callable[[], Done], path: Path, ctx: Context) -> Done:
    """Return what the work returns, in a thread that ends within the deadline: a network mount may hang.

    Raises `Refused`, `Unavailable` or `DeadlineExceeded`.
    """

    def attempt() -> Done | HelseidFnError:
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
    if error.errno in _NO_NAME:
        return Refused(_PARTY, "name", f"{path} cannot be used as a file name ({reason}). Deliver it under another name.")
    if error.errno in _NO_PLACE:
        return Refused(_PARTY, "not_found", f"{path} cannot be used as a file ({reason}). Correct RESULT_TO or CURSOR_IN.")
    return Unavailable(_PARTY, "connect", f"{path} could not be reached ({reason}). Check the disk or the mount.")
