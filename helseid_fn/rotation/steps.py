"""How the client key is replaced: create, register, test, promote; the same for both clouds.

A new private key is stored where no running function reads it, before its public half is registered. It moves to where
functions read only after it has obtained a token. So wherever a run is stopped, the key in use works, the new one is not lost,
and the next run finds in the store and in Selvbetjening's list what has been done.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, Refused, RotationError, SigningKeyError
from helseid_fn.keys.endorsement import endorse, is_endorsed
from helseid_fn.keys.expiry import ASSUMED_LIFETIME_DAYS, DAY_SECONDS
from helseid_fn.keys.generate import generate_jwk, public_half
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.rotation.selvbetjening import Registration, Selvbetjening

ACTIVATION_SECONDS = 20.0
"""How long HelseID may refuse a newly registered key, until its caches are refreshed."""
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 4.0

_logger = logging.getLogger(__name__)

ObtainToken = Callable[[StoredKey, Context], None]
"""Obtains the function's token with this key, and discards it."""

OpenSelvbetjening = Callable[[StoredKey], Selvbetjening]
"""Returns Selvbetjening for the client that signs in with this key."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The steps that the rotation of every store consists of.

    `subject` names the client and its secret, `alg` and `due_fraction` are settings, `pending_remedy` says how to remove a
    pending key, `now` is the wall clock.
    """

    open_selvbetjening: OpenSelvbetjening
    obtain_token: ObtainToken
    subject: str
    alg: str
    due_fraction: float
    pending_remedy: str
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def is_due(self, current: StoredKey) -> bool:
        """Return whether the key in use is due for replacement."""
        key = parse_signing_key(current.text, expires_at=current.expires_at)
        return is_due(made_at=key.made_at, expires_at=key.expires_at, now=self.now(), fraction=self.due_fraction)

    def ask_expiry(self, current: StoredKey, ctx: Context) -> int | None:
        """Ask Selvbetjening when the key in use expires, if neither its JWK nor its store says it.

        None where it does not know either, as for a key that was registered in its web page, or cannot be asked now: the key
        counts as valid for 90 days then.
        """
        key = parse_signing_key(current.text, expires_at=current.expires_at)
        if key.expires_at is not None:
            return None
        with suppress(HelseidFnError):
            found = self.open_selvbetjening(current).find(key.kid or key.thumbprint, ctx)
            return found.expires_at if found else None
        return None

    def create(self, current: StoredKey) -> str:
        """Generate a new private JWK that the key in use endorses; it is stored nowhere yet."""
        return endorse(generate_jwk(self.alg, self.now()), parse_signing_key(current.text), self.subject)

    def check_endorsement(self, current: StoredKey, pending: StoredKey) -> None:
        """Raise `RotationError` when the key in use has not endorsed the pending key, so that no rotation made it."""
        if not is_endorsed(pending.text, parse_signing_key(current.text), self.subject):
            detail = f"The rotation did not make the pending key: the key in use has not signed it. {self.pending_remedy}"
            raise RotationError("pending_not_ours", detail)

    def register(self, current: StoredKey, pending: StoredKey, ctx: Context) -> Registration:
        """Register the public half of a pending key that a rotation made, unless it is registered already.

        Raises `RotationError`, and what a job raises.
        """
        public_jwk = public_half(pending.text)
        if "kid" not in public_jwk:
            detail = f"The pending key has no kid, by which HelseID finds a key. {self.pending_remedy}"
            raise RotationError("pending_unusable", detail)
        self.check_endorsement(current, pending)
        try:
            found = self._register(self.open_selvbetjening(current), pending, public_jwk, ctx)
        except Refused as refusal:
            if refusal.reason != "invalid_client":
                raise
            found = self._find_with_itself(pending, public_jwk, ctx)
        if found.expires_at is not None and found.expires_at <= self.now():
            raise RotationError("pending_unusable", f"The pending key expired before it was used. {self.pending_remedy}")
        return found

    def thumbprint_of(self, pending: StoredKey) -> str:
        """Return the pending key's thumbprint.

        Raises `RotationError` when it is no usable key; somebody has then changed it by hand.
        """
        try:
            return parse_signing_key(pending.text, check_primes=True).thumbprint
        except SigningKeyError as error:
            detail = f"The pending key cannot be used ({error.code}). {self.pending_remedy}"
            raise RotationError("pending_unusable", detail) from None

    def _register(
        self,
        selvbetjening: Selvbetjening,
        pending: StoredKey,
        public_jwk: dict[str, Any],
        ctx: Context,
    ) -> Registration:
        found = selvbetjening.find(public_jwk["kid"], ctx)
        if found is not None:
            return found
        try:
            return selvbetjening.register(public_jwk, ctx)
        except HelseidFnError as error:
            # The response may have been lost and not the request, now or in an earlier run.
            _logger.warning("Registering the new key failed. Checking whether it was registered nevertheless: %s", error)
            with suppress(HelseidFnError):
                found = selvbetjening.find(public_jwk["kid"], ctx)
                if found is None:  # or there is no list
                    self.obtain_token(pending, ctx)
                    found = Registration(None)
            if found is None:
                raise
            return found

    def _find_with_itself(self, pending: StoredKey, public_jwk: dict[str, Any], ctx: Context) -> Registration:
        """Look the pending key up with itself when HelseID refuses the key in use: it may have been registered by hand."""
        try:
            found = self.open_selvbetjening(pending).find(public_jwk["kid"], ctx)
        except Refused as refusal:
            if refusal.reason != "invalid_client":
                raise
            raise RotationError(
                "current_key_refused",
                "HelseID refuses the key in use, so it cannot register the next one. Check its expiry in Selvbetjening, "
                f"register this public key there by hand, and run the rotation again: {json.dumps(public_jwk)}",
            ) from None
        return found or Registration(None)

    def test(self, pending: StoredKey, ctx: Context) -> None:
        """Obtain a token with the pending key; HelseID gets some seconds to refresh its caches.

        Raises `RotationError` when HelseID still refuses the key, and what obtaining a token raises.
        """
        waited_seconds, pause_seconds = 0.0, FIRST_PAUSE_SECONDS
        while True:
            try:
                return self.obtain_token(pending, ctx)
            except Refused as refusal:
                if refusal.reason != "invalid_client":
                    raise
                if waited_seconds >= ACTIVATION_SECONDS or pause_seconds >= ctx.left_seconds():
                    raise RotationError(
                        "new_key_refused",
                        f"HelseID has refused the pending key for {waited_seconds:.0f} s, so the one in use stays. Run the "
                        "rotation again; if that does not help, look in Selvbetjening for the key with kid "
                        f"{public_half(pending.text).get('kid')}.",
                    ) from None
            self.sleep(pause_seconds)
            waited_seconds, pause_seconds = waited_seconds + pause_seconds, min(2 * pause_seconds, MAX_PAUSE_SECONDS)


def is_due(*, made_at: int | None, expires_at: int | None, now: float, fraction: float) -> bool:
    """Return whether this fraction of a key's lifetime is over.

    A key with neither time known is due; the key that replaces it has both.
    """
    if made_at is None and expires_at is None:
        return True
    assumed_seconds = ASSUMED_LIFETIME_DAYS * DAY_SECONDS
    starts_at = expires_at - assumed_seconds if made_at is None and expires_at is not None else made_at or 0
    ends_at = starts_at + assumed_seconds if expires_at is None else expires_at
    return now >= starts_at + fraction * (ends_at - starts_at)
