"""Reading and verifying compact JWS (RFC 7515) with joserfc, a library the function under test does not use."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""What HelseID accepts, for assertions and proofs (`dpop_signing_alg_values_supported` in its metadata)."""

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
SMALLEST_RSA_BITS = 2048

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


class MalformedError(ValueError):
    """Not a compact JWS whose header and payload are JSON objects."""


class WeakKeyError(ValueError):
    """Not an RSA or EC key of a size and curve that can be trusted."""


def _registry() -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    # joserfc stops at 512 bytes, which is less than a header that carries an RSA key.
    registry.max_header_length = 8192
    return registry


REGISTRY = _registry()


@dataclass(frozen=True)
class ReadJws:
    """A compact JWS taken apart and not yet verified."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]


def read(text: str) -> ReadJws:
    """Take a compact JWS apart without trusting any of it."""
    if not _SHAPE.fullmatch(text):
        message = "not three base64url parts with dots between"
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
    """Load the public half of a JWK; refuse what is weak or not asymmetric (RFC 7518 section 6)."""
    shown = {name: value for name, value in jwk.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    try:
        if jwk.get("kty") == "RSA":
            return _strong_rsa(shown)
        if jwk.get("kty") == "EC" and jwk.get("crv") in ("P-256", "P-384", "P-521"):
            return ECKey.import_key(shown)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise WeakKeyError(str(error)) from error
    message = "neither an RSA key nor an EC key on P-256, P-384 or P-521"
    raise WeakKeyError(message)


def _strong_rsa(jwk: dict[str, Any]) -> RSAKey:
    # The size is read off the modulus first: joserfc only warns, and a warning is an error in the tests.
    if len(str(jwk.get("n", ""))) * 6 < SMALLEST_RSA_BITS:
        message = f"an RSA key of fewer than {SMALLEST_RSA_BITS} bits"
        raise WeakKeyError(message)
    return RSAKey.import_key(jwk)


def verifies(token: ReadJws, key: RSAKey | ECKey) -> bool:
    """Tell whether the signature is this key's, under the header's own algorithm."""
    try:
        jws.deserialize_compact(token.text, key, registry=REGISTRY)
    except (JoseError, ValueError):
        return False
    return True


def thumbprint(jwk: dict[str, Any]) -> str:
    """Compute the key's RFC 7638 thumbprint, base64url without padding."""
    return str(public_key(jwk).thumbprint())


def key_name(jwk: Mapping[str, Any]) -> str:
    """Name a key by its thumbprint, even one that is no good."""
    try:
        return thumbprint(dict(jwk))
    except ValueError:
        return "unreadable"


def sign(header: dict[str, Any], claims: dict[str, Any], key: RSAKey | ECKey) -> str:
    """Sign claims as a compact JWS."""
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, registry=REGISTRY)
