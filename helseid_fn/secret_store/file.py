"""The key in a file: a secret that the platform mounts, or a key on a developer's machine."""

from __future__ import annotations

import os
from pathlib import Path

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused, Unavailable
from helseid_fn.keys.stored import MAX_SECRET_BYTES, StoredKey, decode_payload


class FileReader:
    """Reads the file at every call, so that a new version of a mounted secret is seen."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Read the file as UTF-8 text; there is no cache, so every read is `fresh`.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`.
        """
        del fresh
        party = Party.SECRET_MANAGER
        ctx.check(party)
        with ctx.request(party):
            try:
                payload = self._read()
            except HelseidFnError as error:
                ctx.note_outcome(party, error.reason)
                raise
        ctx.note_outcome(party, "ok")
        return StoredKey(decode_payload(payload))

    def _read(self) -> bytes:
        party = Party.SECRET_MANAGER
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_SECRET_BYTES + 1)
        except IsADirectoryError:
            detail = f"{self._path} (HELSEID_KEY) is a folder. Name the file in it."
            raise Refused(party, "not_found", detail) from None
        except (FileNotFoundError, NotADirectoryError):
            folder = "" if self._path.is_absolute() else f" in {Path.cwd()}, where the function runs"
            detail = f"There is no file {self._path}{folder} (HELSEID_KEY). Mount the secret there, or correct HELSEID_KEY."
            raise Refused(party, "not_found", detail) from None
        except PermissionError:
            remedy = "Let the function's user read it (chmod, chown)."
            raise Refused(
                party, "denied", f"The file {self._path} (HELSEID_KEY) cannot be read by this user. {remedy}"
            ) from None
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "no reason given"
            detail = f"The file {self._path} (HELSEID_KEY) could not be read ({reason}). Check the mount."
            raise Unavailable(party, "connect", detail) from None
