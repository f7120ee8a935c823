from __future__ import annotations

import pytest

from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.oauth.client_assertion import build_assertion
from helseid_fn.oauth.organization import Organization, build_details
from standin import make_jwk, public_jwk
from tests.support.parts import CLIENT_ID, ISSUER, NOW, make_key, read_jws, verify


def build(
    key: SigningKey | None = None, organization: Organization | None = None, now: float = NOW, issuer: str = ISSUER
) -> str:
    return build_assertion(
        key or make_key(),
        client_id=CLIENT_ID,
        issuer=issuer,
        organization=organization or Organization(),
        now=now,
        jti="the-jti",
    )


def test_holds_exactly_these_claims() -> None:
    assert read_jws(build())[1] == {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": ISSUER,
        "iat": 1_800_000_000,
        "nbf": 1_799_999_995,
        "exp": 1_800_000_008,
        "jti": "the-jti",
    }


def test_the_header_names_type_algorithm_and_key() -> None:
    header = read_jws(build(make_key("ES256", "my-kid")))[0]
    assert header == {"typ": "client-authentication+jwt", "alg": "ES256", "kid": "my-kid"}


def test_a_key_without_kid_leaves_it_out_of_the_header() -> None:
    assert read_jws(build(make_key("ES256", "")))[0] == {"typ": "client-authentication+jwt", "alg": "ES256"}


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "ES512"])
def test_is_signed_with_the_client_key(alg: str) -> None:
    verify(build(make_key(alg)), public_jwk(make_jwk(alg)))


@pytest.mark.parametrize("issuer", [ISSUER, "https://helseid.example.no/tenant/one", "http://127.0.0.1:8080"])
def test_audience_is_the_issuer_and_nothing_else(issuer: str) -> None:
    assert read_jws(build(issuer=issuer))[1]["aud"] == issuer


@pytest.mark.parametrize("now", [NOW, NOW + 0.001, NOW + 0.5, NOW + 0.999999])
def test_times_are_whole_seconds(now: float) -> None:
    claims = read_jws(build(now=now))[1]
    assert [claims[name] for name in ("nbf", "iat", "exp")] == [1_799_999_995, 1_800_000_000, 1_800_000_008]


@pytest.mark.parametrize("name", ["nbf", "iat", "exp"])
def test_times_are_integers_in_the_json(name: str) -> None:
    assert type(read_jws(build(now=NOW + 0.5))[1][name]) is int


def test_lives_no_longer_than_the_ten_seconds_that_helseid_allows() -> None:
    assert read_jws(build(now=NOW + 0.999))[1]["exp"] - NOW <= 10


@pytest.mark.parametrize(
    "organization",
    [
        Organization(parent="999977774"),
        Organization(parent="999977774", child="999977776"),
        Organization(child="999977776"),
        Organization(parent="999977774", sfm_journal_id="4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"),
    ],
    ids=["parent", "parent and child", "child", "parent and SFM journal"],
)
def test_the_organization_stands_in_assertion_details(organization: Organization) -> None:
    assert read_jws(build(organization=organization))[1]["assertion_details"] == build_details(organization)


def test_no_organization_makes_no_empty_details() -> None:
    assert "assertion_details" not in read_jws(build())[1]
