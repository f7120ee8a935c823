"""Keys in the shapes that other tools and consoles write: the order of members, the additional ones, what is around them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.signing_key import parse_signing_key
from standin import make_jwk

Members = dict[str, Any]
RSA = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
MICROSOFT = (
    *("alg", "crv", "d", "dp", "dq", "e", "k", "key_ops", "kid", "kty", "n", "oth", "p", "q", "qi", "use", "x", "x5c"),
    *("x5t", "x5t#S256", "x5u", "y"),
)
EMPTY_LISTS: Members = {"key_ops": [], "oth": [], "x5c": []}
VAULT = "https://vault.example/keys/helseid/0a1b2c"


def arranged(names: tuple[str, ...], alg: str = "PS256", **more: Any) -> Members:
    """Return a key with these members in this order; a member that the key lacks is null."""
    members = {**make_jwk(alg), **more}
    return {name: members.get(name) for name in names}


SHAPES = {
    "mkjwk.org": arranged(("p", "kty", "q", "d", "e", "use", "kid", "qi", "dp", "alg", "dq", "n")),
    "mkjwk.org, elliptic curve": arranged(("kty", "d", "use", "crv", "kid", "x", "y", "alg"), "ES256"),
    "Azure Key Vault, with the alg added": arranged(
        ("kid", "kty", "key_ops", *RSA, "alg"),
        kid=VAULT,
        key_ops=["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
    ),
    "Azure's JsonWebKey": arranged(
        ("kid", "kty", "key_ops", "n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "key_hsm", "crv", "x", "y", "alg"), key_ops=[]
    ),
    "Microsoft's JsonWebKey": arranged(MICROSOFT, use=None, **EMPTY_LISTS),
    "Microsoft's JsonWebKey, elliptic curve": arranged(MICROSOFT, "ES512", **EMPTY_LISTS),
    "the Web Crypto API": {"key_ops": ["sign"], "ext": True, **arranged(("kty", *RSA, "alg"))},
    "the AWS console's keys and values": {name: str(value) for name, value in make_jwk("PS256").items()},
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_key_in_another_tools_shape_is_taken(name: str) -> None:
    members = SHAPES[name]
    plain = make_jwk(members["alg"])
    key = parse_signing_key(json.dumps(members, indent=2))
    assert (key.alg, key.thumbprint) == (plain["alg"], parse_signing_key(json.dumps(plain)).thumbprint)


@pytest.mark.parametrize(
    ("members", "reason", "words"),
    [
        (arranged(("kid", "kty", "key_ops", *RSA), key_ops=["sign"]), "no_alg", "has no alg. Add the alg"),
        (
            {"key": arranged(("kid", "kty", *RSA)), "attributes": {"enabled": True}},
            "not_a_key",
            "a JWK inside another object",
        ),
        ({**make_jwk("PS256"), "kty": "RSA-HSM", "d": None}, "unknown_kty", "is not RSA or EC"),
        ({"keys": [make_jwk("PS256")]}, "not_a_key", "is a JWK set"),
        ({"helseid-key": json.dumps(make_jwk("PS256"))}, "not_a_key", "a JWK inside another object"),
        (
            {name[0].upper() + name[1:]: value for name, value in SHAPES["Microsoft's JsonWebKey"].items()},
            "not_a_key",
            "not in small letters",
        ),
    ],
    ids=["Azure Key Vault", "Azure's response", "Azure's HSM", "mkjwk.org's set", "the AWS console", "PascalCase of .NET"],
)
def test_a_shape_that_is_no_key_is_named(members: Members, reason: str, words: str) -> None:
    with pytest.raises(SigningKeyError, match=words) as raised:
        parse_signing_key(json.dumps(members))
    assert raised.value.reason == reason
