"""Generates a client key that HelseID's profile accepts, as the text of a private JWK."""

from __future__ import annotations

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from helseid_fn.keys.document import parse_document
from helseid_fn.keys.jwk import CURVE_OF_ALGORITHM, read_jwk
from helseid_fn.keys.signing_key import CURVES, REQUIRED_MEMBERS, SigningKey

RSA_BITS = 4096


def generate_jwk(alg: str, now: float) -> str:
    """Generate a private JWK for an algorithm: RSA of 4096 bits, which takes about a second, or the algorithm's curve.

    Its `kid` is its RFC 7638 thumbprint. Its `iat` is `now`, in wall-clock seconds since the epoch.
    """
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if alg in CURVE_OF_ALGORITHM:
        key = ec.generate_private_key(CURVES[CURVE_OF_ALGORITHM[alg]]())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return json.dumps({**build_jwk(key, alg), "iat": int(now)})


def build_jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, alg: str, kid: str | None = None) -> dict[str, Any]:
    """Build the members of a private JWK for signing; its `kid` is its RFC 7638 thumbprint unless one is given."""
    members = jwt.get_algorithm_by_name(alg).to_jwk(key, as_dict=True)
    members.pop("key_ops", None)  # `use` says the same
    return {**members, "alg": alg, "use": "sig", "kid": kid or SigningKey(key, alg).thumbprint}


def with_expiry(text: str, expires_at: int | None) -> str:
    """Return a private JWK's text with its expiry, in seconds since the epoch, as `exp`; unchanged if it is unknown.

    Around the JWK of a client configuration its client id and its issuer stay, which are compared with the settings.
    """
    if expires_at is None:
        return text
    document = parse_document(text)
    jwk = json.dumps({**document.members, "exp": expires_at})
    around = {"authority": document.issuer, "clientId": document.client_id}
    known = {name: value for name, value in around.items() if value is not None}
    return json.dumps({**known, "privateJwk": jwk}) if known else jwk


def with_age(text: str, now: float) -> str:
    """Return a private JWK's text with `now`, in seconds since the epoch, as `iat`; unchanged if it has an `iat` or an `exp`.

    It is then at least known how long the key has been here, should nobody say when it expires.
    """
    members = parse_document(text).members
    return text if {"iat", "exp"} & members.keys() else json.dumps({**members, "iat": int(now)})


def public_half(text: str) -> dict[str, Any]:
    """Return the members of a private JWK that are registered at HelseID: the public ones, `use`, `alg` and `kid`.

    Raises `SigningKeyError` when it is no private JWK, or has a private member in its kid.
    """
    document = parse_document(text)
    read_jwk(document)
    members = document.members
    return {name: members[name] for name in (*REQUIRED_MEMBERS, "use", "alg", "kid") if name in members}
