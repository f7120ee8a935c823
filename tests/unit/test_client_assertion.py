from __future__ import annotations

import pytest

from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.oauth.client_assertion import build_client_assertion
from helseid_fn.oauth.organization import Organization, build_details
from standin import make_jwk, public_jwk
from tests.support.parts import CLIENT_ID, ISSUER, NOW, every_algorithm, make_key, read_jws, verify


def build(
    key: SigningKey | None = None, organization: Organization | None = None, now: float = NOW, issuer: str = ISSUER
) -> str:
    return build_client_assertion(
        key or make_key(),
        client_id=CLIENT_ID,
        issuer=issuer,
        organization=organization or Organization(),
        now=now,
        jti="the-jti",
    )


def test_an_assertion_has_exactly_these_claims() -> None:
    assert read_jws(build())[1] == {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": ISSUER,
        "iat": 1_800_000_000,
        "nbf": 1_799_999_995,
        "exp": 1_800_000_005,
        "jti": "the-jti",
    }


@pytest.mark.parametrize(
    ("kid", "named"), [pytest.param("my-kid", {"kid": "my-kid"}, id="a kid"), pytest.param("", {}, id="no kid")]
)
def test_the_header_has_typ_alg_and_kid_if_there_is_one(kid: str, named: dict[str, str]) -> None:
    header = read_jws(build(make_key("ES256", kid)))[0]
    assert header == {"typ": "client-authentication+jwt", "alg": "ES256", **named}


@every_algorithm
def test_an_assertion_is_signed_with_the_client_key(alg: str) -> None:
    token = build(make_key(alg))
    verify(token, public_jwk(make_jwk(alg)))
    assert read_jws(token)[0]["alg"] == alg


@pytest.mark.parametrize("issuer", [ISSUER, "https://helseid.example.no/tenant/one", "http://127.0.0.1:8080"])
def test_the_only_audience_is_the_issuer(issuer: str) -> None:
    assert read_jws(build(issuer=issuer))[1]["aud"] == issuer


@pytest.mark.parametrize("now", [NOW, NOW + 0.001, NOW + 0.5, NOW + 0.999999])
def test_times_are_whole_seconds_within_helseid_s_10_s(now: float) -> None:
    claims = read_jws(build(now=now))[1]
    times = [claims[name] for name in ("nbf", "iat", "exp")]
    assert times == [1_799_999_995, 1_800_000_000, 1_800_000_005]
    assert {type(each) for each in times} == {int}
    assert claims["exp"] - NOW <= 10


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
def test_assertion_details_name_the_organization(organization: Organization) -> None:
    assert read_jws(build(organization=organization))[1]["assertion_details"] == build_details(organization)
