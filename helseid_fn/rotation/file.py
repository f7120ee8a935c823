"""The rotation of a key in a file, run from a terminal; the pending key waits in a file beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helseid_fn.context import Context
from helseid_fn.errors import RotationError
from helseid_fn.keys.generate import with_expiry
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.rotation.steps import Rotation
from helseid_fn.secret_store.file import FileReader
from helseid_fn.secret_store.key_file import create_key_file, replace_key_file


def pending_path(path: Path) -> Path:
    """Return where the next key of a key file waits."""
    return path.with_name(f"pending.{path.name}")


@dataclass(frozen=True, slots=True)
class FileRotation:
    """One rotation of one client's key; `now` is the wall clock."""

    rotation: Rotation
    path: Path
    now: Callable[[], float]

    def run(self, ctx: Context) -> str:
        """Replace the key if it is due, and return `not_due` or `rotated`.

        Raises `RotationError`, `SigningKeyError`, `Unavailable`, `DeadlineExceeded`, `Refused` or `InvalidResponse`; the next
        run continues from there.
        """
        in_use, waiting, outcome = FileReader(str(self.path)).read(ctx), pending_path(self.path), "not_due"
        try:
            if not waiting.exists() and self.rotation.is_due(in_use):
                create_key_file(waiting, self.rotation.create(in_use))
            elif not waiting.exists():
                in_use = self._note_expiry(in_use, ctx)
            if waiting.exists():
                in_use = self._finish(in_use, FileReader(str(waiting)).read(ctx), ctx)
                waiting.unlink()
                outcome = "rotated"
        except OSError as error:
            detail = f"The folder of the key file cannot be written ({error.strerror}). Let this user write it."
            raise RotationError("not_set_up", detail) from None
        key = parse_signing_key(in_use.text, stored_at=in_use.stored_at)
        ctx.note(kid=key.kid)
        ctx.note_key_expiry(key.expiry, self.now())
        return outcome

    def _note_expiry(self, in_use: StoredKey, ctx: Context) -> StoredKey:
        """Write the expiry of the key in use into its file, if only Selvbetjening knows it; return what is then in use."""
        expires_at = self.rotation.ask_expiry(in_use, ctx)
        if expires_at is None:
            return in_use
        dated = StoredKey(with_expiry(in_use.text, expires_at))
        replace_key_file(self.path, dated.text)
        return dated

    def _finish(self, in_use: StoredKey, pending: StoredKey, ctx: Context) -> StoredKey:
        """Do the steps that the pending key still needs, and return the key that is then in use."""
        if self.rotation.thumbprint_of(pending) == parse_signing_key(in_use.text).thumbprint:
            return in_use  # an earlier run was stopped before it removed the pending file
        registration = self.rotation.register(in_use, pending, ctx)
        self.rotation.test(pending, ctx)
        promoted = StoredKey(with_expiry(pending.text, registration.expires_at))
        replace_key_file(self.path, promoted.text)
        return promoted
