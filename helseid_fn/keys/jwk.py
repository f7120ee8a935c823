"""Reads the members of a private JWK (RFC 7517). Pure.

Each fault has its own sentence, which names members of the JWK and never shows a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.document import KeyDocument, contains_private_member
from helseid_fn.keys.private_numbers import EcPrivate, RsaPrivate, read_ec, read_rsa

RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVE_OF_ALGORITHM = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
"""The algorithms of HelseID's profile ("Krav til kryptografi"), and the curve of each (RFC 7518 section 3.4)."""

_PROFILE = ", ".join((*RSA_ALGORITHMS, *CURVE_OF_ALGORITHM))
_LAST_SECOND = 253402300799  # the last second of the year 9999, the last that datetime can format
_MAX_KID_LENGTH = 500


@dataclass(frozen=True, slots=True)
class PrivateJwk:
    """A private JWK whose members match as far as arithmetic can show."""

    alg: str
    kid: str | None
    numbers: RsaPrivate | EcPrivate
    made_at: int | None = None
    expires_at: int | None = None
    """Its `iat` and `exp`, seconds since the epoch; None if the JWK does not have them."""


def read_jwk(document: KeyDocument) -> PrivateJwk:
    """Read the private JWK of a document.

    Raises `SigningKeyError`.
    """
    members = document.members
    kty = members.get("kty")
    if kty not in ("RSA", "EC"):
        raise SigningKeyError(
            "unknown_kty",
            "The kty of the private key at HELSEID_KEY is not RSA or EC. Use an RSA or an elliptic-curve key.",
        )
    if "d" not in members:
        raise SigningKeyError(
            "public_only",
            "The key at HELSEID_KEY has no d, so it is only the public half. "
            "Store the private JWK, and register this half at HelseID.",
        )
    _check_purpose(members)
    alg = _read_algorithm(members, kty)
    kid = _read_kid(members)
    numbers = read_rsa(members) if kty == "RSA" else read_ec(members, CURVE_OF_ALGORITHM[alg])
    return PrivateJwk(alg, kid, numbers, parse_numeric_date(members.get("iat")), parse_numeric_date(members.get("exp")))


def parse_numeric_date(value: object) -> int | None:
    """Parse a JWK's `iat` or `exp` (NumericDate of RFC 7519 section 2); None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 < value <= _LAST_SECOND else None


def _read_kid(members: dict[str, Any]) -> str | None:
    kid = members.get("kid")
    if kid is None:
        return None
    if not (isinstance(kid, str) and len(kid) <= _MAX_KID_LENGTH and _is_unicode(kid)):
        raise SigningKeyError(
            "bad_member",
            f"The private key at HELSEID_KEY has a kid that is not a string of at most {_MAX_KID_LENGTH} characters. "
            "Give it the kid that Selvbetjening shows.",
        )
    if contains_private_member(kid, members):
        raise SigningKeyError(
            "bad_member",
            "The private key at HELSEID_KEY has a private member in its kid, which would be sent and logged. "
            "Give it the kid that Selvbetjening shows.",
        )
    return kid


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _check_purpose(members: dict[str, Any]) -> None:
    if members.get("use", "sig") != "sig":
        raise SigningKeyError(
            "bad_member", 'The private key at HELSEID_KEY has a use other than "sig". Use a key that is meant for signing.'
        )
    key_ops = members.get("key_ops")
    if key_ops is not None and (not isinstance(key_ops, list) or "sign" not in key_ops):
        raise SigningKeyError(
            "bad_member", 'The private key at HELSEID_KEY has key_ops without "sign". Use a key that is meant for signing.'
        )


def _read_algorithm(members: dict[str, Any], kty: str) -> str:
    alg = members.get("alg")
    if alg is None:
        raise SigningKeyError(
            "no_alg",
            "The private key at HELSEID_KEY has no alg. "
            f"Add the alg that it is registered with at HelseID (one of {_PROFILE}).",
        )
    if not isinstance(alg, str) or (alg not in RSA_ALGORITHMS and alg not in CURVE_OF_ALGORITHM):
        raise SigningKeyError(
            "alg_not_in_profile",
            f"The private key at HELSEID_KEY has an alg outside HelseID's security profile. Use one of {_PROFILE}.",
        )
    if (kty == "RSA") != (alg in RSA_ALGORITHMS):
        raise SigningKeyError(
            "alg_does_not_fit",
            f"The private key at HELSEID_KEY has the alg {alg}, which does not fit its kty {kty}. "
            "Correct the alg to the one registered at HelseID.",
        )
    if kty == "EC" and members.get("crv") != CURVE_OF_ALGORITHM[alg]:
        raise SigningKeyError(
            "alg_does_not_fit",
            f"The private key at HELSEID_KEY has the alg {alg}, but its crv is not {CURVE_OF_ALGORITHM[alg]}. "
            "Correct the alg to the one registered at HelseID.",
        )
    return alg
