"""The client assertion, with which the client authenticates (RFC 7523; HelseID: "Bruk av client assertion"); pure."""

from __future__ import annotations

from typing import Any

from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.oauth.organization import Organization, build_details

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

LIFETIME_SECONDS = 5
"""HelseID refuses an `exp` more than 10 s ahead: with 5 s our clock may be as far ahead as behind."""

BACKDATE_SECONDS = 5
"""HelseID refuses a `nbf` ahead of its own clock."""


def build_client_assertion(
    key: SigningKey, *, client_id: str, issuer: str, organization: Organization, now: float, jti: str
) -> str:
    """Build and sign a client assertion for one HTTP request; HelseID accepts each `jti` once, nonce rounds included.

    `issuer` is the one in the metadata and becomes the only audience; `now` is seconds since the epoch.
    """
    header = {"typ": "client-authentication+jwt"}
    if key.kid is not None:
        header["kid"] = key.kid
    issued_at = int(now)
    claims: dict[str, Any] = {
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "iat": issued_at,
        "nbf": issued_at - BACKDATE_SECONDS,
        "exp": issued_at + LIFETIME_SECONDS,
        "jti": jti,
    }
    details = build_details(organization)
    if details is not None:
        claims["assertion_details"] = details
    return key.sign(header, claims)
