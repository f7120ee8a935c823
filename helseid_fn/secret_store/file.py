"""The key in a file: a secret that the platform mounts, or a key on a developer's machine."""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

from helseid_fn.cloud_sdk import load_within_deadline
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused, Unavailable
from helseid_fn.keys.stored import MAX_SECRET_BYTES, StoredKey, decode_payload

_PARTY = Party.SECRET_MANAGER
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # opening a pipe would wait for a writer

_logger = logging.getLogger(__name__)


class FileReader:
    """Reads the file at every call, so that a new version of a mounted secret is seen."""

    def __init__(self, path: str, open_file: Callable[[Path, int], int] = os.open) -> None:
        self._path = Path(path)
        self._open_file = open_file
        self._warned_mode: int | None = None

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Read the file as text; there is no cache, so every read is `fresh`.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`.
        """
        del fresh
        ctx.check(_PARTY)
        with ctx.request(_PARTY):
            try:
                # In a thread, since reading from a network mount that hangs blocks, and no signal ends that.
                payload, stored_at = load_within_deadline(self._read, ctx, name="key-file")
            except HelseidFnError as error:
                ctx.note_outcome(_PARTY, error.reason)
                raise
        ctx.note_outcome(_PARTY, "ok")
        return StoredKey(decode_payload(payload), stored_at=stored_at)

    def _read(self) -> tuple[bytes, int] | HelseidFnError:
        """Read the file, and when it was last written."""
        try:
            with os.fdopen(self._open_file(self._path, _FLAGS), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    return self._not_a_file(status.st_mode)
                self._warn_of_mode(stat.S_IMODE(status.st_mode), file.fileno())
                return file.read(MAX_SECRET_BYTES + 1), int(status.st_mtime)
        except IsADirectoryError:  # os.fdopen raises it for a folder
            return self._not_a_file(stat.S_IFDIR)
        except (FileNotFoundError, NotADirectoryError):
            folder = "" if self._path.is_absolute() else f" in {Path.cwd()}, where the function runs"
            detail = f"There is no file {self._path}{folder} (HELSEID_KEY). Mount the secret there, or correct HELSEID_KEY."
            return Refused(_PARTY, "not_found", detail)
        except PermissionError:
            remedy = "Let the function's user read it (chmod, chown)."
            return Refused(_PARTY, "denied", f"The file {self._path} (HELSEID_KEY) cannot be read by this user. {remedy}")
        except OSError as error:
            if error.errno == errno.ENXIO:  # a socket, or a device without a driver
                return self._not_a_file(stat.S_IFSOCK)
            reason = os.strerror(error.errno) if error.errno else "no reason given"
            detail = f"The file {self._path} (HELSEID_KEY) could not be read ({reason}). Check the mount."
            return Unavailable(_PARTY, "connect", detail)

    def _not_a_file(self, mode: int) -> Refused:
        if stat.S_ISDIR(mode):
            return Refused(_PARTY, "not_found", f"{self._path} (HELSEID_KEY) is a folder. Name the file in it.")
        detail = f"{self._path} (HELSEID_KEY) is a pipe, a socket or a device. Write the key to a file, and name that."
        return Refused(_PARTY, "not_found", detail)

    def _warn_of_mode(self, mode: int, descriptor: int) -> None:
        """Warn once of a file that others can read or change; on a read-only mount the platform has set the mode."""
        if not mode & 0o026 or mode == self._warned_mode or os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
            return
        self._warned_mode = mode
        _logger.warning(
            "Other users of this machine can read or change the key file %s (mode %04o). Run: chmod 600 %s",
            self._path,
            mode,
            self._path,
        )
