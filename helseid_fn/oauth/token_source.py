"""The held tokens: one for each organization and set of scopes, each asked for by one thread at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Party, Refused, SigningKeyError
from helseid_fn.http.transport import Transport
from helseid_fn.keys.expiry import log_fields
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.dpop import new_jti
from helseid_fn.oauth.metadata import MetadataSource
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_request import TokenRequest, fetch_token
from helseid_fn.oauth.token_response import Token
from helseid_fn.single_flight import Held

MAX_HELD_TOKENS = 100
MAX_MARGIN_SECONDS = 30

ReadKey = Callable[[Deadline, Journal], StoredKey]
"""Reads the private JWK from its store, anew at every call."""

ReadKeyPastCache = Callable[[Deadline, Journal], StoredKey | None]
"""Reads it past the cache that it came from; None when it came from none."""

HeldAs = tuple[Organization, frozenset[str]]
"""What tells a source's held tokens apart: issuer and client are the source's own, and the client key is compared besides."""

_logger = logging.getLogger(__name__)


class TokenSource:
    """Gives tokens; safe for threads. HelseID forbids asking for a token while a valid one is held (FK3)."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        read_key: ReadKey,
        read_key_past_cache: ReadKeyPastCache | None = None,
        transport: Transport,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = new_jti,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._read_key = read_key
        self._read_key_past_cache = read_key_past_cache
        self._transport = transport
        self._metadata = MetadataSource(issuer, transport, now=now)
        self._now = now
        self._new_id = new_id
        self._lock = threading.Lock()
        self._held: OrderedDict[HeldAs, Held[Token]] = OrderedDict()
        self._key_thumbprint: str | None = None
        self._warned_thumbprint: str | None = None

    def get(self, organization: Organization, scopes: frozenset[str], deadline: Deadline, journal: Journal) -> Token:
        """Return a token for this organization with these scopes: the held one if it is fresh, else a new one.

        Raises `SigningKeyError`, `Unreachable`, `DeadlineExceeded`, `Refused` or `Garbled`.
        """
        return self._obtain(organization, scopes, deadline, journal, rejected=None)

    def renew(
        self, rejected: Token, organization: Organization, scopes: frozenset[str], deadline: Deadline, journal: Journal
    ) -> Token:
        """Return a token that is not the one which the API rejected: another thread's new one if there is one already.

        Raises what `get` raises.
        """
        return self._obtain(organization, scopes, deadline, journal, rejected=rejected)

    def _obtain(
        self,
        organization: Organization,
        scopes: frozenset[str],
        deadline: Deadline,
        journal: Journal,
        *,
        rejected: Token | None,
    ) -> Token:
        def is_usable(token: Token) -> bool:
            same_key = token.client_key_thumbprint == self._key_thumbprint
            return token is not rejected and same_key and is_fresh(token, self._now())

        def fetch() -> Token:
            return self._fetch(organization, scopes, deadline, journal)

        token = self._slot((organization, scopes)).get(is_usable, fetch, deadline, Party.HELSEID)
        journal.note(kid=token.client_kid, assertion_jti=token.assertion_jti)
        journal.note(**log_fields(token.client_key_expires_at, self._now()))
        return token

    def _fetch(self, organization: Organization, scopes: frozenset[str], deadline: Deadline, journal: Journal) -> Token:
        def ask(key: SigningKey) -> Token:
            journal.note(**log_fields(key.expires_at, self._now()))
            metadata = self._metadata.get(deadline, journal)
            request = TokenRequest(self._client_id, key, organization, scopes, self._now, self._new_id)
            token = fetch_token(request, metadata, self._transport, deadline, journal)
            self._key_thumbprint = key.thumbprint
            return token

        # Read anew, so that a replaced key is used by the next token with no restart.
        key = self._load_key(deadline, journal)
        try:
            return ask(key)
        except Refused as refusal:
            newer_key = self._load_newer_key(refusal, key, deadline, journal)
            if newer_key is None:
                raise
        return ask(newer_key)

    def _load_key(self, deadline: Deadline, journal: Journal) -> SigningKey:
        """Read the key and parse it; one from a cache that cannot be used may have been mended since, and is read past it."""
        try:
            return self._parse_key(self._read_key(deadline, journal))
        except SigningKeyError:
            stored = self._read_key_past_cache(deadline, journal) if self._read_key_past_cache else None
            if stored is None:
                raise
        return self._parse_key(stored)

    def _load_newer_key(self, refusal: Refused, key: SigningKey, deadline: Deadline, journal: Journal) -> SigningKey | None:
        """Return the key that the store holds, when HelseID refused the client for one that came from a cache and is older."""
        if self._read_key_past_cache is None or refusal.code != "helseid.refused.invalid_client":
            return None
        stored = self._read_key_past_cache(deadline, journal)
        newer_key = None if stored is None else self._parse_key(stored)
        return newer_key if newer_key and newer_key.thumbprint != key.thumbprint else None

    def _parse_key(self, stored: StoredKey) -> SigningKey:
        key = parse_signing_key(stored.text, expires_at=stored.expires_at)
        if key.kid is None and self._warned_thumbprint != key.thumbprint:
            self._warned_thumbprint = key.thumbprint
            _logger.warning(
                "The private key has no kid; add the one that Selvbetjening shows, so that HelseID can tell keys apart."
            )
        return key

    def _slot(self, held_as: HeldAs) -> Held[Token]:
        with self._lock:
            slot = self._held.setdefault(held_as, Held())
            self._held.move_to_end(held_as)
            if len(self._held) > MAX_HELD_TOKENS:
                idle = next((key for key, each in self._held.items() if not each.is_busy and each is not slot), None)
                if idle is not None:
                    del self._held[idle]
            return slot


def is_fresh(token: Token, now: float) -> bool:
    """Tell whether a token may still be used: not within 30 s, or a tenth of its life if that is less, of its end."""
    return now < token.expires_at - min(MAX_MARGIN_SECONDS, token.lifetime_seconds / 10)
