"""How the client key is replaced: create, register, test, promote; the same for both clouds.

A new private key is stored before its public half is registered, where no running function reads it, and moves to where
functions read only after it has earned a token. So whatever stops a run, at whatever instant: the key in use works, the new
one is not lost, and the next run finds in the store and in Selvbetjening's list what has been done.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import HelseidFnError, Refused, RotationError, SigningKeyError
from helseid_fn.keys.expiry import is_due
from helseid_fn.keys.generate import generate_jwk, public_half
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.rotation.selvbetjening import Registration, Selvbetjening

ACTIVATION_SECONDS = 20.0
"""How long HelseID may go on refusing a key that has just been registered, while its caches turn."""
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 4.0

REFUSED_CLIENT = "helseid.refused.invalid_client"

_logger = logging.getLogger(__name__)

EarnToken = Callable[[StoredKey, Deadline, Journal], None]
"""Asks HelseID for the function's token with this key, and holds it nowhere."""

OpenSelvbetjening = Callable[[StoredKey], Selvbetjening]
"""Returns Selvbetjening as the client sees it that signs in with this key."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The steps that every store's rotation is made of.

    `alg` and `due_share` are settings, `pending_remedy` tells how a pending key is done away with, `now` is the wall clock.
    """

    open_selvbetjening: OpenSelvbetjening
    earn_token: EarnToken
    alg: str
    due_share: float
    pending_remedy: str
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def is_due(self, current: StoredKey) -> bool:
        """Tell whether the key in use is to be replaced."""
        key = parse_signing_key(current.text, expires_at=current.expires_at)
        return is_due(made_at=key.made_at, expires_at=key.expires_at, now=self.now(), share=self.due_share)

    def create(self) -> str:
        """Make a new private JWK; nothing knows it until it is stored."""
        return generate_jwk(self.alg, self.now())

    def register(self, current: StoredKey, pending: StoredKey, deadline: Deadline, journal: Journal) -> Registration:
        """Register the pending key's public half, unless it is registered already.

        Raises `RotationError`, and what a job raises.
        """
        public_jwk = public_half(pending.text)
        if "kid" not in public_jwk:
            detail = f"The pending key has no kid, by which HelseID would know it; {self.pending_remedy}."
            raise RotationError("pending_unusable", detail)
        try:
            found = self._register(self.open_selvbetjening(current), pending, public_jwk, deadline, journal)
        except Refused as refusal:
            if refusal.code != REFUSED_CLIENT:
                raise
            found = self._find_by_itself(pending, public_jwk, deadline, journal)
        if found.expires_at is not None and found.expires_at <= self.now():
            raise RotationError("pending_unusable", f"The pending key expired before it was used; {self.pending_remedy}.")
        return found

    def thumbprint_of(self, pending: StoredKey) -> str:
        """Return the pending key's thumbprint.

        Raises `RotationError` when it is no key, which only a hand from outside can have made of it.
        """
        try:
            return parse_signing_key(pending.text).thumbprint
        except SigningKeyError as error:
            detail = f"The pending key cannot be used ({error.code}); {self.pending_remedy}."
            raise RotationError("pending_unusable", detail) from None

    def _register(
        self,
        selvbetjening: Selvbetjening,
        pending: StoredKey,
        public_jwk: dict[str, Any],
        deadline: Deadline,
        journal: Journal,
    ) -> Registration:
        found = selvbetjening.find(public_jwk["kid"], deadline, journal)
        if found is not None:
            return found
        try:
            return selvbetjening.register(public_jwk, deadline, journal)
        except HelseidFnError as error:
            # The answer may have been lost and not the request, now or in an earlier run.
            _logger.warning("Registering the new key failed, and is looked up in case it took place: %s", error)
            with suppress(HelseidFnError):
                found = selvbetjening.find(public_jwk["kid"], deadline, journal)
                if found is None:  # or there is no list
                    self.earn_token(pending, deadline, journal)
                    found = Registration(None)
            if found is None:
                raise
            return found

    def _find_by_itself(
        self, pending: StoredKey, public_jwk: dict[str, Any], deadline: Deadline, journal: Journal
    ) -> Registration:
        """Look the pending key up where HelseID refuses the key in use: a person may have registered it by hand."""
        try:
            found = self.open_selvbetjening(pending).find(public_jwk["kid"], deadline, journal)
        except Refused as refusal:
            if refusal.code != REFUSED_CLIENT:
                raise
            raise RotationError(
                "current_key_refused",
                "HelseID refuses the key in use, so it cannot register the next one; check its expiry in Selvbetjening, "
                f"register this public key there by hand, and run the rotation again: {json.dumps(public_jwk)}",
            ) from None
        return found or Registration(None)

    def test(self, pending: StoredKey, deadline: Deadline, journal: Journal) -> None:
        """Earn a token with the pending key; HelseID is given some seconds to get to know it.

        Raises `RotationError` when it stays refused, and what getting a token raises.
        """
        waited_seconds, pause_seconds = 0.0, FIRST_PAUSE_SECONDS
        while True:
            try:
                return self.earn_token(pending, deadline, journal)
            except Refused as refusal:
                if refusal.code != REFUSED_CLIENT:
                    raise
                if waited_seconds >= ACTIVATION_SECONDS or pause_seconds >= deadline.left_seconds():
                    raise RotationError(
                        "new_key_refused",
                        f"HelseID refuses the key that waits to be used, for {waited_seconds:.0f} s by now, so the one in use "
                        "stays; run the rotation again, and if that does not help look in Selvbetjening for the key with kid "
                        f"{public_half(pending.text).get('kid')}.",
                    ) from None
            self.sleep(pause_seconds)
            waited_seconds, pause_seconds = waited_seconds + pause_seconds, min(2 * pause_seconds, MAX_PAUSE_SECONDS)
