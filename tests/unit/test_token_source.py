"""The held tokens, over a transport of this file's own; what HelseID thinks of it stands in the contract tests."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import pytest

from helseid_fn.context import Journal
from helseid_fn.errors import Party, Refused
from helseid_fn.http.messages import Answer, Build
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from helseid_fn.oauth.token_source import MAX_HELD_TOKENS, TokenSource, is_fresh
from standin import make_jwk
from tests.conftest import MovableClock
from tests.support.parts import CLIENT_ID, ISSUER, NOW, make_answer, make_deadline, read_jws

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
    assert is_fresh(token, fresh_seconds - before_the_end) is expected


class FakeTransport:
    """Answers as HelseID would, and keeps what was built for it."""

    def __init__(self) -> None:
        self.metadata_requests = 0
        self.forms: list[dict[str, str]] = []
        self.proofs: list[str] = []
        self.nonces: tuple[str | None, ...] = (None,)
        self.refusal: dict[str, str] | None = None

    def send(self, party: Party, method: str, url: str, build: Build, **_options: Any) -> Answer:
        assert party is Party.HELSEID
        if method == "GET":
            self.metadata_requests += 1
            return make_answer(200, {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/connect/token"})
        for nonce in self.nonces:
            message = build(url, nonce)
            assert message.body is not None
            self.forms.append({name: value for name, (value,) in parse_qs(message.body.decode()).items()})
            self.proofs.append(message.headers["DPoP"])
        if self.refusal:
            return make_answer(400, self.refusal)
        return make_answer(200, {"access_token": f"token-{len(self.forms)}", "token_type": "DPoP", "expires_in": 600})

    def assertion(self, number: int = -1) -> tuple[dict[str, Any], dict[str, Any]]:
        return read_jws(self.forms[number]["client_assertion"])


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def keys() -> list[dict[str, Any]]:
    """Return the keys in the store: the last one is what is read."""
    return [make_jwk("ES256")]


@pytest.fixture
def source(transport: FakeTransport, keys: list[dict[str, Any]], clock: MovableClock) -> TokenSource:
    ids = count(1)
    return TokenSource(
        issuer=ISSUER,
        client_id=CLIENT_ID,
        read_key=lambda _deadline, _journal: StoredKey(json.dumps(keys[-1])),
        transport=transport,  # type: ignore[arg-type]
        now=clock,
        new_id=lambda: f"id-{next(ids)}",
    )


Get = Callable[..., Token]


@pytest.fixture
def get(source: TokenSource) -> Get:
    def get(organization: Organization | None = None, scopes: frozenset[str] = SCOPES, rejected: Token | None = None) -> Token:
        asked = (organization or Organization(), scopes, make_deadline(), Journal())
        return source.get(*asked) if rejected is None else source.renew(rejected, *asked)

    return get


def test_making_a_source_reads_no_key() -> None:
    def fail(*_arguments: object) -> str:
        raise AssertionError("read the key too early")

    TokenSource(issuer=ISSUER, client_id=CLIENT_ID, read_key=fail, transport=FakeTransport())  # type: ignore[arg-type]


def test_the_form_is_the_client_credentials_grant(get: Get, transport: FakeTransport) -> None:
    get()
    assert {name: value for name, value in transport.forms[0].items() if name != "client_assertion"} == {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "scope": "nhn:a/b nhn:c/d",
    }


def test_every_attempt_carries_an_assertion_of_its_own(get: Get, transport: FakeTransport) -> None:
    transport.nonces = (None, "nonce")
    get()
    assert len({transport.assertion(number)[1]["jti"] for number in (0, 1)}) == 2


def test_every_attempt_carries_a_proof_of_its_own(get: Get, transport: FakeTransport) -> None:
    transport.nonces = (None, "nonce")
    get()
    first, second = (read_jws(proof)[1] for proof in transport.proofs)
    assert (first["jti"] != second["jti"], first.get("nonce"), second.get("nonce")) == (True, None, "nonce")


def test_no_jti_is_used_twice_in_one_request(get: Get, transport: FakeTransport) -> None:
    get()
    assert transport.assertion()[1]["jti"] != read_jws(transport.proofs[0])[1]["jti"]


def test_the_proof_is_for_the_token_endpoint(get: Get, transport: FakeTransport) -> None:
    get()
    claims = read_jws(transport.proofs[0])[1]
    assert (claims["htm"], claims["htu"]) == ("POST", f"{ISSUER}/connect/token")


def test_a_token_keeps_the_key_it_is_bound_to(get: Get, transport: FakeTransport) -> None:
    token = get()
    assert read_jws(transport.proofs[0])[0]["jwk"] == token.proof_key.public_jwk


def test_every_token_is_bound_to_a_key_of_its_own(get: Get) -> None:
    assert get().proof_key.thumbprint != get(Organization("999977774")).proof_key.thumbprint


def test_the_proof_key_is_not_the_client_key(get: Get, keys: list[dict[str, Any]]) -> None:
    assert get().proof_key.public_jwk["x"] != keys[0]["x"]


def test_a_held_token_is_given_again(get: Get, transport: FakeTransport) -> None:
    assert (get() is get(), len(transport.forms)) == (True, 1)


@pytest.mark.parametrize(("seconds", "requests"), [(569, 1), (570, 2), (601, 2)])
def test_a_token_is_held_until_its_margin(
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
def test_a_token_is_given_only_for_what_it_was_asked_for(
    get: Get, transport: FakeTransport, organization: Organization, scopes: frozenset[str]
) -> None:
    get()
    get(organization, scopes)
    assert len(transport.forms) == 2


def test_the_organization_stands_in_the_assertion(get: Get, transport: FakeTransport) -> None:
    get(Organization("999977774"))
    assert "assertion_details" in transport.assertion()[1]


def test_a_rejected_token_is_renewed(get: Get) -> None:
    token = get()
    assert get(rejected=token) is not token


def test_a_token_that_another_thread_has_renewed_is_given(get: Get, transport: FakeTransport) -> None:
    old = get()
    new = get(rejected=old)
    assert (get(rejected=old) is new, len(transport.forms)) == (True, 2)


def test_a_refusal_is_not_held(get: Get, transport: FakeTransport) -> None:
    transport.refusal = {"error": "invalid_scope"}
    with pytest.raises(Refused):
        get()
    transport.refusal = None
    assert get().value == "token-2"


def test_a_rotated_key_is_picked_up_by_the_next_token(get: Get, transport: FakeTransport, keys: list[dict[str, Any]]) -> None:
    get()
    keys.append(make_jwk("ES256", number=1))
    get(Organization("999977774"))
    assert transport.assertion()[0]["kid"] == keys[1]["kid"]


def test_a_rotated_key_costs_nothing_while_the_token_is_held(
    get: Get, transport: FakeTransport, keys: list[dict[str, Any]]
) -> None:
    get()
    keys.append(make_jwk("ES256", number=1))
    get()
    assert len(transport.forms) == 1


def test_tokens_of_a_replaced_key_are_not_used(get: Get, transport: FakeTransport, keys: list[dict[str, Any]]) -> None:
    get()
    keys.append(make_jwk("ES256", number=1))
    get(Organization("999977774"))
    get()
    assert len(transport.forms) == 3


def test_the_metadata_is_fetched_once_a_day(get: Get, transport: FakeTransport, clock: MovableClock) -> None:
    counts = []
    for seconds in (0, 3600, 24 * 3600 - 4301, 701):
        clock.move(seconds)
        get()
        counts.append(transport.metadata_requests)
    assert counts == [1, 1, 1, 2]


def test_the_held_tokens_are_bounded(get: Get, transport: FakeTransport) -> None:
    numbers = [f"{number:09}" for number in range(MAX_HELD_TOKENS + 1)]
    for number in numbers:
        get(Organization(number))
    get(Organization(numbers[0]))
    assert len(transport.forms) == MAX_HELD_TOKENS + 2


def test_the_token_used_last_is_not_the_one_to_go(get: Get, transport: FakeTransport) -> None:
    numbers = [f"{number:09}" for number in range(MAX_HELD_TOKENS)]
    for number in numbers:
        get(Organization(number))
    get(Organization(numbers[0]))
    get(Organization("999977774"))
    get(Organization(numbers[0]))
    assert len(transport.forms) == MAX_HELD_TOKENS + 1


def test_a_token_counts_from_before_it_was_asked_for(get: Get) -> None:
    assert get().requested_at == NOW


def test_the_journal_knows_the_kid_and_the_assertion(source: TokenSource, keys: list[dict[str, Any]]) -> None:
    journal = Journal()
    source.get(Organization(), SCOPES, make_deadline(), journal)
    assert journal.facts == {"kid": keys[0]["kid"], "assertion_jti": "id-1"}


def test_a_key_without_kid_is_warned_about_once(get: Get, keys: list[dict[str, Any]], caplog: pytest.LogCaptureFixture) -> None:
    keys.append(make_jwk("ES256", kid=""))
    with caplog.at_level(logging.WARNING, "helseid_fn"):
        get()
        get(Organization("999977774"))
    assert [record.message for record in caplog.records if "has no kid" in record.message] == [caplog.records[0].message]


INVALID_CLIENT = {"error": "invalid_client"}


class CachedStore:
    """A store with a cache before it that keeps the old key."""

    def __init__(self, cached: dict[str, Any], stored: dict[str, Any] | None) -> None:
        self.cached, self.stored = cached, stored
        self.reads: list[str] = []

    def read(self, _deadline: object, _journal: object) -> StoredKey:
        self.reads.append("cache")
        return StoredKey(json.dumps(self.cached))

    def read_past_cache(self, _deadline: object, _journal: object) -> StoredKey | None:
        self.reads.append("store")
        return None if self.stored is None else StoredKey(json.dumps(self.stored))

    def source(self, transport: FakeTransport, clock: MovableClock) -> TokenSource:
        return TokenSource(
            issuer=ISSUER,
            client_id=CLIENT_ID,
            read_key=self.read,
            read_key_past_cache=self.read_past_cache,
            transport=transport,  # type: ignore[arg-type]
            now=clock,
        )


def refused(source: TokenSource) -> str:
    with pytest.raises(Refused) as raised:
        source.get(Organization(), SCOPES, make_deadline(), Journal())
    return raised.value.code


def test_a_refused_client_s_key_is_read_past_the_cache_and_a_newer_one_tried_once(
    transport: FakeTransport, clock: MovableClock
) -> None:
    store = CachedStore(make_jwk("ES256"), make_jwk("ES256", number=1))
    transport.refusal = INVALID_CLIENT
    assert refused(store.source(transport, clock)) == "helseid.refused.invalid_client"
    assert [transport.assertion(number)[0]["kid"] for number in (0, 1)] == [
        store.cached["kid"],
        make_jwk("ES256", number=1)["kid"],
    ]
    assert (store.reads, len(transport.forms), transport.metadata_requests) == (["cache", "store"], 2, 1)


@pytest.mark.parametrize(
    "stored", [make_jwk("ES256"), make_jwk("ES256", kid="another"), None], ids=["same", "same key", "none"]
)
def test_a_refused_client_s_key_that_is_the_newest_is_not_tried_again(
    transport: FakeTransport, clock: MovableClock, stored: dict[str, Any] | None
) -> None:
    store = CachedStore(make_jwk("ES256"), stored)
    transport.refusal = INVALID_CLIENT
    assert refused(store.source(transport, clock)) == "helseid.refused.invalid_client"
    assert (store.reads, len(transport.forms)) == (["cache", "store"], 1)


@pytest.mark.parametrize("error", ["invalid_scope", "invalid_request", "unauthorized_client"])
def test_another_refusal_reads_nothing_past_the_cache(transport: FakeTransport, clock: MovableClock, error: str) -> None:
    store = CachedStore(make_jwk("ES256"), make_jwk("ES256", number=1))
    transport.refusal = {"error": error}
    refused(store.source(transport, clock))
    assert (store.reads, len(transport.forms)) == (["cache"], 1)


def test_without_a_cache_a_refused_client_s_key_is_not_read_again(get: Get, transport: FakeTransport) -> None:
    transport.refusal = INVALID_CLIENT
    with pytest.raises(Refused):
        get()
    assert len(transport.forms) == 1


def test_tokens_stay_held_while_a_replaced_key_is_refused(
    get: Get, transport: FakeTransport, keys: list[dict[str, Any]]
) -> None:
    get()
    keys.append(make_jwk("ES256", number=1))
    transport.refusal = INVALID_CLIENT
    with pytest.raises(Refused):
        get(Organization("999977774"))
    get()
    assert len(transport.forms) == 2
