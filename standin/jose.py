"""Parses and verifies compact JWSs (RFC 7515) with joserfc, which the function under test does not use."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""The algorithms HelseID accepts for assertions and proofs (`dpop_signing_alg_values_supported` in its metadata)."""

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
MIN_RSA_BITS = 2048

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


class MalformedError(ValueError):
    """The text is not a compact JWS whose header and payload are JSON objects."""


class WeakKeyError(ValueError):
    """The JWK is not an RSA or EC key of an accepted size or curve."""


def _registry() -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    # joserfc's limit is 512 bytes, which is too little for a header with an RSA key.
    registry.max_header_length = 8192
    return registry


REGISTRY = _registry()


@dataclass(frozen=True)
class ReadJws:
    """A parsed compact JWS, not verified."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]


def read(text: str) -> ReadJws:
    """Parse a compact JWS without verifying it."""
    if not _SHAPE.fullmatch(text):
        message = "the text is not three base64url parts separated by dots"
        raise MalformedError(message)
    try:
        parts = jws.extract_compact(text.encode(), registry=REGISTRY)
        claims = json.loads(parts.payload)
    except (JoseError, ValueError) as error:
        raise MalformedError(str(error)) from error
    header: Any = parts.headers()
    if not isinstance(header, dict) or not isinstance(claims, dict):
        message = "the header or the payload is not a JSON object"
        raise MalformedError(message)
    return ReadJws(text, header, claims)


def public_key(jwk: dict[str, Any]) -> RSAKey | ECKey:
    """Return the public key of a JWK (RFC 7518 section 6); raises `WeakKeyError` for weak and symmetric keys."""
    public = {name: value for name, value in jwk.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    try:
        if jwk.get("kty") == "RSA":
            return _load_rsa(public)
        if jwk.get("kty") == "EC" and jwk.get("crv") in ("P-256", "P-384", "P-521"):
            return ECKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise WeakKeyError(str(error)) from error
    message = "the JWK is neither an RSA key nor an EC key on P-256, P-384 or P-521"
    raise WeakKeyError(message)


def _load_rsa(jwk: dict[str, Any]) -> RSAKey:
    # joserfc only warns about small keys.
    if len(str(jwk.get("n", ""))) * 6 < MIN_RSA_BITS:
        message = f"the RSA key has fewer than {MIN_RSA_BITS} bits"
        raise WeakKeyError(message)
    return RSAKey.import_key(jwk)


def verifies(token: ReadJws, key: RSAKey | ECKey) -> bool:
    """Return whether the signature verifies with this key and the header's algorithm."""
    try:
        jws.deserialize_compact(token.text, key, registry=REGISTRY)
    except (JoseError, ValueError):
        return False
    return True


def thumbprint(jwk: dict[str, Any]) -> str:
    """Return the RFC 7638 thumbprint, base64url without padding."""
    return str(public_key(jwk).thumbprint())


def key_name(jwk: Mapping[str, Any]) -> str:
    """Return the thumbprint, or `unreadable` for an invalid key."""
    try:
        return thumbprint(dict(jwk))
    except ValueError:
        return "unreadable"


def sign(header: dict[str, Any], claims: dict[str, Any], key: RSAKey | ECKey) -> str:
    """Return a signed compact JWS."""
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, registry=REGISTRY)
