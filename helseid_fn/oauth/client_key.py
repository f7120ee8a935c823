"""The client key: it is read for each token, and the tokens of a replaced one are not used."""

from __future__ import annotations

import logging
import threading
from itertools import count
from typing import NamedTuple

from helseid_fn.context import Context
from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import KeyReader, StoredKey

_logger = logging.getLogger(__name__)


class KeyRead(NamedTuple):
    """A key as it was read."""

    number: int
    """Reads are numbered as they begin."""
    key: SigningKey
    from_cache: bool
    """Whether the store may have a newer one."""


class ClientKey:
    """Reads the key at every use, so that a replaced key signs the next token request without a restart; safe for threads."""

    def __init__(self, reader: KeyReader, *, client_id: str, issuer: str) -> None:
        self._reader = reader
        self._client_id = client_id
        self._issuer = issuer
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._number_in_use = 0
        self._thumbprint_in_use: str | None = None
        self._replaced_thumbprint: str | None = None
        self._warned_thumbprint: str | None = None

    @property
    def thumbprint_in_use(self) -> str | None:
        """The thumbprint of the key whose tokens may be used; None before the first."""
        return self._thumbprint_in_use

    def read(self, ctx: Context) -> KeyRead:
        """Read the key; one from a cache that cannot be used, or is known to be replaced, is read again from the store.

        Raises `SigningKeyError`, and what the store raises.
        """
        number, stored = next(self._numbers), self._reader.read(ctx)
        try:
            key = self._parse(stored)
            if not stored.from_cache or key.thumbprint != self._replaced_thumbprint:
                return KeyRead(number, key, stored.from_cache)
        except SigningKeyError:
            if not stored.from_cache:
                raise
        return self._read_fresh(ctx)

    def read_newer(self, read: KeyRead, ctx: Context) -> KeyRead | None:
        """Return the key that has replaced one from a cache; None if it came from no cache, or the store has no other.

        Raises `SigningKeyError`, and what the store raises.
        """
        newest = self._read_fresh(ctx) if read.from_cache else None
        if newest is None or newest.key.thumbprint == read.key.thumbprint:
            return None
        self._replaced_thumbprint = read.key.thumbprint
        return newest

    def note_in_use(self, read: KeyRead) -> None:
        """Use only tokens of this key from now on, unless a token was obtained with a key whose read began later."""
        with self._lock:
            if read.number > self._number_in_use:
                self._number_in_use, self._thumbprint_in_use = read.number, read.key.thumbprint

    def _read_fresh(self, ctx: Context) -> KeyRead:
        number = next(self._numbers)
        return KeyRead(number, self._parse(self._reader.read(ctx, fresh=True)), from_cache=False)

    def _parse(self, stored: StoredKey) -> SigningKey:
        key = parse_signing_key(
            stored.text,
            expires_at=stored.expires_at,
            stored_at=stored.stored_at,
            client_id=self._client_id,
            issuer=self._issuer,
        )
        if key.kid is None and self._warned_thumbprint != key.thumbprint:
            self._warned_thumbprint = key.thumbprint
            _logger.warning(
                "The private key has no kid. Add the one that Selvbetjening shows, so that HelseID can find the key."
            )
        return key
