"""A private JWK, taken apart and checked number by number (RFC 7517, RFC 7518 section 6); pure.

Every fault gets its own sentence, which names members of the JWK and never shows a value.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.expiry import parse_numeric_date

RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVE_OF_ALGORITHM = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
"""The profile's algorithms (HelseID: Krav til kryptografi); the curve belongs to the algorithm (RFC 7518 section 3.4)."""

MIN_RSA_BITS = 2048

# Larger ones would keep the processor busy for minutes. OpenSSL, too, takes no longer exponents.
MAX_RSA_BITS = 8192
MAX_EXPONENT_BITS = 64
MAX_BITS_WITHOUT_PRIMES = 4096

_NOT_JSON = object()
_KID = re.compile(r"[!-~]{1,200}")
_COORDINATE_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66}


@dataclass(frozen=True, slots=True)
class RsaPrivate:
    """The numbers of an RSA private key; `primes` is None when the JWK has only `d`."""

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


@dataclass(frozen=True, slots=True)
class PrivateJwk:
    """A private JWK whose members are known to fit together as far as arithmetic can tell."""

    alg: str
    kid: str | None
    numbers: RsaPrivate | EcPrivate
    made_at: int | None = None
    expires_at: int | None = None
    """Its `iat` and `exp`, seconds since the epoch, where it has them."""


def parse(text: str) -> PrivateJwk:
    """Parse the text of a private JWK; white space around it and a byte order mark are forgiven.

    Raises `SigningKeyError` with a sentence of its own for every fault.
    """
    members = _members(text.lstrip("\ufeff").strip())
    kty = members.get("kty")
    if kty not in ("RSA", "EC"):
        _refuse("unknown_kty", "its kty is not RSA or EC; HelseID takes RSA and elliptic-curve keys only")
    if "d" not in members:
        _refuse("public_only", "it is only the public half (no d); store the private JWK, and register this half at HelseID")
    _check_purpose(members)
    alg = _algorithm(members, kty)
    kid = members.get("kid")
    if kid is not None and not (isinstance(kid, str) and _KID.fullmatch(kid)):
        _refuse("bad_member", "its kid is not a string of visible characters; give it the kid that Selvbetjening shows")
    numbers = _rsa(members) if kty == "RSA" else _ec(members, CURVE_OF_ALGORITHM[alg])
    return PrivateJwk(alg, kid, numbers, parse_numeric_date(members.get("iat")), parse_numeric_date(members.get("exp")))


def _members(text: str) -> dict[str, Any]:
    if text.startswith(("-----BEGIN", "LS0tLS1CRUdJTi")):  # the second is the first in base64
        _refuse("pem", "it is PEM; convert it to a private JWK with the command that the README gives under The key")
    members = _load_json(text)
    if members is _NOT_JSON:
        _refuse("not_json", "it is not JSON; store the private JWK itself, as one JSON object")
    if isinstance(members, dict) and "keys" in members:
        _refuse("not_a_key", "it is a JWK set; store the one private JWK that is to be used, without the set around it")
    if not isinstance(members, dict):
        _refuse("not_a_key", "it is JSON but not an object; store the private JWK itself, unquoted")
    return members


def _load_json(text: str) -> Any:
    """Return a mark for what is not JSON: the parser's exception holds the text, and must not become another's context."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _check_purpose(members: dict[str, Any]) -> None:
    if members.get("use", "sig") != "sig":
        _refuse("bad_member", 'its use is not "sig"; use a key made for signing')
    key_ops = members.get("key_ops")
    if key_ops is not None and (not isinstance(key_ops, list) or "sign" not in key_ops):
        _refuse("bad_member", 'its key_ops do not hold "sign"; use a key made for signing')


def _algorithm(members: dict[str, Any], kty: str) -> str:
    profile = ", ".join((*RSA_ALGORITHMS, *CURVE_OF_ALGORITHM))
    alg = members.get("alg")
    if alg is None:
        _refuse("no_alg", f"it has no alg; add the one it is registered with at HelseID (one of {profile})")
    if not isinstance(alg, str) or (alg not in RSA_ALGORITHMS and alg not in CURVE_OF_ALGORITHM):
        _refuse("alg_not_in_profile", f"its alg is not in HelseID's security profile; use one of {profile}")
    if (kty == "RSA") != (alg in RSA_ALGORITHMS):
        _refuse("alg_does_not_fit", f"its alg {alg} does not fit its kty {kty}; correct the alg to the registered one")
    if kty == "EC" and members.get("crv") != CURVE_OF_ALGORITHM[alg]:
        _refuse(
            "alg_does_not_fit",
            f"its alg {alg} wants the curve {CURVE_OF_ALGORITHM[alg]}, which its crv is not; correct the alg",
        )
    return alg


def _rsa(members: dict[str, Any]) -> RsaPrivate:
    if "oth" in members:
        _refuse("bad_member", "it has more than two primes (oth), which is not supported; make a new key")
    if ("p" in members) != ("q" in members):
        _refuse("bad_member", "it has one of p and q without the other; store the whole private JWK")
    n, e, d = (_number(members, name) for name in ("n", "e", "d"))
    if n.bit_length() < MIN_RSA_BITS:
        _refuse(
            "rsa_too_small", f"its RSA modulus is {n.bit_length()} bits; HelseID wants {MIN_RSA_BITS} or more (prefer 4096)"
        )
    if n.bit_length() > MAX_RSA_BITS or e.bit_length() > MAX_EXPONENT_BITS:
        _refuse(
            "bad_member", f"its n or e is larger than that of any key in use ({MAX_RSA_BITS} bits); make a key of 4096 bits"
        )
    if "p" not in members:
        if n.bit_length() > MAX_BITS_WITHOUT_PRIMES:
            _refuse(
                "bad_member", "it is large and has no p and q, which would take seconds to find; store the whole private JWK"
            )
        return RsaPrivate(n, e, d, None)
    p, q = _number(members, "p"), _number(members, "q")
    # Stands in for OpenSSL's prime check (signing_key.py tells why).
    if p * q != n or min(p, q) < 3 or e * d % (p - 1) != 1 or e * d % (q - 1) != 1:
        _refuse("inconsistent", "its members do not belong together (n, e, d, p, q); store the key again, whole")
    return RsaPrivate(n, e, d, (p, q))


def _ec(members: dict[str, Any], curve: str) -> EcPrivate:
    x, y, d = (_number(members, name, size=_COORDINATE_BYTES[curve]) for name in ("x", "y", "d"))
    return EcPrivate(curve, x, y, d)


def _number(members: dict[str, Any], name: str, size: int | None = None) -> int:
    """Read a Base64urlUInt (RFC 7518 section 2), of exactly `size` bytes where one is given (section 6.2)."""
    value = members.get(name)
    octets = b""
    if isinstance(value, str) and value.isascii() and not set(value) & set("+/="):
        try:
            octets = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            octets = b""
    if not octets or (size is not None and len(octets) != size):
        _refuse("bad_member", f"its member {name} is missing or is not a base64url number of the right length")
    return int.from_bytes(octets, "big")


def _refuse(reason: str, fault: str) -> NoReturn:
    raise SigningKeyError(reason, f"The private key at HELSEID_KEY cannot be used: {fault}.")
