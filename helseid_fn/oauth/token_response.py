"""What the token endpoint granted (RFC 6749 section 5.1, RFC 9449 section 5); pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused
from helseid_fn.http.messages import Response
from helseid_fn.keys.expiry import KeyExpiry
from helseid_fn.keys.signing_key import SigningKey

# b64token of RFC 6750 section 2.1: anything else would break the Authorization header.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


MAX_LIFETIME_SECONDS = 10**9
MAX_MARGIN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Grant:
    """A token, its scopes and its lifetime."""

    value: str = field(repr=False)
    scopes: frozenset[str]
    lifetime_seconds: int


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Token:
    """An access token with the key that it is bound to; `repr` never shows its value.

    `requested_at` is wall-clock seconds, taken before the request, so that the token never ends later than HelseID means.
    `clock_seconds_ahead` is by how much our clock was ahead of HelseID's, None if unknown. The other members describe the
    client key and the assertion for the log.
    """

    value: str = field(repr=False)
    proof_key: SigningKey
    scopes: frozenset[str]
    lifetime_seconds: int
    requested_at: float
    client_kid: str | None
    client_key_thumbprint: str
    assertion_jti: str
    client_key_expiry: KeyExpiry | None = None
    clock_seconds_ahead: int | None = None

    @property
    def expires_at(self) -> float:
        """When it expires, in wall-clock seconds.

        A JWT's times are whole seconds: HelseID cuts off the fraction of its own before it adds the lifetime.
        """
        return int(self.requested_at) + self.lifetime_seconds

    def is_fresh(self, now: float) -> bool:
        """Return whether it may still be used: it has more than 30 s left, or a tenth of its lifetime if that is less."""
        return now < self.expires_at - min(MAX_MARGIN_SECONDS, self.lifetime_seconds / 10)


def is_token_error(response: Response) -> bool:
    """Return whether the response is an OAuth error; a non-empty `error` (RFC 6749 section 5.2) makes it one at any status."""
    error = response.json_members().get("error")
    return 400 <= response.status < 500 or (isinstance(error, str) and error != "")


def parse_grant(response: Response, requested: frozenset[str]) -> Grant:
    """Parse a successful response to a request for these scopes.

    Raises `InvalidResponse` when it breaks the protocol and `Refused` when a requested scope is not granted.
    """
    members = response.json_members()
    if response.status != 200:
        reason = "redirect" if 300 <= response.status < 400 else "token_response"
        detail = f"HelseID's token endpoint responded with {response.status}. Check HELSEID_ISSUER."
        raise InvalidResponse(Party.HELSEID, reason, detail, status=response.status)
    value, expires_in = members.get("access_token"), members.get("expires_in")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise _invalid("access_token")
    if str(members.get("token_type")).lower() != "dpop":
        raise InvalidResponse(
            Party.HELSEID,
            "token_type",
            "HelseID issued a token that is not bound to our key (token_type is not DPoP), so it is not used. "
            "Require DPoP for the client in Selvbetjening.",
        )
    if isinstance(expires_in, bool) or not isinstance(expires_in, int) or not 0 < expires_in <= MAX_LIFETIME_SECONDS:
        raise _invalid("expires_in")
    return Grant(value, _granted_scopes(members.get("scope"), members.get("rejected_scope"), requested), expires_in)


def _granted_scopes(scope: object, rejected_scope: object, requested: frozenset[str]) -> frozenset[str]:
    """Return the granted scopes; an absent `scope` means the requested ones (RFC 6749 section 5.1)."""
    if scope is None:
        granted = requested
    elif isinstance(scope, str):
        granted = frozenset(scope.split())
    else:
        raise _invalid("scope")
    if not isinstance(rejected_scope, str | None):
        raise _invalid("rejected_scope")
    rejected = frozenset((rejected_scope or "").split())
    missing = (requested - granted) | (requested & rejected)
    if missing:
        raise Refused(
            Party.HELSEID,
            "scope_not_granted",
            f"HelseID did not grant the scope {' '.join(sorted(missing))}. Check in Selvbetjening that the client has it, and "
            "that the organization has accepted the API's terms of use.",
        )
    return granted


def _invalid(member: str) -> InvalidResponse:
    return InvalidResponse(
        Party.HELSEID,
        "token_response",
        f"HelseID's token response has no usable {member}. Check HELSEID_ISSUER, and for a proxy or gateway in between.",
    )
