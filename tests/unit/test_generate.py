from __future__ import annotations

import json
from typing import Any

import pytest

from helseid_fn.keys.generate import generate_jwk, public_half, with_expiry
from helseid_fn.keys.signing_key import parse_signing_key
from standin.jose import PRIVATE_MEMBERS, key_name
from tests.support.parts import NOW, to_number, verify

CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66)}


@pytest.fixture(scope="module")
def rsa() -> dict[str, Any]:
    """Return the kind of key that is made unless another is asked for."""
    members: dict[str, Any] = json.loads(generate_jwk("PS256", NOW))
    return members


def test_an_rsa_key_has_4096_bits_and_all_its_members(rsa: dict[str, Any]) -> None:
    assert set(rsa) == {"kty", "n", "e", "d", "p", "q", "dp", "dq", "qi", "use", "alg", "kid", "iat"}
    assert (to_number(rsa["n"]).bit_length(), to_number(rsa["e"])) == (4096, 65537)
    assert to_number(rsa["p"]) * to_number(rsa["q"]) == to_number(rsa["n"])


def test_an_rsa_key_signs_and_another_library_verifies(rsa: dict[str, Any]) -> None:
    key = parse_signing_key(json.dumps(rsa))
    verify(key.sign({}, {"iss": "client"}), key.public_jwk)
    assert (key.alg, key.kid) == ("PS256", key.thumbprint)


@pytest.mark.parametrize("alg", CURVES)
def test_an_elliptic_key_is_on_the_curve_of_its_algorithm(alg: str) -> None:
    text = generate_jwk(alg, NOW)
    members, (curve, size) = json.loads(text), CURVES[alg]
    assert set(members) == {"kty", "crv", "x", "y", "d", "use", "alg", "kid", "iat"}
    assert (members["kty"], members["crv"]) == ("EC", curve)
    # RFC 7518 section 6.2.1.2: the octets of a coordinate keep their leading zeros.
    assert {len(members[name]) for name in ("x", "y", "d")} == {-(-size * 8 // 6)}
    key = parse_signing_key(text)
    verify(key.sign({}, {"iss": "client"}), key.public_jwk)


@pytest.mark.parametrize("alg", CURVES)
def test_the_kid_is_the_thumbprint_by_another_library_s_reckoning(alg: str) -> None:
    members = json.loads(generate_jwk(alg, NOW))
    assert members["kid"] == key_name(members)


def test_a_key_tells_when_it_was_made_and_what_it_is_for() -> None:
    members = json.loads(generate_jwk("ES256", NOW + 0.9))
    assert (members["iat"], members["use"], members["alg"]) == (int(NOW), "sig", "ES256")


def test_no_two_keys_are_the_same() -> None:
    assert len({json.loads(generate_jwk("ES256", NOW))["d"] for _ in range(20)}) == 20


def test_the_public_half_is_what_is_registered_and_has_no_private_member(rsa: dict[str, Any]) -> None:
    text = json.dumps(rsa)
    assert set(public_half(text)) == {"kty", "n", "e", "use", "alg", "kid"}
    assert set(public_half(generate_jwk("ES256", NOW))) == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    assert not PRIVATE_MEMBERS & set(public_half(text))


def test_a_member_that_nobody_knows_is_not_made_public() -> None:
    text = json.dumps({**json.loads(generate_jwk("ES256", NOW)), "oth": [], "secret": "hush", "exp": 5})
    assert set(public_half(text)) == {"kty", "crv", "x", "y", "use", "alg", "kid"}


def test_an_expiry_is_kept_in_the_key_and_read_back() -> None:
    text = with_expiry(generate_jwk("ES256", NOW), int(NOW) + 5)
    assert parse_signing_key(text).expires_at == int(NOW) + 5


def test_an_expiry_that_is_not_known_leaves_the_text_as_it_is() -> None:
    text = generate_jwk("ES256", NOW)
    assert with_expiry(text, None) is text
