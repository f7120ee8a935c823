"""Cached tokens over a fake transport; the contract tests check that HelseID accepts the requests."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import pytest

from helseid_fn.context import Context
from helseid_fn.errors import Party, Refused, SigningKeyError
from helseid_fn.http.messages import Build, Response
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from helseid_fn.oauth.token_source import MAX_CACHED_TOKENS, TokenSource
from standin import make_jwk
from tests.conftest import MovableClock
from tests.support.parts import CLIENT_ID, ISSUER, NOW, make_context, make_response, read_jws

SCOPES = frozenset({"nhn:a/b", "nhn:c/d"})


@pytest.mark.parametrize(
    ("lifetime_seconds", "fresh_seconds"),
    [(1, 0.9), (5, 4.5), (10, 9), (60, 54), (300, 270), (301, 271), (600, 570), (86400, 86370)],
)
@pytest.mark.parametrize(("before_the_end", "expected"), [(0.01, True), (0.0, False), (-0.01, False)])
def test_a_token_is_fresh_until_its_margin(
    lifetime_seconds: int, fresh_seconds: float, before_the_end: float, *, expected: bool
) -> None:
    token = Token("t", generate_proof_key(), SCOPES, lifetime_seconds, 0.0, None, "x", "y")
    assert token.is_fresh(fresh_seconds - before_the_end) is expected


class FakeTransport:
    """Responds as HelseID would, and records what was built for it."""

    def __init__(self) -> None:
        self.metadata_requests = 0
        self.forms: list[dict[str, str]] = []
        self.proofs: list[str] = []
        self.nonces: tuple[str | None, ...] = (None,)
        self.refusal: dict[str, str] | None = None
        self.refused_kids: set[str] = set()
        self.connected_early: list[tuple[Party, str]] = []
        self.before_token: Callable[[], object] | None = None
        """Called once, when a token request has come and before it is recorded."""

    def send(self, party: Party, method: str, url: str, build: Build, **_options: Any) -> Response:
        assert party is Party.HELSEID
        if method == "GET":
            self.metadata_requests += 1
            return make_response(200, {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/connect/token"})
        before_token, self.before_token = self.before_token, None
        if before_token:
            before_token()
        for nonce in self.nonces:
            message = build(url, nonce)
            assert message.body is not None
            self.forms.append({name: value for name, (value,) in parse_qs(message.body.decode()).items()})
            self.proofs.append(message.headers["DPoP"])
        if self.assertion()[0].get("kid") in self.refused_kids:
            return make_response(400, {"error": "invalid_client"})
        if self.refusal:
            return make_response(400, self.refusal)
        return make_response(200, {"access_token": f"token-{len(self.forms)}", "token_type": "DPoP", "expires_in": 600})

    def connect_early(self, party: Party, url: str, **_options: Any) -> None:
        self.connected_early.append((party, url))

    def assertion(self, number: int = -1) -> tuple[dict[str, Any], dict[str, Any]]:
        return read_jws(self.forms[number]["client_assertion"])


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


class FakeStore:
    """Returns the cached key, unless a fresh one is requested or there is no cache."""

    def __init__(self, *stored: dict[str, Any] | str, cached: dict[str, Any] | str | None = None) -> None:
        self.stored, self.cached = list(stored), cached
        self.reads: list[str] = []

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        del ctx
        self.reads.append("fresh" if fresh else "any")
        from_cache = self.cached is not None and not fresh
        key = self.cached if from_cache else self.stored[-1]
        return StoredKey(key if isinstance(key, str) else json.dumps(key), from_cache=from_cache)


OLD, NEW = make_jwk("ES256"), make_jwk("ES256", number=1)


@pytest.fixture
def keys() -> FakeStore:
    """Return a store without a cache; reading it returns the last of its keys."""
    return FakeStore(OLD)


def make_source(transport: FakeTransport, store: FakeStore, clock: MovableClock) -> TokenSource:
    ids = count(1)
    return TokenSource(
        issuer=ISSUER,
        client_id=CLIENT_ID,
        key=store,
        transport=transport,  # type: ignore[arg-type]
        now=clock,
        new_id=lambda: f"id-{next(ids)}",
    )


@pytest.fixture
def source(transport: FakeTransport, keys: FakeStore, clock: MovableClock) -> TokenSource:
    return make_source(transport, keys, clock)


Get = Callable[..., Token]


@pytest.fixture
def get(source: TokenSource) -> Get:
    def get(organization: Organization | None = None, scopes: frozenset[str] = SCOPES, rejected: Token | None = None) -> Token:
        return source.get(organization or Organization(), scopes, make_context(), rejected=rejected)

    return get


def test_making_a_source_reads_no_key(source: TokenSource, keys: FakeStore) -> None:
    del source
    assert keys.reads == []


def test_helseid_is_connected_where_the_next_request_goes(get: Get, transport: FakeTransport) -> None:
    get()
    get(Organization("999977774"))
    paths = [url.removeprefix(ISSUER) for _party, url in transport.connected_early]
    assert paths == ["/.well-known/openid-configuration", "/connect/token"]


def test_the_form_is_the_client_credentials_grant(get: Get, transport: FakeTransport) -> None:
    get()
    assert {name: value for name, value in transport.forms[0].items() if name != "client_assertion"} == {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "scope": "nhn:a/b nhn:c/d",
    }


def test_every_attempt_has_its_own_assertion_and_proof(get: Get, transport: FakeTransport) -> None:
    transport.nonces = (None, "nonce")
    get()
    proofs = [read_jws(proof)[1] for proof in transport.proofs]
    assert len({claims["jti"] for claims in (*proofs, transport.assertion(0)[1], transport.assertion(1)[1])}) == 4
    assert [claims.get("nonce") for claims in proofs] == [None, "nonce"]


def test_the_proof_is_for_the_token_endpoint(get: Get, transport: FakeTransport) -> None:
    get()
    claims = read_jws(transport.proofs[0])[1]
    assert (claims["htm"], claims["htu"]) == ("POST", f"{ISSUER}/connect/token")


def test_every_token_is_bound_to_a_fresh_key(get: Get, transport: FakeTransport) -> None:
    token, other = get(), get(Organization("999977774"))
    assert read_jws(transport.proofs[0])[0]["jwk"] == token.proof_key.public_jwk
    assert len({token.proof_key.public_jwk["x"], other.proof_key.public_jwk["x"], OLD["x"]}) == 3


def test_a_cached_token_is_used_again(get: Get, transport: FakeTransport) -> None:
    assert (get() is get(), len(transport.forms)) == (True, 1)


@pytest.mark.parametrize(("seconds", "requests"), [(569, 1), (570, 2), (601, 2)])
def test_a_token_is_cached_until_its_margin(
    get: Get, transport: FakeTransport, clock: MovableClock, seconds: float, requests: int
) -> None:
    get()
    clock.move(seconds)
    get()
    assert len(transport.forms) == requests


@pytest.mark.parametrize(
    ("organization", "scopes"),
    [
        (Organization("999977774"), SCOPES),
        (Organization(child="999977776"), SCOPES),
        (Organization(sfm_journal_id="4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"), SCOPES),
        (Organization(), frozenset({"nhn:a/b"})),
    ],
    ids=["parent", "child", "SFM journal", "scopes"],
)
def test_a_token_is_used_only_for_its_own_request(
    get: Get, transport: FakeTransport, organization: Organization, scopes: frozenset[str]
) -> None:
    get()
    get(organization, scopes)
    assert len(transport.forms) == 2


def test_the_assertion_names_the_organization(get: Get, transport: FakeTransport) -> None:
    get(Organization("999977774"))
    assert "assertion_details" in transport.assertion()[1]


def test_a_rejected_token_is_replaced_once(get: Get, transport: FakeTransport) -> None:
    old = get()
    new = get(rejected=old)
    assert (new is not old, get(rejected=old) is new, len(transport.forms)) == (True, True, 2)


def test_the_log_says_that_a_token_was_renewed(source: TokenSource) -> None:
    first, second = make_context(), make_context()
    old = source.get(Organization(), SCOPES, first)
    source.get(Organization(), SCOPES, second, rejected=old)
    assert (first.facts.get("token_renewed"), second.facts.get("token_renewed")) == (None, True)


@pytest.mark.parametrize(("seconds", "requests"), [(0, 1), (29.9, 1), (30, 2), (-1, 2)])
def test_a_refusal_is_remembered_for_30_s(
    get: Get, transport: FakeTransport, clock: MovableClock, seconds: float, requests: int
) -> None:
    transport.refusal = {"error": "invalid_scope"}
    for _ in range(2):
        with pytest.raises(Refused):
            get()
        clock.move(seconds)
    assert len(transport.forms) == requests


def test_a_failed_fetch_leaves_no_early_connection(source: TokenSource, transport: FakeTransport) -> None:
    transport.refusal = {"error": "invalid_client"}
    ctx = make_context()
    ctx.early_connections["https://api.example"] = lambda _seconds: None
    with pytest.raises(Refused):
        source.get(Organization(), SCOPES, ctx)
    assert ctx.early_connections == {}


def test_a_refused_client_is_tried_again_at_once(get: Get, transport: FakeTransport) -> None:
    transport.refusal = {"error": "invalid_client"}
    with pytest.raises(Refused):
        get()
    transport.refusal = None
    assert get().value == "token-2"


def test_refused_organizations_evict_no_token(get: Get, transport: FakeTransport) -> None:
    get()
    transport.refusal = {"error": "invalid_request"}
    for number in range(MAX_CACHED_TOKENS + 1):
        with pytest.raises(Refused):
            get(Organization(parent=str(100_000_000 + number)))
    transport.refusal = None
    assert get().value == "token-1"


def test_expired_tokens_are_evicted_first(get: Get, transport: FakeTransport, clock: MovableClock) -> None:
    others = [Organization(parent=str(100_000_000 + number)) for number in range(MAX_CACHED_TOKENS - 1)]
    get()
    clock.move(300)
    for other in others:
        get(other)
    get()  # the latest to be used, and the first to expire
    clock.move(300)
    get(Organization(parent="999999990"))
    requests = len(transport.forms)
    get(others[0])
    assert len(transport.forms) == requests


def test_the_next_token_request_uses_a_replaced_key(get: Get, transport: FakeTransport, keys: FakeStore) -> None:
    get()
    keys.stored.append(NEW)
    get()
    assert (len(transport.forms), keys.reads) == (1, ["any"])
    get(Organization("999977774"))
    assert transport.assertion()[0]["kid"] == NEW["kid"]
    get()
    assert len(transport.forms) == 3  # the token of the replaced key is not used


def test_a_slow_fetch_with_a_replaced_key_ends_no_token_of_the_new_one(
    get: Get, transport: FakeTransport, keys: FakeStore
) -> None:
    def replace_meanwhile() -> None:
        keys.stored.append(NEW)
        get()

    transport.before_token = replace_meanwhile
    get(Organization("999977774"))
    get()
    assert [transport.assertion(number)[0]["kid"] for number in range(len(transport.forms))] == [NEW["kid"], OLD["kid"]]


def test_the_metadata_is_fetched_once_a_day(get: Get, transport: FakeTransport, clock: MovableClock) -> None:
    counts = []
    for seconds in (0, 3600, 24 * 3600 - 4301, 701):
        clock.move(seconds)
        get()
        counts.append(transport.metadata_requests)
    assert counts == [1, 1, 1, 2]


def test_the_cached_tokens_are_bounded(get: Get, transport: FakeTransport) -> None:
    numbers = [f"{number:09}" for number in range(MAX_CACHED_TOKENS + 1)]
    for number in numbers:
        get(Organization(number))
    get(Organization(numbers[0]))
    assert len(transport.forms) == MAX_CACHED_TOKENS + 2


def test_the_least_recently_used_token_goes_first(get: Get, transport: FakeTransport) -> None:
    numbers = [f"{number:09}" for number in range(MAX_CACHED_TOKENS)]
    for number in numbers:
        get(Organization(number))
    get(Organization(numbers[0]))
    get(Organization("999977774"))
    get(Organization(numbers[0]))
    assert len(transport.forms) == MAX_CACHED_TOKENS + 1


def test_a_token_counts_from_before_its_request(get: Get) -> None:
    assert get().requested_at == NOW


def test_the_log_has_the_kid_and_the_assertion(source: TokenSource) -> None:
    ctx = make_context()
    source.get(Organization(), SCOPES, ctx)
    assert ctx.facts == {"kid": OLD["kid"], "assertion_jti": "id-1", "key_expires_unknown": True}


def test_the_log_has_the_key_s_expiry(source: TokenSource, keys: FakeStore) -> None:
    keys.stored.append({**OLD, "exp": int(NOW) + 86400})
    for _ in range(2):  # obtained, then cached
        ctx = make_context()
        source.get(Organization(), SCOPES, ctx)
        assert ctx.facts["key_expires_in_days"] == 1


def test_the_log_has_the_days_that_a_key_is_taken_to_live(source: TokenSource, keys: FakeStore) -> None:
    keys.stored.append({**OLD, "iat": int(NOW) - 86400})
    for _ in range(2):  # obtained, then cached
        ctx = make_context()
        source.get(Organization(), SCOPES, ctx)
        assert (ctx.facts["key_expires_in_days"], ctx.facts["key_expires_assumed"]) == (89, True)


def test_a_key_without_kid_is_warned_about_once(get: Get, keys: FakeStore, caplog: pytest.LogCaptureFixture) -> None:
    keys.stored.append(make_jwk("ES256", kid=""))
    with caplog.at_level(logging.WARNING, "helseid_fn"):
        get()
        get(Organization("999977774"))
    assert len([record for record in caplog.records if "no kid" in record.message]) == 1


INVALID_CLIENT = {"error": "invalid_client"}


def refused(source: TokenSource) -> str:
    with pytest.raises(Refused) as raised:
        source.get(Organization(), SCOPES, make_context())
    return raised.value.code


def test_a_refused_cached_key_is_replaced_by_a_fresh_one_once(transport: FakeTransport, clock: MovableClock) -> None:
    store = FakeStore(NEW, cached=OLD)
    transport.refusal = INVALID_CLIENT
    assert refused(make_source(transport, store, clock)) == "helseid.refused.invalid_client"
    assert [transport.assertion(number)[0]["kid"] for number in (0, 1)] == [OLD["kid"], NEW["kid"]]
    assert (store.reads, len(transport.forms), transport.metadata_requests) == (["any", "fresh"], 2, 1)


def test_a_replaced_cached_key_is_not_used_again(transport: FakeTransport, clock: MovableClock) -> None:
    store = FakeStore(NEW, cached=OLD)
    source = make_source(transport, store, clock)
    transport.refused_kids = {OLD["kid"]}
    source.get(Organization(), SCOPES, make_context())
    source.get(Organization("999977774"), SCOPES, make_context())
    kids = [transport.assertion(number)[0]["kid"] for number in range(3)]
    assert (kids, store.reads) == ([OLD["kid"], NEW["kid"], NEW["kid"]], ["any", "fresh", "any", "fresh"])
    store.cached = NEW
    source.get(Organization("999977776"), SCOPES, make_context())
    assert store.reads[4:] == ["any"]


@pytest.mark.parametrize("stored", [OLD, make_jwk("ES256", kid="another")], ids=["the same", "the same, another kid"])
def test_a_refused_cached_key_that_is_the_newest_stays_refused(
    transport: FakeTransport, clock: MovableClock, stored: dict[str, Any]
) -> None:
    store = FakeStore(stored, cached=OLD)
    transport.refusal = INVALID_CLIENT
    assert refused(make_source(transport, store, clock)) == "helseid.refused.invalid_client"
    assert (store.reads, len(transport.forms)) == (["any", "fresh"], 1)


@pytest.mark.parametrize("error", ["invalid_scope", "invalid_request", "unauthorized_client"])
def test_another_refusal_reads_no_fresh_key(transport: FakeTransport, clock: MovableClock, error: str) -> None:
    store = FakeStore(NEW, cached=OLD)
    transport.refusal = {"error": error}
    refused(make_source(transport, store, clock))
    assert (store.reads, len(transport.forms)) == (["any"], 1)


def test_an_unusable_cached_key_is_read_fresh(transport: FakeTransport, clock: MovableClock) -> None:
    store = FakeStore(NEW, cached="not a key")
    make_source(transport, store, clock).get(Organization(), SCOPES, make_context())
    assert (store.reads, transport.assertion()[0]["kid"]) == (["any", "fresh"], NEW["kid"])


@pytest.mark.parametrize("unusable", [False, True], ids=["refused", "unusable"])
def test_a_key_not_from_a_cache_is_read_once(get: Get, transport: FakeTransport, keys: FakeStore, *, unusable: bool) -> None:
    transport.refusal = INVALID_CLIENT
    if unusable:
        keys.stored.append("not a key")
    with pytest.raises(SigningKeyError if unusable else Refused):
        get()
    assert (keys.reads, len(transport.forms)) == (["any"], 0 if unusable else 1)


def test_tokens_stay_cached_while_a_new_key_is_refused(get: Get, transport: FakeTransport, keys: FakeStore) -> None:
    get()
    keys.stored.append(NEW)
    transport.refusal = INVALID_CLIENT
    with pytest.raises(Refused):
        get(Organization("999977774"))
    get()
    assert len(transport.forms) == 2
