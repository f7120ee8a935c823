from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys import jwk
from standin import make_jwk, public_jwk
from tests.support.parts import to_number, to_text

Members = dict[str, Any]


def rsa() -> Members:
    return make_jwk("PS256")


def ec(alg: str = "ES256") -> Members:
    return make_jwk(alg)


def without(members: Members, *names: str) -> Members:
    return {name: value for name, value in members.items() if name not in names}


def shifted_d(prime: str) -> Members:
    """Return a key whose d is right for one of its primes and wrong for the other."""
    return {**rsa(), "d": to_text(to_number(rsa()["d"]) + to_number(rsa()[prime]) - 1)}


def refusal_of(text: str) -> SigningKeyError:
    with pytest.raises(SigningKeyError) as raised:
        jwk.parse(text)
    return raised.value


# id, the text, the last part of the code, a distinctive part of the sentence
BROKEN: list[tuple[str, Callable[[], str | Members], str, str]] = [
    ("PEM", lambda: "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n", "pem", "it is PEM; convert it"),
    ("PEM whose newlines were eaten", lambda: "-----BEGIN RSA PRIVATE KEY-----MIIE", "pem", "it is PEM; convert it"),
    ("PEM after a BOM", lambda: "\ufeff-----BEGIN PRIVATE KEY-----", "pem", "it is PEM; convert it"),
    ("PEM in base64", lambda: "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t", "pem", "it is PEM; convert it"),
    ("empty", lambda: "", "not_json", "it is not JSON"),
    ("white space", lambda: " \n\t ", "not_json", "it is not JSON"),
    ("words", lambda: "my key", "not_json", "it is not JSON"),
    ("a cut-off JWK", lambda: json.dumps(rsa())[:-1], "not_json", "it is not JSON"),
    ("two JWKs", lambda: json.dumps(ec()) * 2, "not_json", "it is not JSON"),
    ("single quotes", lambda: str(ec()), "not_json", "it is not JSON"),
    ("nested lists", lambda: "[" * 60_000, "not_json", "it is not JSON"),
    ("nested objects", lambda: '{"a":' * 12_000, "not_json", "it is not JSON"),
    ("a number of 5000 digits", lambda: '{"n":' + "9" * 5000 + "}", "not_json", "it is not JSON"),
    ("null", lambda: "null", "not_a_key", "it is JSON but not an object"),
    (
        "RSA of 100,000 bits",
        lambda: {**rsa(), "n": to_text((1 << 100_000) + 1)},
        "bad_member",
        "larger than that of any key in use",
    ),
    (
        "RSA with a huge exponent",
        lambda: {**rsa(), "e": to_text((1 << 65) + 1)},
        "bad_member",
        "larger than that of any key in use",
    ),
    (
        "a kid with a line break",
        lambda: {**rsa(), "kid": "a\nb"},
        "bad_member",
        "its kid is not a string of visible characters",
    ),
    (
        "a JSON string",
        lambda: json.dumps(json.dumps(ec())),
        "not_a_key",
        "not an object; store the private JWK itself, unquoted",
    ),
    ("a JSON number", lambda: "1", "not_a_key", "not an object"),
    ("a list of keys", lambda: json.dumps([ec()]), "not_a_key", "not an object"),
    ("a JWK set", lambda: {"keys": [ec()]}, "not_a_key", "it is a JWK set"),
    ("an empty object", dict, "unknown_kty", "its kty is not RSA or EC"),
    ("kty oct", lambda: {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}, "unknown_kty", "its kty is not RSA or EC"),
    ("kty OKP", lambda: {**ec(), "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA"}, "unknown_kty", "its kty is not RSA or EC"),
    ("kty in small letters", lambda: {**rsa(), "kty": "rsa"}, "unknown_kty", "its kty is not RSA or EC"),
    ("kty a list", lambda: {**rsa(), "kty": ["RSA"]}, "unknown_kty", "its kty is not RSA or EC"),
    ("public RSA", lambda: public_jwk(rsa()), "public_only", "only the public half (no d)"),
    ("public EC", lambda: public_jwk(ec()), "public_only", "only the public half (no d)"),
    ("use enc", lambda: {**rsa(), "use": "enc"}, "bad_member", 'its use is not "sig"'),
    ("use a list", lambda: {**rsa(), "use": ["sig"]}, "bad_member", 'its use is not "sig"'),
    ("key_ops verify", lambda: {**rsa(), "key_ops": ["verify"]}, "bad_member", 'its key_ops do not hold "sign"'),
    ("key_ops empty", lambda: {**rsa(), "key_ops": []}, "bad_member", 'its key_ops do not hold "sign"'),
    ("key_ops a text", lambda: {**rsa(), "key_ops": "sign"}, "bad_member", 'its key_ops do not hold "sign"'),
    ("no alg", lambda: without(rsa(), "alg"), "no_alg", "it has no alg; add the one"),
    ("alg null", lambda: {**rsa(), "alg": None}, "no_alg", "it has no alg; add the one"),
    ("alg empty", lambda: {**rsa(), "alg": ""}, "alg_not_in_profile", "its alg is not in HelseID's security profile"),
    ("alg none", lambda: {**rsa(), "alg": "none"}, "alg_not_in_profile", "its alg is not in HelseID's security profile"),
    ("alg HS256", lambda: {**rsa(), "alg": "HS256"}, "alg_not_in_profile", "its alg is not in HelseID's security profile"),
    ("alg EdDSA", lambda: {**ec(), "alg": "EdDSA"}, "alg_not_in_profile", "its alg is not in HelseID's security profile"),
    ("alg ES256K", lambda: {**ec(), "alg": "ES256K"}, "alg_not_in_profile", "its alg is not in HelseID's security profile"),
    ("alg RSA-OAEP", lambda: {**rsa(), "alg": "RSA-OAEP"}, "alg_not_in_profile", "its alg is not in HelseID's"),
    ("alg in small letters", lambda: {**rsa(), "alg": "ps256"}, "alg_not_in_profile", "its alg is not in HelseID's"),
    ("alg a list", lambda: {**rsa(), "alg": ["PS256"]}, "alg_not_in_profile", "its alg is not in HelseID's security profile"),
    ("alg ES256 with RSA", lambda: {**rsa(), "alg": "ES256"}, "alg_does_not_fit", "its alg ES256 does not fit its kty RSA"),
    ("alg PS256 with EC", lambda: {**ec(), "alg": "PS256"}, "alg_does_not_fit", "its alg PS256 does not fit its kty EC"),
    ("alg ES384 with P-256", lambda: {**ec(), "alg": "ES384"}, "alg_does_not_fit", "wants the curve P-384"),
    ("alg ES256 with P-521", lambda: {**ec("ES512"), "alg": "ES256"}, "alg_does_not_fit", "wants the curve P-256"),
    ("curve secp256k1", lambda: {**ec(), "crv": "secp256k1"}, "alg_does_not_fit", "wants the curve P-256"),
    ("no curve", lambda: without(ec(), "crv"), "alg_does_not_fit", "wants the curve P-256"),
    ("curve a list", lambda: {**ec(), "crv": ["P-256"]}, "alg_does_not_fit", "wants the curve P-256"),
    ("kid a number", lambda: {**rsa(), "kid": 7}, "bad_member", "its kid is not a string of visible characters"),
    ("kid empty", lambda: {**rsa(), "kid": ""}, "bad_member", "its kid is not a string of visible characters"),
    ("kid a list", lambda: {**ec(), "kid": ["a"]}, "bad_member", "its kid is not a string of visible characters"),
    ("kid with a newline", lambda: {**ec(), "kid": "a\nb"}, "bad_member", "its kid is not a string of visible characters"),
    ("kid outside ASCII", lambda: {**ec(), "kid": "nøkkel"}, "bad_member", "its kid is not a string of visible characters"),
    ("kid too long", lambda: {**ec(), "kid": "a" * 201}, "bad_member", "its kid is not a string of visible characters"),
    ("oth", lambda: {**rsa(), "oth": []}, "bad_member", "more than two primes (oth)"),
    ("p without q", lambda: without(rsa(), "q"), "bad_member", "one of p and q without the other"),
    ("q without p", lambda: without(rsa(), "p"), "bad_member", "one of p and q without the other"),
    ("no n", lambda: without(rsa(), "n"), "bad_member", "its member n is missing or is not a base64url number"),
    ("no e", lambda: without(rsa(), "e"), "bad_member", "its member e is missing or is not a base64url number"),
    ("d null", lambda: {**rsa(), "d": None}, "bad_member", "its member d is missing or is not a base64url number"),
    ("d empty", lambda: {**rsa(), "d": ""}, "bad_member", "its member d is missing or is not a base64url number"),
    ("e a number", lambda: {**rsa(), "e": 65537}, "bad_member", "its member e is missing or is not a base64url number"),
    ("n in plain base64", lambda: {**rsa(), "n": "+/" + rsa()["n"][2:]}, "bad_member", "its member n is"),
    ("n padded", lambda: {**rsa(), "n": rsa()["n"] + "="}, "bad_member", "its member n is"),
    ("n with white space", lambda: {**rsa(), "n": rsa()["n"] + "\n"}, "bad_member", "its member n is"),
    ("n cut to a length that cannot be", lambda: {**rsa(), "n": rsa()["n"] + "AAA"}, "bad_member", "its member n is"),
    ("n outside ASCII", lambda: {**rsa(), "n": "å" + rsa()["n"][1:]}, "bad_member", "its member n is"),
    ("p a list", lambda: {**rsa(), "p": []}, "bad_member", "its member p is missing"),
    ("RSA of 1024 bits", lambda: make_jwk("RS256", bits=1024), "rsa_too_small", "modulus is 1024 bits; HelseID wants 2048"),
    ("n of one byte", lambda: {**rsa(), "n": "AQ"}, "rsa_too_small", "modulus is 1 bits"),
    ("n not p times q", lambda: {**rsa(), "p": make_jwk("PS256", number=1)["p"]}, "inconsistent", "(n, e, d, p, q)"),
    ("another key's d", lambda: {**rsa(), "d": make_jwk("PS256", number=1)["d"]}, "inconsistent", "(n, e, d, p, q)"),
    ("n off by two", lambda: {**rsa(), "n": to_text(to_number(rsa()["n"]) + 2)}, "inconsistent", "(n, e, d, p, q)"),
    ("d that fits p only", lambda: shifted_d("p"), "inconsistent", "(n, e, d, p, q)"),
    ("d that fits q only", lambda: shifted_d("q"), "inconsistent", "(n, e, d, p, q)"),
    ("another e", lambda: {**rsa(), "e": "Aw"}, "inconsistent", "(n, e, d, p, q)"),
    ("e of 0", lambda: {**rsa(), "e": "AA"}, "inconsistent", "(n, e, d, p, q)"),
    ("p of 1", lambda: {**rsa(), "p": "AQ", "q": rsa()["n"]}, "inconsistent", "(n, e, d, p, q)"),
    ("p of 0", lambda: {**rsa(), "p": "AA"}, "inconsistent", "(n, e, d, p, q)"),
    ("EC d too short", lambda: {**ec(), "d": to_text(1)}, "bad_member", "its member d is missing or is not a base64url"),
    (
        "EC x too long",
        lambda: {**ec(), "x": to_text(to_number(ec()["x"]), 33)},
        "bad_member",
        "its member x is missing or is not",
    ),
    ("EC without y", lambda: without(ec(), "y"), "bad_member", "its member y is missing or is not"),
    ("EC d of the other curve", lambda: {**ec(), "d": ec("ES384")["d"]}, "bad_member", "its member d is missing or is not"),
]
TABLE = pytest.mark.parametrize(("text", "reason", "words"), [pytest.param(*rest, id=name) for name, *rest in BROKEN])


def as_text(text: str | Members) -> str:
    return text if isinstance(text, str) else json.dumps(text)


@TABLE
def test_a_broken_key_has_its_own_code(text: Callable[[], str | Members], reason: str, words: str) -> None:
    del words
    assert refusal_of(as_text(text())).code == f"signing_key.{reason}"


@TABLE
def test_a_broken_key_has_its_own_sentence(text: Callable[[], str | Members], reason: str, words: str) -> None:
    del reason
    assert words in str(refusal_of(as_text(text())))


@TABLE
def test_a_refusal_shows_no_value(text: Callable[[], str | Members], reason: str, words: str) -> None:
    del reason, words
    broken = text()
    values = [value for value in broken.values() if isinstance(value, str)] if isinstance(broken, dict) else [broken]
    sentence = str(refusal_of(as_text(broken)))
    assert not [value for value in values if len(value) >= 20 and value in sentence]


@pytest.mark.parametrize("alg", ["HS256", "EdDSA"])
def test_an_algorithm_outside_the_profile_is_answered_with_the_profile(alg: str) -> None:
    profile = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512"
    assert f"use one of {profile}" in str(refusal_of(json.dumps({**rsa(), "alg": alg})))


@pytest.mark.parametrize(
    ("before", "after"),
    [("\ufeff", ""), ("\ufeff \n", ""), (" \r\n\t", "\n"), ("", "\n\n")],
    ids=["BOM", "BOM and white space", "white space", "newlines at the end"],
)
def test_a_bom_and_white_space_are_forgiven(before: str, after: str) -> None:
    assert jwk.parse(before + json.dumps(ec()) + after) == jwk.parse(json.dumps(ec()))


def test_a_key_without_kid_is_taken() -> None:
    assert jwk.parse(json.dumps(without(ec(), "kid"))).kid is None


def test_a_key_without_use_is_taken() -> None:
    assert jwk.parse(json.dumps(without(ec(), "use"))).alg == "ES256"


def test_a_key_that_may_sign_and_more_is_taken() -> None:
    assert jwk.parse(json.dumps({**ec(), "key_ops": ["verify", "sign"]})).alg == "ES256"


def test_members_that_nobody_knows_are_passed_over() -> None:
    assert jwk.parse(json.dumps({**ec(), "x5t": "a", "nbf": 1, "nested": {"d": []}})) == jwk.parse(json.dumps(ec()))


def test_reads_the_numbers_of_an_rsa_key() -> None:
    numbers = jwk.parse(json.dumps(rsa())).numbers
    assert numbers == jwk.RsaPrivate(
        *(to_number(rsa()[name]) for name in ("n", "e", "d")), (to_number(rsa()["p"]), to_number(rsa()["q"]))
    )


def test_an_rsa_key_with_d_only_has_no_primes_yet() -> None:
    numbers = jwk.parse(json.dumps(without(rsa(), "p", "q", "dp", "dq", "qi"))).numbers
    assert isinstance(numbers, jwk.RsaPrivate)
    assert numbers.primes is None


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_reads_the_numbers_of_an_ec_key(alg: str) -> None:
    members = ec(alg)
    assert jwk.parse(json.dumps(members)).numbers == jwk.EcPrivate(
        members["crv"], *(to_number(members[name]) for name in ("x", "y", "d"))
    )


@pytest.mark.parametrize("alg", ["PS256", "ES256"])
def test_a_parsed_key_shows_no_private_number(alg: str) -> None:
    shown = repr(jwk.parse(json.dumps(make_jwk(alg))))
    private = [make_jwk(alg)[name] for name in ("d", "p", "q") if name in make_jwk(alg)]
    assert not [each for each in private if each in shown or str(to_number(each)) in shown]
