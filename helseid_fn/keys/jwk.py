"""Parses a private JWK (RFC 7517). Pure.

Each fault has its own sentence, which names members of the JWK and never shows a value.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.private_numbers import EcPrivate, RsaPrivate, read_ec, read_rsa

RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVE_OF_ALGORITHM = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
"""The algorithms of HelseID's profile ("Krav til kryptografi"), and the curve of each (RFC 7518 section 3.4)."""

_PROFILE = ", ".join((*RSA_ALGORITHMS, *CURVE_OF_ALGORITHM))
_LAST_SECOND = 253402300799  # the last second of the year 9999, the last that datetime can format
_NOT_JSON = object()
_KID = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class PrivateJwk:
    """A private JWK whose members match as far as arithmetic can show."""

    alg: str
    kid: str | None
    numbers: RsaPrivate | EcPrivate
    made_at: int | None = None
    expires_at: int | None = None
    """Its `iat` and `exp`, seconds since the epoch; None if the JWK does not have them."""


def parse(text: str) -> PrivateJwk:
    """Parse the text of a private JWK; white space around it and a byte order mark are allowed.

    Raises `SigningKeyError`.
    """
    members = _parse_members(text.lstrip("\ufeff").strip())
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
    kid = members.get("kid")
    if kid is not None and not (isinstance(kid, str) and _KID.fullmatch(kid)):
        raise SigningKeyError(
            "bad_member",
            "The private key at HELSEID_KEY has a kid that is not a string of 1 to 200 visible ASCII characters. "
            "Give it the kid that Selvbetjening shows.",
        )
    numbers = read_rsa(members) if kty == "RSA" else read_ec(members, CURVE_OF_ALGORITHM[alg])
    return PrivateJwk(alg, kid, numbers, parse_numeric_date(members.get("iat")), parse_numeric_date(members.get("exp")))


def parse_numeric_date(value: object) -> int | None:
    """Parse a JWK's `iat` or `exp` (NumericDate of RFC 7519 section 2); None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 < value <= _LAST_SECOND else None


def _parse_members(text: str) -> dict[str, Any]:
    if text.startswith(("-----BEGIN", "LS0tLS1CRUdJTi")):  # PEM, and PEM in base64
        raise SigningKeyError(
            "pem",
            "The private key at HELSEID_KEY is PEM. Convert it to a private JWK as docs/keys-and-rotation.md describes.",
        )
    members = _load_json(text)
    if members is _NOT_JSON:
        raise SigningKeyError(
            "not_json", "The private key at HELSEID_KEY is not JSON. Store the private JWK itself, as one JSON object."
        )
    if isinstance(members, dict) and "keys" in members:
        raise SigningKeyError(
            "not_a_key", "The private key at HELSEID_KEY is a JWK set. Store one private JWK, without the set around it."
        )
    if not isinstance(members, dict):
        raise SigningKeyError(
            "not_a_key", "The private key at HELSEID_KEY is JSON but not an object. Store the private JWK itself, unquoted."
        )
    return members


def _load_json(text: str) -> Any:
    """Return a marker for text that is not JSON: the parser's exception contains the text, and must not be chained."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NOT_JSON


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
