"""A new client key as HelseID's profile wants it, as the text of a private JWK, and its public half; pure but for chance."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from helseid_fn.keys.jwk import CURVE_OF_ALGORITHM
from helseid_fn.keys.signing_key import CURVES, thumbprint

RSA_BITS = 4096

_REQUIRED = ("kty", "n", "e", "crv", "x", "y")
_REGISTERED = (*_REQUIRED, "use", "alg", "kid")


def generate_jwk(alg: str, now: float) -> str:
    """Return a new private JWK for an algorithm: RSA of 4096 bits, or the curve that belongs to it.

    Its `kid` is its RFC 7638 thumbprint, and `iat` when it was made: `now`, in wall-clock seconds. RSA takes about a second.
    """
    members = _generate_ec(CURVE_OF_ALGORITHM[alg]) if alg in CURVE_OF_ALGORITHM else _generate_rsa()
    required = {name: value for name, value in members.items() if name in _REQUIRED}
    return json.dumps({**members, "alg": alg, "use": "sig", "kid": thumbprint(required), "iat": int(now)})


def with_expiry(text: str, expires_at: int | None) -> str:
    """Return a private JWK's text with its expiry, in seconds since the epoch, as `exp`; as it is when none is known."""
    return text if expires_at is None else json.dumps({**json.loads(text), "exp": expires_at})


def public_half(text: str) -> dict[str, Any]:
    """Return what is registered of a private JWK: the public members, `use`, `alg` and `kid`."""
    members = json.loads(text)
    return {name: members[name] for name in _REGISTERED if name in members}


def _generate_rsa() -> dict[str, str]:
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS).private_numbers()
    public = numbers.public_numbers
    named = {"n": public.n, "e": public.e, "d": numbers.d, "p": numbers.p, "q": numbers.q}
    named |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
    return {"kty": "RSA", **{name: _encode(number, (number.bit_length() + 7) // 8) for name, number in named.items()}}


def _generate_ec(curve: str) -> dict[str, str]:
    key = ec.generate_private_key(CURVES[curve]())
    numbers, size = key.private_numbers(), (key.key_size + 7) // 8
    named = {"x": numbers.public_numbers.x, "y": numbers.public_numbers.y, "d": numbers.private_value}
    return {"kty": "EC", "crv": curve, **{name: _encode(number, size) for name, number in named.items()}}


def _encode(number: int, size: int) -> str:
    return urlsafe_b64encode(number.to_bytes(size, "big")).rstrip(b"=").decode("ascii")
