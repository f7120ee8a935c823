"""The rotation on Google Cloud: all steps in one run, from a secret for the pending key to the one that functions read.

Two runs at once do no harm: both go on with the oldest pending key, and what one has done the other finds done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Refused
from helseid_fn.keys.expiry import log_fields
from helseid_fn.keys.generate import with_expiry
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.rotation.retention import Aging
from helseid_fn.rotation.steps import Rotation

if TYPE_CHECKING:
    from helseid_fn.secret_store.google.secret import GoogleVersions


@dataclass(frozen=True, slots=True)
class GoogleRotation:
    """One rotation of one client's key; `now` is the wall clock."""

    rotation: Rotation
    current: GoogleVersions
    pending: GoogleVersions
    aging: Aging
    now: Callable[[], float]

    def run(self, deadline: Deadline, journal: Journal) -> str:
        """Do what is to be done, and return `not_due` or `rotated`.

        Raises `RotationError`, `SigningKeyError`, `Unreachable`, `DeadlineExceeded`, `Refused` or `Garbled`; the next run goes
        on from there.
        """
        in_use = self.current.read("latest", deadline, journal)
        pending = self._pending(deadline, journal)
        if pending is None and self.rotation.is_due(in_use):
            pending, in_use = self._add_pending(in_use, deadline, journal)
        outcome = "not_due"
        if pending is not None:
            in_use = self._finish(in_use, pending, deadline, journal)
            outcome = "rotated"
        self._age(in_use, deadline, journal)
        key = _parse(in_use)
        journal.note(kid=key.kid, **log_fields(key.expires_at, self.now()))
        return outcome

    def _pending(self, deadline: Deadline, journal: Journal) -> StoredKey | None:
        """Read the pending key: the oldest, should there be more than one; None too when another run has just done with it."""
        readable = [version for version in self.pending.list(deadline, journal) if version.is_enabled]
        try:
            return self.pending.read(readable[0].name, deadline, journal) if readable else None
        except Refused as refusal:
            if refusal.code != "secret_manager.refused.disabled":
                raise
            return None

    def _add_pending(self, in_use: StoredKey, deadline: Deadline, journal: Journal) -> tuple[StoredKey | None, StoredKey]:
        """Store a new pending key; return the pending key, None when another run has just promoted one, and the key in use."""
        added = self.pending.add(self.rotation.create(), deadline, journal)
        pending = self._pending(deadline, journal)
        # Read last: whatever another run has promoted up to here must not be followed by a key of ours.
        newest = self.current.read("latest", deadline, journal)
        if _parse(newest).thumbprint != _parse(in_use).thumbprint:
            self._empty_pending(deadline, journal)
            return None, newest
        # A list can be some minutes behind; a version's own name never is.
        return pending or self.pending.read(added, deadline, journal), newest

    def _finish(self, in_use: StoredKey, pending: StoredKey, deadline: Deadline, journal: Journal) -> StoredKey:
        """Take the pending key through the steps that it has not been through, and return the key that is then in use."""
        if self.rotation.thumbprint_of(pending) != _parse(in_use).thumbprint:
            registration = self.rotation.register(in_use, pending, deadline, journal)
            self.rotation.test(pending, deadline, journal)
            in_use = StoredKey(with_expiry(pending.text, registration.expires_at))
            self.current.add(in_use.text, deadline, journal)
        self._empty_pending(deadline, journal)
        return in_use

    def _empty_pending(self, deadline: Deadline, journal: Journal) -> None:
        for version in self.pending.list(deadline, journal):
            self.pending.destroy(version, deadline, journal)

    def _age(self, in_use: StoredKey, deadline: Deadline, journal: Journal) -> None:
        """Retire what has been replaced long enough ago, by a key that still earns a token.

        The newest may be one that a hand added and HelseID does not take; the one before is then what is gone back to.
        """
        disabled, destroyed = self.aging.split(self.current.list(deadline, journal), self.now())
        if disabled or destroyed:
            self.rotation.earn_token(in_use, deadline, journal)
        for version in disabled:
            self.current.disable(version, deadline, journal)
        for version in destroyed:
            self.current.destroy(version, deadline, journal)


def _parse(stored: StoredKey) -> SigningKey:
    return parse_signing_key(stored.text, expires_at=stored.expires_at)
