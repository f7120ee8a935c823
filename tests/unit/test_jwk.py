from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.document import parse_document
from helseid_fn.keys.jwk import PrivateJwk, read_jwk
from helseid_fn.keys.private_numbers import EcPrivate, RsaPrivate
from standin import make_jwk, public_jwk
from tests.support.parts import every_algorithm, to_number, to_text

Members = dict[str, Any]
AT = 1_767_100_393  # 2025-12-30T13:13:13Z


def rsa() -> Members:
    return make_jwk("PS256")


def ec(alg: str = "ES256") -> Members:
    return make_jwk(alg)


def without(members: Members, *names: str) -> Members:
    return {name: value for name, value in members.items() if name not in names}


def shifted_d(prime: str) -> Members:
    """Return a key whose d fits only one of its primes."""
    return {**rsa(), "d": to_text(to_number(rsa()["d"]) + to_number(rsa()[prime]) - 1)}


def parse(text: str) -> PrivateJwk:
    return read_jwk(parse_document(text))


def refusal_of(text: str) -> SigningKeyError:
    with pytest.raises(SigningKeyError) as raised:
        parse(text)
    return raised.value


# An id, the text, the error's reason, and a distinctive part of its sentences.
BROKEN: list[tuple[str, Callable[[], str | Members], str, str]] = [
    ("PEM", lambda: "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n", "pem", "is PEM. Convert it"),
    ("PEM without its newlines", lambda: "-----BEGIN RSA PRIVATE KEY-----MIIE", "pem", "is PEM. Convert it"),
    ("PEM after a BOM", lambda: "\ufeff-----BEGIN PRIVATE KEY-----", "pem", "is PEM. Convert it"),
    ("encrypted PEM", lambda: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE", "pem", "is encrypted PEM. Convert it"),
    (
        "PEM encrypted the old way",
        lambda: "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nMIIE",
        "pem",
        "is encrypted PEM. Convert it",
    ),
    ("a public key in PEM", lambda: "-----BEGIN PUBLIC KEY-----\nMIIB", "public_only", "is a public key or a certificate."),
    ("a certificate", lambda: "-----BEGIN CERTIFICATE-----\nMIIB", "public_only", "is a public key or a certificate."),
    ("PEM in base64", lambda: "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t", "pem", "is PEM. Convert it"),
    (
        "PEM after OpenSSL's attributes",
        lambda: "Bag Attributes\n-----BEGIN PRIVATE KEY-----\nMIIE",
        "pem",
        "is PEM. Convert it",
    ),
    (
        "a certificate before its key",
        lambda: "-----BEGIN CERTIFICATE-----\nMIIB\n-----BEGIN PRIVATE KEY-----\nMIIE",
        "pem",
        "is PEM. Convert it",
    ),
    ("PEM in a JSON string", lambda: json.dumps("-----BEGIN PRIVATE KEY-----\nMIIE"), "pem", "is PEM. Convert it"),
    ("a JWK in base64", lambda: base64.b64encode(json.dumps(ec()).encode()).decode(), "not_json", "is in base64. Store it"),
    ("empty", lambda: "", "not_json", "is empty. Store"),
    ("white space", lambda: " \n\t ", "not_json", "is empty. Store"),
    ("words", lambda: "my key", "not_json", "is not JSON. Store"),
    ("a cut-off JWK", lambda: json.dumps(rsa())[:-1], "not_json", "is not JSON. Store"),
    ("two JWKs", lambda: json.dumps(ec()) * 2, "not_json", "is not JSON. Store"),
    ("single quotes", lambda: str(ec()), "not_json", "is not JSON. Store"),
    ("nested lists", lambda: "[" * 60_000, "not_json", "is not JSON. Store"),
    ("nested objects", lambda: '{"a":' * 12_000, "not_json", "is not JSON. Store"),
    ("a number of 5000 digits", lambda: '{"n":' + "9" * 5000 + "}", "not_json", "is not JSON. Store"),
    ("null", lambda: "null", "not_a_key", "is JSON but not an object. Store"),
    (
        "RSA of 100,000 bits",
        lambda: {**rsa(), "n": to_text((1 << 100_000) + 1)},
        "bad_member",
        "has an n over 8192 bits or an e over 64 bits.",
    ),
    (
        "RSA with a huge exponent",
        lambda: {**rsa(), "e": to_text((1 << 65) + 1)},
        "bad_member",
        "has an n over 8192 bits or an e over 64 bits.",
    ),
    (
        "a large key without p and q",
        lambda: {**without(rsa(), "p", "q"), "n": to_text((1 << 4096) + 1)},
        "bad_member",
        "has no p and q, which a key over 4096 bits must have.",
    ),
    (
        "a JSON string",
        lambda: json.dumps(json.dumps(ec())),
        "not_a_key",
        "is a JWK in a JSON string. Store the JWK without the quotes.",
    ),
    ("a JSON number", lambda: "1", "not_a_key", "is JSON but not an object. Store"),
    ("a list of keys", lambda: json.dumps([ec()]), "not_a_key", "is JSON but not an object. Store"),
    ("a JWK set", lambda: {"keys": [ec()]}, "not_a_key", "is a JWK set. Store one private JWK"),
    ("an empty object", dict, "not_a_key", "has no kty, so it is not a JWK. Store"),
    ("kty null", lambda: {**ec(), "kty": None}, "not_a_key", "has no kty, so it is not a JWK. Store"),
    ("a wrapped text", lambda: {"jwk": json.dumps(ec())}, "not_a_key", "is a JWK inside another object"),
    ("a wrapped key", lambda: {"key": rsa(), "attributes": {"enabled": True}}, "not_a_key", "is a JWK inside another object"),
    ("a key and a value", lambda: {"helseid/key": json.dumps(rsa())}, "not_a_key", "is a JWK inside another object"),
    (
        "PascalCase",
        lambda: {name.capitalize(): value for name, value in rsa().items()},
        "not_a_key",
        "whose members are not in small letters",
    ),
    ("PEM in an object", lambda: {"private_key": "-----BEGIN PRIVATE KEY-----"}, "not_a_key", "is an object with a PEM in it."),
    ("a set in PascalCase", lambda: {"Keys": [ec()]}, "not_a_key", "is a JWK set. Store one"),
    (
        "a configuration without a key",
        lambda: {"authority": "https://sts.example.no", "clientId": "c"},
        "not_a_key",
        "is a client configuration without a privateJwk. Store",
    ),
    (
        "a configuration with PEM",
        lambda: {"clientId": "c", "privateJwk": "-----BEGIN PRIVATE KEY-----"},
        "not_a_key",
        "is a client configuration whose privateJwk is not a JWK. Store",
    ),
    ("a member twice", lambda: json.dumps(ec())[:-1] + ', "kid": "b"}', "bad_member", "has a member twice. Store"),
    (
        "a member twice in a configuration",
        lambda: json.dumps({"clientId": "c", "privateJwk": json.dumps(ec())[:-1] + ', "kid": "b"}'}),
        "bad_member",
        "has a member twice. Store",
    ),
    (
        "two keys in a configuration",
        lambda: json.dumps({"privateJwk": ec(), "PrivateJwk": make_jwk("ES256", number=1)}),
        "bad_member",
        "has a member twice. Store",
    ),
    (
        "a wrapped text with a member twice",
        lambda: {"jwk": json.dumps(ec())[:-1] + ', "kid": "b"}'},
        "not_a_key",
        "is a JWK inside another object",
    ),
    ("a kid that is the private key", lambda: {**ec(), "kid": ec()["d"]}, "bad_member", "has a private member in its kid"),
    ("a kid that is a prime", lambda: {**rsa(), "kid": f"key {rsa()['p']}"}, "bad_member", "has a private member in its kid"),
    (
        "a kid with half a pair",
        lambda: {**ec(), "kid": "\ud800"},
        "bad_member",
        "has a kid that is not a string of at most 500",
    ),
    (
        "kty oct",
        lambda: {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        "unknown_kty",
        "The kty of the private key at HELSEID_KEY is not RSA or EC.",
    ),
    (
        "kty OKP",
        lambda: {**ec(), "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA"},
        "unknown_kty",
        "The kty of the private key at HELSEID_KEY is not RSA or EC.",
    ),
    (
        "kty in small letters",
        lambda: {**rsa(), "kty": "rsa"},
        "unknown_kty",
        "The kty of the private key at HELSEID_KEY is not RSA or EC.",
    ),
    (
        "kty a list",
        lambda: {**rsa(), "kty": ["RSA"]},
        "unknown_kty",
        "The kty of the private key at HELSEID_KEY is not RSA or EC.",
    ),
    ("public RSA", lambda: public_jwk(rsa()), "public_only", "has no d, so it is only the public half."),
    ("public EC", lambda: public_jwk(ec()), "public_only", "has no d, so it is only the public half."),
    ("use enc", lambda: {**rsa(), "use": "enc"}, "bad_member", 'has a use other than "sig".'),
    ("use a list", lambda: {**rsa(), "use": ["sig"]}, "bad_member", 'has a use other than "sig".'),
    ("key_ops verify", lambda: {**rsa(), "key_ops": ["verify"]}, "bad_member", 'has key_ops without "sign".'),
    ("key_ops a text", lambda: {**rsa(), "key_ops": "sign"}, "bad_member", 'has key_ops without "sign".'),
    ("no alg", lambda: without(rsa(), "alg"), "no_alg", "has no alg. Add the alg that it is registered with"),
    ("alg null", lambda: {**rsa(), "alg": None}, "no_alg", "has no alg. Add the alg that it is registered with"),
    ("alg empty", lambda: {**rsa(), "alg": ""}, "no_alg", "has no alg. Add the alg that it is registered with"),
    ("alg none", lambda: {**rsa(), "alg": "none"}, "alg_not_in_profile", "has an alg outside HelseID's security profile. Use"),
    (
        "alg HS256",
        lambda: {**rsa(), "alg": "HS256"},
        "alg_not_in_profile",
        "has an alg outside HelseID's security profile. Use",
    ),
    ("alg EdDSA", lambda: {**ec(), "alg": "EdDSA"}, "alg_not_in_profile", "has an alg outside HelseID's security profile. Use"),
    (
        "alg ES256K",
        lambda: {**ec(), "alg": "ES256K"},
        "alg_not_in_profile",
        "has an alg outside HelseID's security profile. Use",
    ),
    (
        "alg RSA-OAEP",
        lambda: {**rsa(), "alg": "RSA-OAEP"},
        "alg_not_in_profile",
        "has an alg outside HelseID's security profile. Use",
    ),
    (
        "alg in small letters",
        lambda: {**rsa(), "alg": "ps256"},
        "alg_not_in_profile",
        "has an alg outside HelseID's security profile. Use",
    ),
    (
        "alg a list",
        lambda: {**rsa(), "alg": ["PS256"]},
        "alg_not_in_profile",
        "has an alg outside HelseID's security profile. Use",
    ),
    (
        "alg ES256 with RSA",
        lambda: {**rsa(), "alg": "ES256"},
        "alg_does_not_fit",
        "has the alg ES256, which does not fit its kty RSA.",
    ),
    (
        "alg PS256 with EC",
        lambda: {**ec(), "alg": "PS256"},
        "alg_does_not_fit",
        "has the alg PS256, which does not fit its kty EC.",
    ),
    ("alg ES384 with P-256", lambda: {**ec(), "alg": "ES384"}, "alg_does_not_fit", "but its crv is not P-384."),
    ("alg ES256 with P-521", lambda: {**ec("ES512"), "alg": "ES256"}, "alg_does_not_fit", "but its crv is not P-256."),
    ("curve secp256k1", lambda: {**ec(), "crv": "secp256k1"}, "alg_does_not_fit", "but its crv is not P-256."),
    ("no curve", lambda: without(ec(), "crv"), "alg_does_not_fit", "but its crv is not P-256."),
    ("curve a list", lambda: {**ec(), "crv": ["P-256"]}, "alg_does_not_fit", "but its crv is not P-256."),
    ("kid a number", lambda: {**rsa(), "kid": 7}, "bad_member", "has a kid that is not a string of at most 500"),
    ("kid a list", lambda: {**ec(), "kid": ["a"]}, "bad_member", "has a kid that is not a string of at most 500"),
    ("kid too long", lambda: {**ec(), "kid": "a" * 501}, "bad_member", "has a kid that is not a string of at most 500"),
    ("oth", lambda: {**rsa(), "oth": [{"r": "AQ"}]}, "bad_member", "more than two primes (oth), which is not supported."),
    ("p without q", lambda: without(rsa(), "q"), "bad_member", "has only one of p and q. Store"),
    ("q without p", lambda: without(rsa(), "p"), "bad_member", "has only one of p and q. Store"),
    ("no n", lambda: without(rsa(), "n"), "bad_member", "has no n, or one that is not a base64url number"),
    ("no e", lambda: without(rsa(), "e"), "bad_member", "has no e, or one that is not a base64url number"),
    ("d null", lambda: {**rsa(), "d": None}, "public_only", "has no d, so it is only the public half."),
    ("d empty", lambda: {**rsa(), "d": ""}, "public_only", "has no d, so it is only the public half."),
    ("e a number", lambda: {**rsa(), "e": 65537}, "bad_member", "has no e, or one that is not a base64url number"),
    (
        "n in plain base64",
        lambda: {**rsa(), "n": "+/" + rsa()["n"][2:]},
        "bad_member",
        "has no n, or one that is not a base64url number",
    ),
    ("n padded", lambda: {**rsa(), "n": rsa()["n"] + "="}, "bad_member", "has no n, or one that is not a base64url number"),
    (
        "n with white space",
        lambda: {**rsa(), "n": rsa()["n"] + "\n"},
        "bad_member",
        "has no n, or one that is not a base64url number",
    ),
    (
        "n of an impossible length",
        lambda: {**rsa(), "n": rsa()["n"] + "AAA"},
        "bad_member",
        "has no n, or one that is not a base64url number",
    ),
    (
        "n outside ASCII",
        lambda: {**rsa(), "n": "å" + rsa()["n"][1:]},
        "bad_member",
        "has no n, or one that is not a base64url number",
    ),
    ("p a list", lambda: {**rsa(), "p": ["a"]}, "bad_member", "has no p, or one that is not a base64url number"),
    (
        "RSA of 1024 bits",
        lambda: make_jwk("RS256", bits=1024),
        "rsa_too_small",
        "has 1024 bits, and HelseID requires at least 2048.",
    ),
    ("n of one byte", lambda: {**rsa(), "n": "AQ"}, "rsa_too_small", "has 1 bits, and"),
    (
        "n not p times q",
        lambda: {**rsa(), "p": make_jwk("PS256", number=1)["p"]},
        "inconsistent",
        "numbers that do not match (n, e, d, p, q). Store",
    ),
    (
        "another key's d",
        lambda: {**rsa(), "d": make_jwk("PS256", number=1)["d"]},
        "inconsistent",
        "numbers that do not match (n, e, d, p, q). Store",
    ),
    (
        "n off by two",
        lambda: {**rsa(), "n": to_text(to_number(rsa()["n"]) + 2)},
        "inconsistent",
        "numbers that do not match (n, e, d, p, q). Store",
    ),
    ("d that fits p only", lambda: shifted_d("p"), "inconsistent", "numbers that do not match (n, e, d, p, q). Store"),
    ("d that fits q only", lambda: shifted_d("q"), "inconsistent", "numbers that do not match (n, e, d, p, q). Store"),
    ("another e", lambda: {**rsa(), "e": "Aw"}, "inconsistent", "numbers that do not match (n, e, d, p, q). Store"),
    ("e of 0", lambda: {**rsa(), "e": "AA"}, "inconsistent", "numbers that do not match (n, e, d, p, q). Store"),
    (
        "p of 1",
        lambda: {**rsa(), "p": "AQ", "q": rsa()["n"]},
        "inconsistent",
        "numbers that do not match (n, e, d, p, q). Store",
    ),
    ("p of 0", lambda: {**rsa(), "p": "AA"}, "inconsistent", "numbers that do not match (n, e, d, p, q). Store"),
    (
        "EC d too short",
        lambda: {**ec(), "d": "AQ", "kid": "the AQ key"},
        "bad_member",
        "has no d, or one that is not a base64url number",
    ),
    (
        "EC x too long",
        lambda: {**ec(), "x": to_text(to_number(ec()["x"]), 33)},
        "bad_member",
        "has no x, or one that is not a base64url number",
    ),
    ("EC without y", lambda: without(ec(), "y"), "bad_member", "has no y, or one that is not a base64url number"),
    (
        "EC d of the other curve",
        lambda: {**ec(), "d": ec("ES384")["d"]},
        "bad_member",
        "has no d, or one that is not a base64url number",
    ),
]


def as_text(text: str | Members) -> str:
    return text if isinstance(text, str) else json.dumps(text)


@pytest.mark.parametrize(("text", "reason", "words"), [pytest.param(*rest, id=name) for name, *rest in BROKEN])
def test_a_broken_key_has_its_code_and_its_sentence(text: Callable[[], str | Members], reason: str, words: str) -> None:
    broken = text()
    refusal = refusal_of(as_text(broken))
    assert (refusal.code, refusal.reason) == (f"signing_key.{reason}", reason)
    sentences = str(refusal)
    assert words in sentences
    assert re.fullmatch(r"The [^;]+\. [A-Z][^;]+\.", sentences)
    assert "HELSEID_KEY" in sentences
    values = [value for value in broken.values() if isinstance(value, str)] if isinstance(broken, dict) else [broken]
    assert not [value for value in values if len(value) >= 20 and value in sentences]


@pytest.mark.parametrize("alg", ["HS256", None])
def test_a_wrong_or_missing_alg_names_the_profile(alg: str | None) -> None:
    profile = "one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512"
    assert profile in str(refusal_of(json.dumps({**rsa(), "alg": alg})))


@pytest.mark.parametrize(
    ("before", "after"),
    [("\ufeff", ""), ("\ufeff \n", ""), (" \r\n\t", "\n"), ("", "\n\n")],
    ids=["BOM", "BOM and white space", "white space", "newlines at the end"],
)
def test_a_bom_and_white_space_are_allowed(before: str, after: str) -> None:
    assert parse(before + json.dumps(ec()) + after) == parse(json.dumps(ec()))


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(lambda: without(ec(), "use"), id="no use"),
        pytest.param(lambda: {**ec(), "key_ops": ["verify", "sign"]}, id="verifies and signs"),
        pytest.param(lambda: {**ec(), **dict.fromkeys(["oth", "use", "x5u", "p", "q", "exp"])}, id="null members"),
        pytest.param(lambda: {**ec(), "oth": [], "key_ops": [], "x5c": [], "n": "", "extra": {}}, id="empty members"),
        pytest.param(lambda: {**ec(), "x5t": "a", "nbf": 1, "nested": {"d": []}}, id="unknown members"),
    ],
)
def test_optional_and_unknown_members_change_nothing(members: Callable[[], Members]) -> None:
    assert parse(json.dumps(members())) == parse(json.dumps(ec()))


def test_a_key_without_kid_is_accepted() -> None:
    assert parse(json.dumps(without(ec(), "kid"))).kid is None


@every_algorithm
def test_parse_returns_the_numbers_of_a_key(alg: str) -> None:
    members = make_jwk(alg)
    parsed = parse(json.dumps(members))
    number = {name: to_number(members[name]) for name in ("n", "e", "d", "p", "q", "x", "y") if name in members}
    expected: RsaPrivate | EcPrivate
    if members["kty"] == "RSA":
        expected = RsaPrivate(number["n"], number["e"], number["d"], (number["p"], number["q"]))
    else:
        expected = EcPrivate(members["crv"], number["x"], number["y"], number["d"])
    assert (parsed.alg, parsed.kid, parsed.numbers) == (alg, members["kid"], expected)


def test_an_rsa_key_with_d_only_has_no_primes_yet() -> None:
    numbers = parse(json.dumps(without(rsa(), "p", "q", "dp", "dq", "qi"))).numbers
    assert isinstance(numbers, RsaPrivate)
    assert numbers.primes is None


@pytest.mark.parametrize("alg", ["PS256", "ES256"])
def test_a_parsed_key_shows_no_private_number(alg: str) -> None:
    shown = repr(parse(json.dumps(make_jwk(alg))))
    private = [make_jwk(alg)[name] for name in ("d", "p", "q") if name in make_jwk(alg)]
    assert not [each for each in private if each in shown or str(to_number(each)) in shown]


@pytest.mark.parametrize(
    ("value", "expected"), [(AT, AT), (AT + 0.5, AT), ("soon", None), (True, None), (-1, None), (1e300, None), (None, None)]
)
def test_iat_and_exp_are_numeric_dates_or_none(value: object, expected: int | None) -> None:
    parsed = parse(json.dumps({**ec(), "iat": value, "exp": value}))
    assert (parsed.made_at, parsed.expires_at) == (expected, expected)


@pytest.mark.parametrize("kid", ["my key", "nøkkel", "a" * 201, "a\nb", '"', "\U0001f511"], ids=ascii)
def test_a_kid_is_any_string(kid: str) -> None:
    assert parse(json.dumps({**ec(), "kid": kid})).kid == kid


def test_a_kid_may_share_a_word_with_a_member() -> None:
    assert parse(json.dumps({**rsa(), "kid": "my key", "qi": "my"})).kid == "my key"


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi"])
def test_no_private_member_is_a_kid(name: str) -> None:
    assert "has a private member in its kid" in str(refusal_of(json.dumps({**rsa(), "kid": f"key-{rsa()[name]}"})))


@pytest.mark.parametrize("kid", [None, ""])
def test_an_empty_kid_is_none(kid: str | None) -> None:
    assert parse(json.dumps({**ec(), "kid": kid})).kid is None
