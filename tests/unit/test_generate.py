from __future__ import annotations

import json
from typing import Any

import pytest

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.generate import generate_jwk, public_half, with_expiry
from helseid_fn.keys.signing_key import parse_signing_key
from standin.jose import PRIVATE_MEMBERS, key_name
from tests.support.parts import NOW, to_number, verify

CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66)}
EC_PUBLIC = {"kty", "crv", "x", "y", "use", "alg", "kid"}


@pytest.fixture(scope="module")
def rsa() -> dict[str, Any]:
    """Return a key of the default algorithm, made once because RSA takes long."""
    members: dict[str, Any] = json.loads(generate_jwk("PS256", NOW))
    return members


def test_an_rsa_key_has_4096_bits_and_signs(rsa: dict[str, Any]) -> None:
    assert set(rsa) == {"kty", "n", "e", "d", "p", "q", "dp", "dq", "qi", "use", "alg", "kid", "iat"}
    assert (to_number(rsa["n"]).bit_length(), to_number(rsa["e"])) == (4096, 65537)
    assert to_number(rsa["p"]) * to_number(rsa["q"]) == to_number(rsa["n"])
    key = parse_signing_key(json.dumps(rsa))
    verify(key.sign({"typ": "JWT"}, {"iss": "client"}), key.public_jwk)
    assert (key.alg, key.kid, rsa["kid"]) == ("PS256", key.thumbprint, key_name(rsa))


@pytest.mark.parametrize("alg", CURVES)
def test_an_ec_key_is_on_its_algorithm_s_curve_and_signs(alg: str) -> None:
    text = generate_jwk(alg, NOW + 0.9)
    members, (curve, size) = json.loads(text), CURVES[alg]
    assert set(members) == {"kty", "crv", "x", "y", "d", "use", "alg", "kid", "iat"}
    assert [members[name] for name in ("kty", "crv", "use", "alg")] == ["EC", curve, "sig", alg]
    assert (members["iat"], members["kid"]) == (int(NOW), key_name(members))
    # RFC 7518 section 6.2.1.2: the octets of a coordinate keep their leading zeros.
    assert {len(members[name]) for name in ("x", "y", "d")} == {-(-size * 8 // 6)}
    key = parse_signing_key(text)
    verify(key.sign({"typ": "JWT"}, {"iss": "client"}), key.public_jwk)


def test_every_generated_key_is_new() -> None:
    assert len({json.loads(generate_jwk("ES256", NOW))["d"] for _ in range(20)}) == 20


def test_the_public_half_has_no_private_member(rsa: dict[str, Any]) -> None:
    assert set(public_half(json.dumps(rsa))) == {"kty", "n", "e", "use", "alg", "kid"}
    text = json.dumps({**json.loads(generate_jwk("ES256", NOW)), "oth": [], "secret": "hush", "exp": 5})
    assert set(public_half(text)) == EC_PUBLIC
    assert not PRIVATE_MEMBERS & EC_PUBLIC


def test_with_expiry_adds_exp_if_it_is_known() -> None:
    text = generate_jwk("ES256", NOW)
    assert parse_signing_key(with_expiry(text, int(NOW) + 5)).expires_at == int(NOW) + 5
    assert with_expiry(text, None) is text


def test_with_expiry_keeps_a_configuration_s_client() -> None:
    configuration = {"clientId": "c", "authority": "https://sts.example.no", "privateJwk": generate_jwk("ES256", NOW)}
    text = with_expiry(json.dumps(configuration), int(NOW) + 5)
    assert parse_signing_key(text, client_id="c", issuer="https://sts.example.no").expires_at == int(NOW) + 5
    for client_id, issuer in (("d", "https://sts.example.no"), ("c", "https://other.no")):
        with pytest.raises(SigningKeyError, match="The client configuration"):
            parse_signing_key(text, client_id=client_id, issuer=issuer)


def test_no_public_half_has_a_private_member_as_its_kid() -> None:
    members = json.loads(generate_jwk("ES256", NOW))
    with pytest.raises(SigningKeyError, match="has a private member in its kid"):
        public_half(json.dumps({**members, "kid": members["d"]}))
