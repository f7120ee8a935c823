from __future__ import annotations

import base64
import copy
import json
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.errors import BadSignatureError

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.signing_key import SigningKey, generate_proof_key, parse_signing_key, thumbprint
from standin import make_jwk, public_jwk
from tests.support.parts import PRIVATE_MEMBERS, read_jws, to_number, to_text, verify

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
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


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_signs_what_another_library_verifies(alg: str) -> None:
    verify(sign_with(make_jwk(alg)), public_jwk(make_jwk(alg)))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_signs_what_a_third_library_verifies(alg: str) -> None:
    assert jwt.decode(sign_with(make_jwk(alg)), jwt.PyJWK(public_jwk(make_jwk(alg))), [alg]) == {"a": 1}


@pytest.mark.parametrize(("alg", "size"), [("ES256", 64), ("ES384", 96), ("ES512", 132)])
def test_an_elliptic_curve_s_signature_always_has_its_full_length(alg: str, size: int) -> None:
    """One in 128 has a number that begins with a zero byte, which DER leaves out and JWS does not."""
    key = parse(make_jwk(alg))
    signatures = (key.sign({"typ": "JWT"}, {"a": each}).rpartition(".")[2] for each in range(600))
    assert {len(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))) for signature in signatures} == {size}


def test_every_signature_has_its_own_header() -> None:
    key = parse(make_jwk("ES256"))
    header = {"typ": "JWT"}
    first = key.sign(header, {})
    header["typ"] = "other"
    second, third = key.sign(header, {}), key.sign({"typ": "JWT"}, {})
    assert [read_jws(token)[0]["typ"] for token in (first, second, third)] == ["JWT", "other", "JWT"]


def test_signing_never_loads_openssl_s_whole_c_interface() -> None:
    """It takes as long as all else that a first signature needs."""
    sign = "from helseid_fn.keys.signing_key import generate_proof_key; generate_proof_key().sign({}, {})"
    code = f"import sys; {sign}; print('cryptography.hazmat.bindings.openssl.binding' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_no_header_of_the_caller_s_changes_the_algorithm() -> None:
    assert read_jws(parse(make_jwk("ES256")).sign({"alg": "none", "typ": "JWT"}, {}))[0]["alg"] == "ES256"


@pytest.mark.parametrize("alg", ["PS256", "ES256"])
def test_another_key_does_not_verify_the_signature(alg: str) -> None:
    token = sign_with(make_jwk(alg))
    with pytest.raises(BadSignatureError):
        verify(token, public_jwk(make_jwk(alg, number=1)))


def test_signs_the_header_and_the_claims_as_they_are() -> None:
    token = parse(make_jwk("ES256")).sign({"typ": "dpop+jwt", "kid": "k"}, {"nested": {"æ": [1, None]}})
    assert read_jws(token) == ({"alg": "ES256", "typ": "dpop+jwt", "kid": "k"}, {"nested": {"æ": [1, None]}})


def test_signing_changes_neither_header_nor_claims() -> None:
    header, claims = {"typ": "JWT"}, {"a": 1}
    parse(make_jwk("ES256")).sign(header, claims)
    assert (header, claims) == ({"typ": "JWT"}, {"a": 1})


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_an_rsa_key_with_d_only_signs(alg: str) -> None:
    members = {name: value for name, value in make_jwk(alg).items() if name in D_ONLY}
    verify(sign_with(members), public_jwk(make_jwk(alg)))


def test_an_rsa_key_with_its_primes_swapped_signs() -> None:
    members = make_jwk("PS256")
    verify(sign_with({**members, "p": members["q"], "q": members["p"]}), public_jwk(members))


@pytest.mark.parametrize("name", ["dp", "dq", "qi"])
def test_a_wrong_crt_member_makes_no_faulty_signature(name: str) -> None:
    members = make_jwk("RS256")
    wrong = to_text(to_number(members[name]) ^ 6)
    verify(sign_with({**members, name: wrong}), public_jwk(members))


@pytest.mark.parametrize("name", ["dp", "dq", "qi"])
def test_a_missing_crt_member_is_not_missed(name: str) -> None:
    members = {member: value for member, value in make_jwk("RS256").items() if member != name}
    verify(sign_with(members), public_jwk(members))


def composite_prime() -> dict[str, Any]:
    """Make a key whose arithmetic holds but whose p is the product of two primes."""
    first, second = make_jwk("PS256"), make_jwk("PS256", number=1)
    q = to_number(first["q"])
    p = to_number(first["p"]) * to_number(second["p"])
    d = pow(65537, -1, (p - 1) * (q - 1))
    return {**first, "n": to_text(p * q), "p": to_text(p), "d": to_text(d)}


def equal_primes() -> dict[str, Any]:
    members = make_jwk("PS256")
    p = to_number(members["p"])
    return {**members, "n": to_text(p * p), "q": members["p"], "d": to_text(pow(65537, -1, p - 1))}


def changed(alg: str, **members: str) -> dict[str, Any]:
    return {**make_jwk(alg), **members}


def d_only(**members: str) -> dict[str, Any]:
    return {name: value for name, value in changed("PS256", **members).items() if name in D_ONLY}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(composite_prime, id="a p that is no prime"),
        pytest.param(equal_primes, id="p equal to q"),
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
def test_a_key_that_does_not_fit_together_is_refused(members: Callable[[], dict[str, Any]]) -> None:
    with pytest.raises(SigningKeyError, match="do not belong together") as raised:
        parse(members())
    assert raised.value.code == "signing_key.inconsistent"


def test_loading_an_rsa_key_skips_openssl_s_slow_prime_check(monkeypatch: pytest.MonkeyPatch) -> None:
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
    members = make_jwk(alg)
    shown = show(parse(members))
    private = [members[name] for name in PRIVATE_MEMBERS if name in members]
    assert not [each for each in private if each in shown or str(to_number(each)) in shown]


def test_a_key_shows_what_tells_it_apart() -> None:
    members = make_jwk("ES256", kid="my-kid")
    assert repr(parse(members)) == f"<SigningKey ES256 kid='my-kid' thumbprint={thumbprint_of(members)}>"


def thumbprint_of(members: dict[str, Any]) -> str:
    return thumbprint({name: members[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in members})


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(pickle.dumps, id="pickle"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda key: copy.deepcopy({"key": [key]}), id="deepcopy of what holds it"),
    ],
)
def test_a_key_is_neither_pickled_nor_copied(move: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        move(parse(make_jwk("ES256")))


@pytest.mark.parametrize("name", ["d", "p"])
def test_the_traceback_of_a_refused_key_shows_no_private_member(name: str) -> None:
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
def test_no_exception_behind_a_refusal_holds_the_key(text: str) -> None:
    with pytest.raises(SigningKeyError) as raised:
        parse_signing_key(text)
    behind, each = [], raised.value.__context__
    while each is not None:
        behind.append(f"{each!r} {vars(each)}")
        each = each.__context__
    assert "HUSH" not in " ".join([repr(raised.value), str(vars(raised.value)), *behind])


@pytest.mark.parametrize("alg", ["PS256", "ES256", "ES384", "ES512"])
def test_the_public_half_holds_the_required_members_only(alg: str) -> None:
    members = make_jwk(alg)
    required = ("kty", "n", "e") if members["kty"] == "RSA" else ("kty", "crv", "x", "y")
    assert parse(members).public_jwk == {name: members[name] for name in required}


def test_a_coordinate_keeps_its_leading_zeros() -> None:
    # Found by counting up from 1: the first multiple of P-256's base point whose x begins with a zero byte.
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # this test alone makes a key by number

    for d in range(1, 5000):
        public = ec.derive_private_key(d, ec.SECP256R1()).public_key().public_numbers()
        if public.x < 1 << 248:
            break
    x, y = to_text(public.x, 32), to_text(public.y, 32)
    members = {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y, "d": to_text(d, 32)}
    assert parse(members).public_jwk["x"] == x


def test_the_thumbprint_is_rfc_7638_s() -> None:
    assert thumbprint(PUBLISHED_KEY) == PUBLISHED_THUMBPRINT


def test_the_order_of_members_does_not_change_the_thumbprint() -> None:
    assert thumbprint(dict(reversed(PUBLISHED_KEY.items()))) == PUBLISHED_THUMBPRINT


@pytest.mark.parametrize("alg", ["PS256", "ES256", "ES512"])
def test_another_library_computes_the_same_thumbprint(alg: str) -> None:
    members = make_jwk(alg)  # whose kid is the thumbprint that joserfc computes
    assert parse(members).thumbprint == members["kid"]


def test_a_proof_key_is_a_p_256_key_without_kid() -> None:
    key = generate_proof_key()
    assert (key.alg, key.kid, key.public_jwk["crv"]) == ("ES256", None, "P-256")


def test_every_proof_key_is_new() -> None:
    assert len({generate_proof_key().thumbprint for _ in range(20)}) == 20
