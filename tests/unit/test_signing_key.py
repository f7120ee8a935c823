from __future__ import annotations

import base64
import copy
import json
import math
import pickle
import traceback
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.errors import BadSignatureError
from jwt.algorithms import ECAlgorithm, RSAPSSAlgorithm

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.signing_key import SigningKey, generate_proof_key, parse_signing_key, thumbprint
from standin import make_jwk, public_jwk
from tests.support.parts import NOW, PRIVATE_MEMBERS, every_algorithm, read_jws, to_number, to_text, verify
from tests.support.weak_keys import (
    CHERNICK,
    FACTORS,
    adjacent_primes,
    composite_of_right_size,
    composite_prime,
    equal_primes,
    key_with_p,
    multiple_of,
    p_of_three,
)

D_ONLY = ("kty", "n", "e", "d", "alg", "kid")

# RFC 7638 section 3.1.
PUBLISHED_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
    "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9"
    "1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
}
PUBLISHED_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def parse(members: dict[str, Any]) -> SigningKey:
    return parse_signing_key(json.dumps(members))


def sign_with(members: dict[str, Any]) -> str:
    return parse(members).sign({"typ": "JWT"}, {"a": 1})


def verify_by_hand(token: str, members: dict[str, Any]) -> None:
    """Verify a signature with nothing but `cryptography` (RFC 7518 sections 3.3 to 3.5)."""
    signed, _, encoded = token.rpartition(".")
    signature, alg = base64.urlsafe_b64decode(encoded + "=="), members["alg"]
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[alg[2:]]
    if alg.startswith("ES"):
        curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[alg]
        half = (curve.key_size + 7) // 8
        assert len(signature) == 2 * half
        point = ec.EllipticCurvePublicNumbers(to_number(members["x"]), to_number(members["y"]), curve)
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        point.public_key().verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(digest))
        return
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    public = rsa.RSAPublicNumbers(to_number(members["e"]), to_number(members["n"])).public_key()
    public.verify(signature, signed.encode(), padding.PKCS1v15() if alg.startswith("RS") else pss, digest)


@every_algorithm
def test_two_other_libraries_verify_a_signature(alg: str) -> None:
    members = make_jwk(alg)
    token = sign_with(members)
    verify(token, public_jwk(members))
    verify_by_hand(token, members)
    with pytest.raises(BadSignatureError):
        verify(token, public_jwk(make_jwk(alg, number=1)))


@pytest.mark.parametrize(("alg", "size"), [("ES256", 64), ("ES384", 96), ("ES512", 132)])
def test_an_ec_signature_always_has_its_full_length(alg: str, size: int) -> None:
    """One in 128 has a number that begins with a zero byte, which DER omits and JWS does not."""
    key = parse(make_jwk(alg))
    signatures = (key.sign({"typ": "JWT"}, {"a": each}).rpartition(".")[2] for each in range(600))
    assert {len(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))) for signature in signatures} == {size}


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({}, id="none"),
        pytest.param({"typ": "dpop+jwt", "jwk": {"kty": "EC"}}, id="a proof's"),
        pytest.param({"typ": "client-authentication+jwt", "kid": "k"}, id="an assertion's"),
    ],
)
def test_a_header_gets_alg_and_nothing_else(header: dict[str, Any]) -> None:
    key, before = parse(make_jwk("ES256")), copy.deepcopy(header)
    assert read_jws(key.sign(header, {}))[0] == {**header, "alg": "ES256"}
    assert read_jws(key.sign({**header, "alg": "none"}, {}))[0] == {**header, "alg": "ES256"}
    assert header == before


def test_any_mapping_of_claims_is_signed() -> None:
    assert read_jws(parse(make_jwk("ES256")).sign({"typ": "JWT"}, MappingProxyType({"a": 1})))[1] == {"a": 1}


def test_claims_are_signed_as_they_are() -> None:
    claims = {"iat": 1_800_000_000, "exp": 1_800_000_008, "nested": {"æ": [1, None]}}
    before = copy.deepcopy(claims)
    token = parse(make_jwk("ES256")).sign({"typ": "JWT"}, claims)
    assert read_jws(token)[1] == claims == before
    assert [type(read_jws(token)[1][name]) for name in ("iat", "exp")] == [int, int]


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_an_rsa_key_with_d_only_signs(alg: str) -> None:
    members = {name: value for name, value in make_jwk(alg).items() if name in D_ONLY}
    verify(sign_with(members), public_jwk(make_jwk(alg)))


def test_an_rsa_key_with_swapped_primes_signs() -> None:
    members = make_jwk("PS256")
    verify(sign_with({**members, "p": members["q"], "q": members["p"]}), public_jwk(members))


@pytest.mark.parametrize("name", ["dp", "dq", "qi"])
def test_a_wrong_or_missing_crt_member_is_harmless(name: str) -> None:
    members = make_jwk("RS256")
    wrong = {**members, name: to_text(to_number(members[name]) ^ 6)}
    missing = {member: value for member, value in members.items() if member != name}
    for changed_members in (wrong, missing):
        verify(sign_with(changed_members), public_jwk(members))


@pytest.mark.parametrize(("alg", "algorithm"), [("PS256", RSAPSSAlgorithm), ("ES256", ECAlgorithm)])
def test_a_key_with_a_faulty_signature_is_refused(monkeypatch: pytest.MonkeyPatch, alg: str, algorithm: type[Any]) -> None:
    sign = algorithm.sign

    def faulty(self: object, message: bytes, key: object) -> bytes:
        signature = sign(self, message, key)
        return bytes([*signature[:-1], signature[-1] ^ 1])

    monkeypatch.setattr(algorithm, "sign", faulty)
    with pytest.raises(SigningKeyError) as raised:
        parse(make_jwk(alg))
    assert raised.value.code == "signing_key.inconsistent"


def changed(alg: str, **members: str) -> dict[str, Any]:
    return {**make_jwk(alg), **members}


def d_only(**members: str) -> dict[str, Any]:
    return {name: value for name, value in changed("PS256", **members).items() if name in D_ONLY}


def d_only_of(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name in D_ONLY}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(composite_of_right_size, id="a p that is not prime"),
        pytest.param(lambda: changed("PS256", e="AQ", d="AQ"), id="e and d of 1"),
        pytest.param(lambda: d_only(d=make_jwk("PS256", number=1)["d"]), id="d only and another key's"),
        pytest.param(lambda: d_only(d="AQ"), id="d only and 1"),
        pytest.param(lambda: d_only(d="AA"), id="d only and 0"),
        pytest.param(lambda: d_only(n=to_text(to_number(make_jwk("PS256")["n"]) + 1)), id="d only and an even n"),
        pytest.param(lambda: changed("ES256", d=make_jwk("ES256", number=1)["d"]), id="an EC d of another x and y"),
        pytest.param(lambda: changed("ES384", d=make_jwk("ES384", number=1)["d"]), id="a P-384 d of another x and y"),
        pytest.param(lambda: changed("ES256", d=to_text(0, 32)), id="an EC d of 0"),
        pytest.param(lambda: changed("ES256", d=to_text(2**256 - 1, 32)), id="an EC d beyond the curve's order"),
        pytest.param(lambda: changed("ES256", y=make_jwk("ES256")["x"]), id="a point off the curve"),
        pytest.param(lambda: changed("ES256", x=to_text(0, 32), y=to_text(0, 32)), id="the point 0, 0"),
    ],
)
def test_a_key_whose_members_do_not_match_is_refused(members: Callable[[], dict[str, Any]]) -> None:
    with pytest.raises(SigningKeyError, match=r"do not match.*\. Store the whole key again\.") as raised:
        parse(members())
    assert raised.value.code == "signing_key.inconsistent"


@pytest.mark.parametrize(
    ("members", "how"),
    [
        pytest.param(adjacent_primes, "close to each other", id="adjacent primes"),
        pytest.param(equal_primes, "close to each other", id="p equal to q"),
        pytest.param(composite_prime, "unequal size", id="a p of twice the size"),
        pytest.param(lambda: d_only_of(adjacent_primes()), "close to each other", id="adjacent primes, d only"),
        pytest.param(p_of_three, "unequal size", id="a p of 3"),
        pytest.param(lambda: key_with_p(multiple_of(1021)), "small factor", id="a p with the factor 1021"),
        pytest.param(lambda: key_with_p(multiple_of(131_071)), "small factor", id="a p with the factor 131071"),
        pytest.param(lambda: key_with_p(math.prod(FACTORS)), "small factor", id="a Carmichael number of 61 factors as p"),
    ],
)
def test_an_rsa_key_that_can_be_broken_is_refused(members: Callable[[], dict[str, Any]], how: str) -> None:
    with pytest.raises(SigningKeyError, match=f"{how}, so it can be broken") as raised:
        parse(members())
    assert raised.value.code == "signing_key.weak_rsa"


def test_a_carmichael_number_as_p_needs_the_full_check() -> None:
    text = json.dumps(key_with_p(CHERNICK))
    assert parse_signing_key(text).alg == "PS256"
    with pytest.raises(SigningKeyError, match="do not match"):
        parse_signing_key(text, check_primes=True)


def test_a_sound_key_passes_the_full_check() -> None:
    text = json.dumps(make_jwk("PS256"))
    assert parse_signing_key(text, check_primes=True).thumbprint == parse_signing_key(text).thumbprint


CONFIGURATION = {"authority": "https://sts.example.no", "clientId": "c", "scopes": ["a"], "privateJwk": "{}"}


@pytest.mark.parametrize("is_text", [True, False], ids=["text", "object"])
@pytest.mark.parametrize("rename", [str, lambda name: name[0].upper() + name[1:]], ids=["camelCase", "PascalCase"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_client_configuration_is_taken(rename: Callable[[str], str], slash: str, *, is_text: bool) -> None:
    members = make_jwk("ES256")
    configuration = {**CONFIGURATION, "authority": f"https://sts.example.no{slash}"}
    configuration["privateJwk"] = json.dumps(members) if is_text else members
    text = json.dumps({rename(name): value for name, value in configuration.items()})
    key = parse_signing_key(text, client_id="c", issuer="https://sts.example.no")
    assert key.public_jwk == parse(members).public_jwk


@pytest.mark.parametrize(
    ("client_id", "issuer", "words"),
    [
        ("d", "https://sts.example.no", "has the client id c, and HELSEID_CLIENT_ID is d."),
        ("c", "https://other.no", "has the issuer https://sts.example.no, and HELSEID_ISSUER is https://other.no."),
    ],
)
def test_a_configuration_of_another_client_is_named(client_id: str, issuer: str, words: str) -> None:
    text = json.dumps({**CONFIGURATION, "privateJwk": make_jwk("ES256")})
    with pytest.raises(SigningKeyError) as raised:
        parse_signing_key(text, client_id=client_id, issuer=issuer)
    assert (raised.value.code, words in str(raised.value)) == ("signing_key.another_client", True)


@pytest.mark.parametrize("client_id", [7, True, ["c"], {"value": "c"}])
def test_a_client_id_that_is_no_text_is_another(client_id: object) -> None:
    text = json.dumps({**CONFIGURATION, "clientId": client_id, "privateJwk": make_jwk("ES256")})
    with pytest.raises(SigningKeyError, match="and HELSEID_CLIENT_ID is c") as raised:
        parse_signing_key(text, client_id="c", issuer="https://sts.example.no")
    assert raised.value.code == "signing_key.another_client"


def test_a_configurations_client_id_never_shows_a_key() -> None:
    members = make_jwk("ES256")
    text = json.dumps({**CONFIGURATION, "clientId": members["d"], "privateJwk": members})
    with pytest.raises(SigningKeyError, match="has the client id another, and HELSEID_CLIENT_ID is c"):
        parse_signing_key(text, client_id="c", issuer="https://sts.example.no")


@every_algorithm
def test_a_key_of_pyjwt_is_taken(alg: str) -> None:
    source = parse_signing_key(json.dumps(make_jwk(alg)))
    written = jwt.get_algorithm_by_name(alg).to_jwk(source._private, as_dict=True)
    assert parse({**written, "alg": alg}).thumbprint == source.thumbprint


def test_loading_an_rsa_key_skips_the_prime_check(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, bool]] = []
    numbers = rsa.RSAPrivateNumbers

    class Recording:
        def __init__(self, **parts: Any) -> None:
            self._numbers = numbers(**parts)

        def private_key(self, **options: bool) -> rsa.RSAPrivateKey:
            asked.append(options)
            return self._numbers.private_key(**options)

    monkeypatch.setattr(rsa, "RSAPrivateNumbers", Recording)
    parse(make_jwk("PS256"))
    assert asked == [{"unsafe_skip_rsa_key_validation": True}]


@pytest.mark.parametrize("alg", ["PS256", "ES256"])
@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda key: repr([key]), lambda key: repr({"key": key})])
def test_a_key_shows_no_private_member(alg: str, show: Callable[[object], str]) -> None:
    members = make_jwk(alg, kid="my-kid")
    key = parse(members)
    shown = show(key)
    private = [members[name] for name in PRIVATE_MEMBERS if name in members]
    assert not [each for each in private if each in shown or str(to_number(each)) in shown]
    assert f"<SigningKey {alg} kid='my-kid' thumbprint={key.thumbprint}>" in shown


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(pickle.dumps, id="pickle"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda key: copy.deepcopy({"key": [key]}), id="deepcopy of its container"),
    ],
)
def test_a_key_cannot_be_pickled_or_copied(move: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        move(parse(make_jwk("ES256")))


@pytest.mark.parametrize("name", ["d", "p"])
def test_a_traceback_shows_no_private_member(name: str) -> None:
    members = {**make_jwk("PS256"), name: make_jwk("PS256", number=1)[name]}
    with pytest.raises(SigningKeyError) as raised:
        parse(members)
    written = "".join(traceback.format_exception(raised.value))
    assert not [each for each in PRIVATE_MEMBERS if members[each] in written]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"kty": "EC", "d": "HUSH-HUSH"})[:-1],
        '{"d":"HUSH-HUSH","n":' + "9" * 5000 + "}",
        '{"kty":"EC","d":"HUSH-HUSH"}',
    ],
    ids=["cut off", "with a number too long", "without its other members"],
)
def test_no_exception_behind_a_refusal_contains_the_key(text: str) -> None:
    with pytest.raises(SigningKeyError) as raised:
        parse_signing_key(text)
    behind, each = [], raised.value.__context__
    while each is not None:
        behind.append(f"{each!r} {vars(each)}")
        each = each.__context__
    assert "HUSH" not in " ".join([repr(raised.value), str(vars(raised.value)), *behind])


@every_algorithm
def test_the_public_jwk_has_the_required_members_only(alg: str) -> None:
    members = make_jwk(alg)
    key = parse(members)
    required = ("kty", "n", "e") if members["kty"] == "RSA" else ("kty", "crv", "x", "y")
    assert key.public_jwk == {name: members[name] for name in required}
    assert key.thumbprint == members["kid"]  # which joserfc computed


def test_a_coordinate_keeps_its_leading_zeros() -> None:
    # The first multiple of P-256's base point whose x begins with a zero byte.
    for d in range(1, 5000):
        public = ec.derive_private_key(d, ec.SECP256R1()).public_key().public_numbers()
        if public.x < 1 << 248:
            break
    x, y = to_text(public.x, 32), to_text(public.y, 32)
    members = {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y, "d": to_text(d, 32)}
    assert parse(members).public_jwk["x"] == x


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    assert thumbprint(PUBLISHED_KEY) == PUBLISHED_THUMBPRINT
    assert thumbprint(dict(reversed(PUBLISHED_KEY.items()))) == PUBLISHED_THUMBPRINT


def test_the_store_s_expiry_goes_before_the_jwk_s_own() -> None:
    text = json.dumps({**make_jwk("ES256"), "iat": NOW - 60, "exp": NOW})
    key = parse_signing_key(text, expires_at=int(NOW) + 60)
    assert (key.made_at, key.expires_at, parse_signing_key(text).expires_at) == (NOW - 60, NOW + 60, NOW)


def test_every_proof_key_is_a_new_p_256_key_without_kid() -> None:
    keys = [generate_proof_key() for _ in range(20)]
    assert {(key.alg, key.kid, key.public_jwk["crv"]) for key in keys} == {("ES256", None, "P-256")}
    assert len({key.thumbprint for key in keys}) == 20
