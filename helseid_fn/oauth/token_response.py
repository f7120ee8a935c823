"""What HelseID's token endpoint granted (RFC 6749 section 5.1, RFC 9449 section 5); pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from helseid_fn.errors import Garbled, Party, Refused
from helseid_fn.http.messages import Answer
from helseid_fn.keys.signing_key import SigningKey

# b64token of RFC 6750 section 2.1: anything else would break the Authorization header.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


MAX_LIFETIME_SECONDS = 10**9


@dataclass(frozen=True, slots=True)
class Grant:
    """What the token endpoint gave: a token, its scopes and its lifetime."""

    value: str = field(repr=False)
    scopes: frozenset[str]
    lifetime_seconds: int


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with the key that it is bound to; its value never shows.

    `requested_at` is wall-clock seconds, from before the token was asked for: it never ends later than HelseID means. Of the
    client key and the assertion that earned it, it knows what the log tells.
    """

    value: str = field(repr=False)
    proof_key: SigningKey
    scopes: frozenset[str]
    lifetime_seconds: int
    requested_at: float
    client_kid: str | None
    client_key_thumbprint: str
    assertion_jti: str
    client_key_expires_at: int | None = None

    @property
    def expires_at(self) -> float:
        """When it ends, in wall-clock seconds.

        A JWT's times are whole seconds: HelseID cuts off the fraction of its own before it adds the lifetime.
        """
        return int(self.requested_at) + self.lifetime_seconds


def is_refusal(answer: Answer) -> bool:
    """Tell whether the answer is an OAuth error; an `error` member makes it one even at status 200."""
    return 400 <= answer.status < 500 or "error" in answer.json_members()


def parse_grant(answer: Answer, asked: frozenset[str]) -> Grant:
    """Parse a successful answer to a request for these scopes.

    Raises `Garbled` when it breaks the protocol and `Refused` when a scope that was asked for is not granted.
    """
    members = answer.json_members()
    if answer.status != 200:
        reason = "redirect" if 300 <= answer.status < 400 else "token_answer"
        detail = f"HelseID's token endpoint answered with status {answer.status}; check HELSEID_ISSUER."
        raise Garbled(Party.HELSEID, reason, detail)
    value, expires_in = members.get("access_token"), members.get("expires_in")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise _garbled("access_token")
    if str(members.get("token_type")).lower() != "dpop":
        raise Garbled(
            Party.HELSEID,
            "token_type",
            "HelseID answered with a token that is not bound to our key (token_type is not DPoP), and it is not used; "
            "require DPoP for the client in Selvbetjening.",
        )
    if isinstance(expires_in, bool) or not isinstance(expires_in, int) or not 0 < expires_in <= MAX_LIFETIME_SECONDS:
        raise _garbled("expires_in")
    return Grant(value, _granted_scopes(members.get("scope"), members.get("rejected_scope"), asked), expires_in)


def _granted_scopes(scope: object, rejected_scope: object, asked: frozenset[str]) -> frozenset[str]:
    """Return the granted scopes; an absent `scope` means those that were asked for (RFC 6749 section 5.1)."""
    if scope is None:
        granted = asked
    elif isinstance(scope, str):
        granted = frozenset(scope.split())
    else:
        raise _garbled("scope")
    if not isinstance(rejected_scope, str | None):
        raise _garbled("rejected_scope")
    rejected = frozenset((rejected_scope or "").split())
    missing = (asked - granted) | (asked & rejected)
    if missing:
        raise Refused(
            Party.HELSEID,
            "scope_not_granted",
            f"HelseID gave a token without the scope {' '.join(sorted(missing))}; check in Selvbetjening that the client has "
            "it, and that the organization has signed the API's terms of use.",
        )
    return granted


def _garbled(member: str) -> Garbled:
    return Garbled(
        Party.HELSEID,
        "token_answer",
        f"HelseID's token answer has no {member} that can be used; check HELSEID_ISSUER and what stands between it and us.",
    )
