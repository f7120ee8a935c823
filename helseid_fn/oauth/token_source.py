"""The cached tokens: one for each organization and set of scopes, each requested by one thread at a time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakSet

from helseid_fn.concurrency import SingleFlight
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.http.transport import Transport
from helseid_fn.keys.stored import KeyReader
from helseid_fn.oauth.client_key import ClientKey, KeyRead
from helseid_fn.oauth.dpop import new_jti
from helseid_fn.oauth.metadata import MetadataSource
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.recent_refusals import RecentRefusals
from helseid_fn.oauth.token_request import TokenRequest, fetch_token
from helseid_fn.oauth.token_response import Token

MAX_CACHED_TOKENS = 100

CacheKey = tuple[Organization, frozenset[str]]
"""Issuer and client are the source's own, and the client key is compared besides."""


def do_nothing() -> None:
    """Do nothing."""


class TokenSource:
    """Returns tokens; safe for threads. HelseID forbids requesting a token while a valid one is cached (FK3)."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        key: KeyReader,
        transport: Transport,
        token_endpoint_host: str | None = None,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = new_jti,
    ) -> None:
        self._client_id = client_id
        self._key = ClientKey(key, client_id=client_id, issuer=issuer)
        self._transport = transport
        self._metadata = MetadataSource(issuer, transport, token_endpoint_host=token_endpoint_host, now=now)
        self._now = now
        self._new_id = new_id
        self._lock = threading.Lock()
        self._slots: OrderedDict[CacheKey, SingleFlight[Token]] = OrderedDict()
        self._refusals: RecentRefusals[CacheKey] = RecentRefusals()
        self._rejected_anew: WeakSet[Token] = WeakSet()

    def get(
        self,
        organization: Organization,
        scopes: frozenset[str],
        ctx: Context,
        *,
        rejected: Token | None = None,
        meanwhile: Callable[[], None] = do_nothing,
    ) -> Token:
        """Return a token for this organization with these scopes: the cached one if it is fresh, else a new one.

        With the token that the API has `rejected`, another one: the one that another thread has obtained meanwhile, or a new
        one. `meanwhile` begins what may go on while a new one is fetched; only the thread that fetches calls it.

        Raises `SigningKeyError`, `Unavailable`, `DeadlineExceeded`, `Refused` or `InvalidResponse`.
        """

        def is_usable(token: Token) -> bool:
            same_key = token.client_key_thumbprint == self._key.thumbprint_in_use
            return token is not rejected and same_key and token.is_fresh(self._now())

        cache_key = (organization, scopes)
        self._refusals.check(cache_key, self._now())
        slot = self._slot(cache_key)
        try:
            token = slot.get(is_usable, lambda: self._fetch(organization, scopes, ctx, meanwhile), ctx, Party.HELSEID)
        except HelseidFnError as error:
            self._drop(cache_key, slot)
            ctx.early_connections.clear()  # a call that the job makes after it connects anew
            if isinstance(error, Refused) and error.party is Party.HELSEID:
                self._refusals.add(cache_key, error, self._now())
            raise
        ctx.note(kid=token.client_kid, assertion_jti=token.assertion_jti)
        if rejected is not None:
            ctx.note(token_renewed=True)
        ctx.note_key_expiry(token.client_key_expiry, self._now())
        return token

    def may_replace(self, token: Token) -> bool:
        """Return whether another token may help when an API rejects this one: not if it replaced a rejected one itself."""
        return token not in self._rejected_anew

    def note_rejected_anew(self, token: Token) -> None:
        """Remember a token that was obtained for a rejected one, and that the API rejected too."""
        self._rejected_anew.add(token)

    def _fetch(self, organization: Organization, scopes: frozenset[str], ctx: Context, meanwhile: Callable[[], None]) -> Token:
        def request_with(read: KeyRead) -> Token:
            ctx.note_key_expiry(read.key.expiry, self._now())
            metadata = self._metadata.get(ctx)
            request = TokenRequest(self._client_id, read.key, organization, scopes, self._now, self._new_id)
            token = fetch_token(request, metadata, self._transport, ctx)
            self._key.note_in_use(read)
            return token

        # HelseID's connection is opened while the key is read; a request waits until the key is good.
        self._transport.connect_early(
            Party.HELSEID, self._metadata.next_url(), ctx=ctx, response_timeout_seconds=ctx.attempt_seconds
        )
        meanwhile()
        read = self._key.read(ctx)
        try:
            return request_with(read)
        except Refused as refusal:
            newer = self._key.read_newer(read, ctx) if refusal.reason == "invalid_client" else None
            if newer is None:
                raise
        return request_with(newer)

    def _slot(self, cache_key: CacheKey) -> SingleFlight[Token]:
        with self._lock:
            slot = self._slots.setdefault(cache_key, SingleFlight())
            self._slots.move_to_end(cache_key)
            if len(self._slots) > MAX_CACHED_TOKENS:
                idle = [key for key, each in self._slots.items() if not each.is_busy and each is not slot]
                fresh = {key for key in idle if (token := self._slots[key].value) and token.is_fresh(self._now())}
                evicted = next((key for key in idle if key not in fresh), idle[0] if idle else None)
                if evicted is not None:
                    del self._slots[evicted]
            return slot

    def _drop(self, cache_key: CacheKey, slot: SingleFlight[Token]) -> None:
        """Remove the slot of a failure, unless there is a token in it or another thread is fetching one."""
        with self._lock:
            if slot.value is None and not slot.is_busy and self._slots.get(cache_key) is slot:
                del self._slots[cache_key]
