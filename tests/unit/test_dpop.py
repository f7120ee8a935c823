from __future__ import annotations

import re
from typing import Any

import pytest

from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.dpop import access_token_hash, asks_for_nonce, build_proof, htu, new_jti, read_nonce
from tests.support.parts import NOW, make_answer, make_key, read_jws, verify

URL = "https://api.example.no/a"
# RFC 9449 section 7.1.
PUBLISHED_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
PUBLISHED_ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def build(**changed: Any) -> str:
    return build_proof(**{"key": make_key(), "method": "GET", "url": URL, "now": NOW, "jti": "the-jti", **changed})


def claims_of(**changed: Any) -> dict[str, Any]:
    return read_jws(build(**changed))[1]


def test_holds_exactly_these_claims() -> None:
    assert claims_of() == {"jti": "the-jti", "htm": "GET", "htu": URL, "iat": 1_800_000_000}


def test_holds_nonce_and_token_hash_when_there_are_any() -> None:
    claims = claims_of(nonce="the-nonce", access_token=PUBLISHED_TOKEN)
    assert (claims["nonce"], claims["ath"]) == ("the-nonce", PUBLISHED_ATH)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES512"])
def test_the_header_holds_type_algorithm_and_public_key(alg: str) -> None:
    assert read_jws(build(key=make_key(alg)))[0] == {"typ": "dpop+jwt", "alg": alg, "jwk": make_key(alg).public_jwk}


@pytest.mark.parametrize("alg", ["PS256", "ES256"])
def test_a_proof_verifies_with_the_key_that_it_shows(alg: str) -> None:
    token = build(key=make_key(alg))
    verify(token, read_jws(token)[0]["jwk"])


def test_a_proof_by_a_fresh_key_verifies() -> None:
    token = build(key=generate_proof_key())
    verify(token, read_jws(token)[0]["jwk"])


@pytest.mark.parametrize("now", [NOW, NOW + 0.001, NOW + 0.999999])
def test_iat_is_a_whole_second(now: float) -> None:
    assert claims_of(now=now)["iat"] == 1_800_000_000


def test_iat_is_an_integer_in_the_json() -> None:
    assert type(claims_of(now=NOW + 0.5)["iat"]) is int


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_htm_is_the_method_to_the_letter(method: str) -> None:
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
def test_htu_is_the_url_less_query_and_fragment(url: str, expected: str) -> None:
    assert htu(url) == expected


def test_the_proof_s_htu_is_that_of_its_url() -> None:
    assert claims_of(url="https://api.example.no/a%20b?q#r")["htu"] == "https://api.example.no/a%20b"


def test_ath_is_rfc_9449_s() -> None:
    assert access_token_hash(PUBLISHED_TOKEN) == PUBLISHED_ATH


@pytest.mark.parametrize("nonce", ["a", "eyJ7S_zG.eyJH0-Z.HX4w-7v", "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", "x" * 2048])
def test_takes_a_nonce(nonce: str) -> None:
    assert read_nonce({"DPoP-Nonce": nonce}) == nonce


def test_white_space_around_a_nonce_is_not_part_of_it() -> None:
    assert read_nonce({"DPoP-Nonce": " \tabc "}) == "abc"


@pytest.mark.parametrize("nonce", ["", "  ", "a b", 'a"b', "a\\b", "a\nb", "a\x00b", "æ", "x" * 2049])
def test_a_nonce_that_cannot_be_sent_back_is_none(nonce: str) -> None:
    assert read_nonce({"DPoP-Nonce": nonce}) is None


def test_an_answer_without_a_nonce_has_none() -> None:
    assert read_nonce({}) is None


@pytest.mark.parametrize("name", ["dpop-nonce", "DPOP-NONCE", "DPoP-Nonce"])
def test_finds_the_nonce_under_its_name_in_any_case(name: str) -> None:
    assert read_nonce(make_answer(200, **{name: "abc"}).headers) == "abc"


NONCE_CHALLENGE = 'DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"'


@pytest.mark.parametrize(
    ("status", "challenge", "error", "expected"),
    [
        pytest.param(400, None, "use_dpop_nonce", True, id="token endpoint: 400 and the member"),
        pytest.param(401, NONCE_CHALLENGE, None, True, id="API: 401 and the challenge"),
        pytest.param(401, "DPoP error=use_dpop_nonce", None, True, id="API: the error as a token"),
        pytest.param(401, f"Bearer, {NONCE_CHALLENGE}", None, True, id="API: beside another challenge"),
        pytest.param(401, 'dpop ERROR = "use_dpop_nonce"', None, True, id="API: in another case and with spaces"),
        pytest.param(400, None, "invalid_client", False, id="token endpoint: another error"),
        pytest.param(400, None, None, False, id="token endpoint: no error"),
        pytest.param(400, None, ["use_dpop_nonce"], False, id="token endpoint: the error in a list"),
        pytest.param(400, NONCE_CHALLENGE, None, False, id="400 with a challenge"),
        pytest.param(401, None, "use_dpop_nonce", False, id="401 with a member"),
        pytest.param(403, NONCE_CHALLENGE, "use_dpop_nonce", False, id="another status"),
        pytest.param(200, NONCE_CHALLENGE, "use_dpop_nonce", False, id="success"),
        pytest.param(401, 'DPoP realm="use_dpop_nonce"', None, False, id="API: another parameter"),
        pytest.param(401, 'DPoP realm="error=use_dpop_nonce"', None, False, id="API: inside another parameter"),
        pytest.param(401, 'DPoP error="use_dpop_nonce_blocklist"', None, False, id="API: a longer error"),
        pytest.param(401, 'Bearer error="use_dpop_nonce"', None, False, id="API: another scheme"),
        pytest.param(401, None, None, False, id="API: no challenge"),
    ],
)
def test_knows_when_it_is_asked_for_a_nonce(status: int, challenge: str | None, error: object, *, expected: bool) -> None:
    headers = {"WWW_Authenticate": challenge} if challenge else {}
    assert asks_for_nonce(make_answer(status, {"error": error}, **headers)) is expected


def test_a_nonce_header_alone_asks_for_nothing() -> None:
    assert not asks_for_nonce(make_answer(400, {"error": "invalid_client"}, DPoP_Nonce="abc"))


@pytest.mark.parametrize("body", [b"", b"use_dpop_nonce", b'["use_dpop_nonce"]', b'{"error": "use_dpop_nonce"'])
def test_a_400_that_is_no_json_object_asks_for_nothing(body: bytes) -> None:
    assert not asks_for_nonce(make_answer(400, body, DPoP_Nonce="abc"))


def test_every_jti_is_new() -> None:
    assert len({new_jti() for _ in range(1000)}) == 1000


def test_a_jti_holds_192_bits_of_base64url() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", new_jti())
