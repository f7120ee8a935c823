"""The rotation on Google Cloud: all steps in one run, from the secret of the pending key to the secret that functions read.

Two runs at once do no harm: both continue with the oldest pending key, and each finds what the other has done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helseid_fn.context import Context
from helseid_fn.errors import Refused
from helseid_fn.keys.generate import with_expiry
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.rotation.retention import Retention
from helseid_fn.rotation.steps import Rotation

if TYPE_CHECKING:
    from helseid_fn.secret_store.google.secret import GoogleSecret


@dataclass(frozen=True, slots=True)
class GoogleRotation:
    """One rotation of one client's key; `now` is the wall clock."""

    rotation: Rotation
    current: GoogleSecret
    pending: GoogleSecret
    retention: Retention
    now: Callable[[], float]

    def run(self, ctx: Context) -> str:
        """Replace the key if it is due, and return `not_due` or `rotated`.

        Raises `RotationError`, `SigningKeyError`, `Unavailable`, `DeadlineExceeded`, `Refused` or `InvalidResponse`; the next
        run continues from there.
        """
        in_use = self.current.read_version("latest", ctx)
        pending = self._pending(ctx)
        if pending is None and self.rotation.is_due(in_use):
            pending, in_use = self._add_pending(in_use, ctx)
        elif pending is None:
            in_use = self._note_expiry(in_use, ctx)
        outcome = "not_due"
        if pending is not None:
            in_use = self._finish(in_use, pending, ctx)
            outcome = "rotated"
        self._retire(in_use, ctx)
        key = _parse(in_use)
        ctx.note(kid=key.kid)
        ctx.note_key_expiry(key.expiry, self.now())
        return outcome

    def _pending(self, ctx: Context) -> StoredKey | None:
        """Read the oldest pending key; None when there is none, or another run has just finished with it."""
        readable = [version for version in self.pending.list(ctx) if version.is_enabled]
        try:
            return self.pending.read_version(readable[0].name, ctx) if readable else None
        except Refused as refusal:
            if refusal.reason != "disabled":
                raise
            return None

    def _note_expiry(self, in_use: StoredKey, ctx: Context) -> StoredKey:
        """Store the key in use again with its expiry, if only Selvbetjening knows it; return what is then in use."""
        expires_at = self.rotation.ask_expiry(in_use, ctx)
        if expires_at is None:
            return in_use
        newest = self.current.read_version("latest", ctx)  # which may have been added by hand meanwhile
        if newest.text == in_use.text:
            newest = StoredKey(with_expiry(in_use.text, expires_at))
            self.current.add(newest.text, ctx)
        return newest

    def _add_pending(self, in_use: StoredKey, ctx: Context) -> tuple[StoredKey | None, StoredKey]:
        """Store a new pending key; return the pending key, None if another run has just promoted one, and the key in use."""
        added = self.pending.add(self.rotation.create(in_use), ctx)
        pending = self._pending(ctx)
        # Read last: a key that another run has promoted up to here must not be followed by one of ours.
        newest = self.current.read_version("latest", ctx)
        if _parse(newest).thumbprint != _parse(in_use).thumbprint:
            self._empty_pending(ctx)
            return None, newest
        # A list can be some minutes behind; reading a version by its name never is.
        return pending or self.pending.read_version(added, ctx), newest

    def _finish(self, in_use: StoredKey, pending: StoredKey, ctx: Context) -> StoredKey:
        """Do the steps that the pending key still needs, and return the key that is then in use."""
        if self.rotation.thumbprint_of(pending) != _parse(in_use).thumbprint:
            registration = self.rotation.register(in_use, pending, ctx)
            self.rotation.test(pending, ctx)
            in_use = StoredKey(with_expiry(pending.text, registration.expires_at))
            self.current.add(in_use.text, ctx)
        self._empty_pending(ctx)
        return in_use

    def _empty_pending(self, ctx: Context) -> None:
        for version in self.pending.list(ctx):
            self.pending.destroy(version, ctx)

    def _retire(self, in_use: StoredKey, ctx: Context) -> None:
        """Disable and destroy what was replaced long enough ago, if the key in use still obtains a token.

        Someone may have added a newest version that HelseID refuses; the one before is then needed for the rollback.
        """
        disabled, destroyed = self.retention.split(self.current.list(ctx), self.now())
        if disabled or destroyed:
            self.rotation.obtain_token(in_use, ctx)
        for version in disabled:
            self.current.disable(version, ctx)
        for version in destroyed:
            self.current.destroy(version, ctx)


def _parse(stored: StoredKey) -> SigningKey:
    return parse_signing_key(stored.text, expires_at=stored.expires_at)
