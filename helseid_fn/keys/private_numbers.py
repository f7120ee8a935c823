"""The numbers of a private JWK, decoded and checked by arithmetic (RFC 7518 section 6). Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from helseid_fn.errors import SigningKeyError

MIN_RSA_BITS = 2048

# Arithmetic on larger numbers could take minutes. OpenSSL has the same limit for exponents.
MAX_RSA_BITS = 8192
MAX_EXPONENT_BITS = 64
MAX_BITS_WITHOUT_PRIMES = 4096

_COORDINATE_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66}


@dataclass(frozen=True, slots=True)
class RsaPrivate:
    """The numbers of an RSA private key. `primes` is None when the JWK has no p and q."""

    n: int
    e: int
    d: int = field(repr=False)
    primes: tuple[int, int] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class EcPrivate:
    """The numbers of an elliptic-curve private key."""

    curve: str
    x: int
    y: int
    d: int = field(repr=False)


def read_rsa(members: Mapping[str, Any]) -> RsaPrivate:
    """Read the numbers of an RSA key (RFC 7518 section 6.3).

    The arithmetic that ties n, e, d, p and q together is checked, but not that p and q are prime (docs/decisions/0002).
    `dp`, `dq` and `qi` are not read, since they follow from the others.

    Raises `SigningKeyError`.
    """
    if "oth" in members:
        raise SigningKeyError(
            "bad_member",
            "The private key at HELSEID_KEY has more than two primes (oth), which is not supported. Generate a new key.",
        )
    if ("p" in members) != ("q" in members):
        raise SigningKeyError(
            "bad_member", "The private key at HELSEID_KEY has only one of p and q. Store the whole private JWK."
        )
    n, e, d = (_read_number(members, name) for name in ("n", "e", "d"))
    _check_size(n, e)
    if "p" not in members:
        if n.bit_length() > MAX_BITS_WITHOUT_PRIMES:
            raise SigningKeyError(
                "bad_member",
                f"The private key at HELSEID_KEY has no p and q, which a key over {MAX_BITS_WITHOUT_PRIMES} bits must have. "
                "Store the whole private JWK.",
            )
        return RsaPrivate(n, e, d, None)
    p, q = _read_number(members, "p"), _read_number(members, "q")
    if p * q != n or min(p, q) < 3 or e * d % (p - 1) != 1 or e * d % (q - 1) != 1:
        raise SigningKeyError(
            "inconsistent",
            "The private key at HELSEID_KEY has numbers that do not match (n, e, d, p, q). Store the whole key again.",
        )
    return RsaPrivate(n, e, d, (p, q))


def read_ec(members: Mapping[str, Any], curve: str) -> EcPrivate:
    """Read the numbers of an elliptic-curve key (RFC 7518 section 6.2).

    Raises `SigningKeyError`.
    """
    x, y, d = (_read_number(members, name, size=_COORDINATE_BYTES[curve]) for name in ("x", "y", "d"))
    return EcPrivate(curve, x, y, d)


def _check_size(n: int, e: int) -> None:
    if n.bit_length() < MIN_RSA_BITS:
        raise SigningKeyError(
            "rsa_too_small",
            f"The RSA key at HELSEID_KEY has {n.bit_length()} bits, and HelseID requires at least {MIN_RSA_BITS}. "
            "Generate a key of 4096 bits.",
        )
    if n.bit_length() > MAX_RSA_BITS or e.bit_length() > MAX_EXPONENT_BITS:
        raise SigningKeyError(
            "bad_member",
            f"The RSA key at HELSEID_KEY has an n over {MAX_RSA_BITS} bits or an e over {MAX_EXPONENT_BITS} bits. "
            "Generate a key of 4096 bits.",
        )


def _read_number(members: Mapping[str, Any], name: str, size: int | None = None) -> int:
    """Decode a Base64urlUInt (RFC 7518 section 2), of exactly `size` bytes if one is given (section 6.2)."""
    value = members.get(name)
    octets = b""
    if isinstance(value, str) and value.isascii() and not set(value) & set("+/="):
        try:
            octets = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            octets = b""
    if not octets or (size is not None and len(octets) != size):
        raise SigningKeyError(
            "bad_member",
            f"The private key at HELSEID_KEY has no {name}, or one that is not a base64url number of the right length. "
            "Store the whole private JWK again.",
        )
    return int.from_bytes(octets, "big")
