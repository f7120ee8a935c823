"""The key as a file: a secret that the platform mounts, or one on a developer's machine. Needs no cloud."""

from __future__ import annotations

import os
from pathlib import Path

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import HelseidFnError, Party, Refused, Unreachable
from helseid_fn.keys.stored import MAX_SECRET_BYTES, StoredKey, decode_payload


class FileReader:
    """Reads a file anew at every call, so that a mounted secret's new version is seen."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __call__(self, deadline: Deadline, journal: Journal) -> StoredKey:
        """Read the file as UTF-8 text.

        Raises `Refused`, `Unreachable`, `Garbled` or `DeadlineExceeded`.
        """
        party = Party.SECRET_MANAGER
        deadline.check(party)
        with journal.request(party):
            try:
                payload = self._read()
            except HelseidFnError as error:
                journal.note_outcome(party, error.code.rpartition(".")[2])
                raise
        journal.note_outcome(party, "ok")
        return StoredKey(decode_payload(payload))

    def _read(self) -> bytes:
        party = Party.SECRET_MANAGER
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_SECRET_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            remedy = "mount the secret there, or correct HELSEID_KEY"
            raise Refused(party, "not_found", f"There is no file {self._path} (HELSEID_KEY); {remedy}.") from None
        except PermissionError:
            remedy = "let the user that the function runs as read it (chmod, chown)"
            raise Refused(party, "denied", f"The file {self._path} (HELSEID_KEY) may not be read; {remedy}.") from None
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "no reason given"
            detail = f"The file {self._path} (HELSEID_KEY) could not be read ({reason}); check the mount."
            raise Unreachable(party, "connect", detail) from None
