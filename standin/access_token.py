"""HelseID's access tokens (RFC 9068, except that `scope` is a list): issued and checked."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standin import jose
from standin.clients import Client
from standin.issuer_key import issuer_key
from standin.organizations import Organization

_CLAIMS = "helseid://claims/client/"


@dataclass(frozen=True)
class Grant:
    """What HelseID grants a token request."""

    client: Client
    organization: Organization
    scopes: Sequence[str]
    audiences: Sequence[str]
    thumbprint: str


def issue(grant: Grant, issuer: str, now: float, lifetime_seconds: int) -> str:
    """Return a signed access token that is bound to the proof's key (RFC 9449 section 6.1)."""
    signing = issuer_key()
    header = {"alg": "RS256", "kid": signing.kid, "x5t": signing.x5t, "typ": "at+jwt"}
    issued = int(now)
    claims: dict[str, Any] = {
        "iss": issuer,
        "nbf": issued,
        "iat": issued,
        "exp": issued + lifetime_seconds,
        "aud": grant.audiences[0] if len(grant.audiences) == 1 else list(grant.audiences),
        "cnf": {"jkt": grant.thumbprint},
        "scope": list(grant.scopes),
        "client_id": grant.client.client_id,
        "client_amr": "private_key_jwt",
        **_client_claims(grant),
        "jti": secrets.token_hex(16).upper(),
    }
    return jose.sign(header, claims, signing.key)


def _client_claims(grant: Grant) -> dict[str, str]:
    organization = grant.organization
    claims = {
        f"{_CLAIMS}client_tenancy": grant.client.tenancy,
        f"{_CLAIMS}claims/orgnr_parent": organization.parent,
        f"{_CLAIMS}claims/orgnr_child": organization.child,
        f"{_CLAIMS}claims/orgnr_supplier": organization.supplier,
        "nhn:sfm:journal-id": organization.sfm_journal_id,
        f"{_CLAIMS}client_name": grant.client.name,
    }
    return {name: value for name, value in claims.items() if value is not None}


@dataclass(frozen=True)
class TokenRules:
    """What a token is checked against (HelseID, "validering av access token")."""

    issuer: str
    audience: str
    leeway_seconds: float = 0


def find_token_fault(token: jose.ReadJws, rules: TokenRules, now: float) -> str | None:
    """Return what is wrong with a token, or None if it is valid."""
    header, claims = token.header, token.claims
    checks: tuple[tuple[bool, str], ...] = (
        (header.get("alg") != "RS256", "the token's alg is not RS256"),
        (header.get("typ") not in ("at+jwt", "JWT"), "the token's typ is neither at+jwt nor JWT"),
        (not jose.verifies(token, issuer_key().key), "the token's signature is not HelseID's"),
        (claims.get("iss") != rules.issuer, "the token's iss is not HelseID"),
        (_audiences(claims) != [rules.audience], "the token's aud is not exactly this API"),
        (not _is_time(claims.get("exp")), "the token has no exp"),
        (not _is_time(claims.get("nbf")), "the token has no nbf"),
    )
    wrong = next((detail for failed, detail in checks if failed), None)
    return wrong or _find_time_fault(claims, rules.leeway_seconds, now)


def _find_time_fault(claims: Mapping[str, Any], leeway: float, now: float) -> str | None:
    if now >= claims["exp"] + leeway:
        return "the token has expired"
    return "the token is not valid yet" if now < claims["nbf"] - leeway else None


def _is_time(value: object) -> bool:
    return type(value) is int


def _audiences(claims: Mapping[str, Any]) -> list[Any]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def organization_numbers(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the three organization numbers under the Sample API's names."""
    return {
        f"{role}OrganizationNumber": claims.get(f"{_CLAIMS}claims/orgnr_{role}") for role in ("parent", "child", "supplier")
    }
