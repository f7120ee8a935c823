"""Which key's tokens may be used, when threads read the key through a cache while it is replaced."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from helseid_fn.context import Context
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.client_key import ClientKey, KeyRead
from standin import make_jwk
from tests.support.parts import CLIENT_ID, ISSUER, make_context

REPLACED, STALE, NEWEST = (make_jwk("ES256", number=number) for number in range(3))


class CachingStore:
    """A store behind a cache; `meanwhile` is called once, during the next read."""

    def __init__(self) -> None:
        self.cached, self.stored = REPLACED, NEWEST
        self.meanwhile: Callable[[], object] | None = None

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        del ctx
        key = self.stored if fresh else self.cached
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return StoredKey(json.dumps(key), from_cache=not fresh)


@pytest.fixture
def store() -> CachingStore:
    return CachingStore()


@pytest.fixture
def client_key(store: CachingStore) -> ClientKey:
    return ClientKey(store, client_id=CLIENT_ID, issuer=ISSUER)


def read_newer(client_key: ClientKey, read: KeyRead) -> KeyRead:
    newer = client_key.read_newer(read, make_context())
    assert newer is not None
    return newer


def use_stale(client_key: ClientKey, store: CachingStore) -> None:
    """Obtain a token with another replaced key, as another thread may while the cache has it."""
    cached, store.cached = store.cached, STALE
    client_key.note_in_use(client_key.read(make_context()))
    store.cached = cached


def test_a_newer_key_is_used_though_another_thread_has_read_the_cache_since(client_key: ClientKey, store: CachingStore) -> None:
    refused = client_key.read(make_context())
    use_stale(client_key, store)
    newest = read_newer(client_key, refused)
    client_key.note_in_use(newest)
    assert client_key.thumbprint_in_use == newest.key.thumbprint


def test_a_key_read_again_is_used_though_another_thread_has_read_the_cache_meanwhile(
    client_key: ClientKey, store: CachingStore
) -> None:
    read_newer(client_key, client_key.read(make_context()))  # the cached key is known to be replaced from now on
    store.meanwhile = lambda: use_stale(client_key, store)
    newest = client_key.read(make_context())
    client_key.note_in_use(newest)
    assert client_key.thumbprint_in_use == newest.key.thumbprint
