from __future__ import annotations

import re
from typing import Any

import pytest

from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.dpop import access_token_hash, build_proof, htu, new_jti
from tests.support.parts import NOW, every_algorithm, make_key, read_jws, verify

URL = "https://api.example.no/a"
# RFC 9449 section 7.1.
PUBLISHED_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
PUBLISHED_ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def build(**changed: Any) -> str:
    return build_proof(**{"key": make_key(), "method": "GET", "url": URL, "now": NOW, "jti": "the-jti", **changed})


def claims_of(**changed: Any) -> dict[str, Any]:
    return read_jws(build(**changed))[1]


def test_a_proof_has_exactly_these_claims() -> None:
    assert claims_of() == {"jti": "the-jti", "htm": "GET", "htu": URL, "iat": 1_800_000_000}


def test_a_proof_has_nonce_and_ath_when_they_are_given() -> None:
    claims = claims_of(nonce="the-nonce", access_token=PUBLISHED_TOKEN)
    assert (claims["nonce"], claims["ath"]) == ("the-nonce", PUBLISHED_ATH)


@every_algorithm
def test_a_proof_verifies_with_the_key_in_its_header(alg: str) -> None:
    token = build(key=make_key(alg))
    header = read_jws(token)[0]
    assert header == {"typ": "dpop+jwt", "alg": alg, "jwk": make_key(alg).public_jwk}
    verify(token, header["jwk"])


def test_a_proof_by_a_fresh_key_verifies() -> None:
    token = build(key=generate_proof_key())
    verify(token, read_jws(token)[0]["jwk"])


@pytest.mark.parametrize("now", [NOW, NOW + 0.001, NOW + 0.999999])
def test_iat_is_a_whole_second(now: float) -> None:
    iat = claims_of(now=now)["iat"]
    assert (iat, type(iat)) == (1_800_000_000, int)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_htm_is_the_method(method: str) -> None:
    assert claims_of(method=method)["htm"] == method


HTU = [
    ("https://api.example.no/a", "https://api.example.no/a"),
    ("https://api.example.no/a/", "https://api.example.no/a/"),
    ("https://api.example.no/", "https://api.example.no/"),
    ("https://api.example.no/a?q=1", "https://api.example.no/a"),
    ("https://api.example.no/a?q=1?r=2", "https://api.example.no/a"),
    ("https://api.example.no/a?", "https://api.example.no/a"),
    ("https://api.example.no/?q=/b", "https://api.example.no/"),
    ("https://api.example.no/a#part", "https://api.example.no/a"),
    ("https://api.example.no/a?q#part", "https://api.example.no/a"),
    ("https://api.example.no/a#part?q", "https://api.example.no/a"),
    ("https://api.example.no:8443/a", "https://api.example.no:8443/a"),
    ("http://127.0.0.1:8080/a?q", "http://127.0.0.1:8080/a"),
    ("https://[::1]:8443/a?q", "https://[::1]:8443/a"),
    ("https://api.example.no/a%20b", "https://api.example.no/a%20b"),
    ("https://api.example.no/a%3Fb?q", "https://api.example.no/a%3Fb"),
    ("https://api.example.no/a%23b#part", "https://api.example.no/a%23b"),
    ("https://api.example.no/%C3%A6?q=%C3%A6", "https://api.example.no/%C3%A6"),
    ("https://api.example.no/a%2fb", "https://api.example.no/a%2fb"),
    ("https://api.example.no/a;b=c@d", "https://api.example.no/a;b=c@d"),
]


@pytest.mark.parametrize(("url", "expected"), HTU, ids=[url for url, _ in HTU])
def test_htu_is_the_url_without_query_and_fragment(url: str, expected: str) -> None:
    assert htu(url) == expected
    assert claims_of(url=url)["htu"] == expected


def test_ath_is_that_of_rfc_9449() -> None:
    assert access_token_hash(PUBLISHED_TOKEN) == PUBLISHED_ATH


def test_every_jti_is_192_new_bits_of_base64url() -> None:
    made = {new_jti() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", each) for each in made)
