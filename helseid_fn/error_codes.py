"""Whom we talk to, and the codes of everything that can go wrong.

A code is a stable slug such as `helseid.refused.invalid_client`: a party or a subject, a class, and a reason of those below.
`docs/errors.md` explains every code.
"""

from __future__ import annotations

from enum import Enum


class Party(Enum):
    """Who we talk to. The value is the name for people, `slug` the one in codes."""

    SECRET_MANAGER = "secret manager"  # noqa: S105  # a name
    HELSEID = "HelseID"
    API = "API"
    SELVBETJENING = "Selvbetjening"
    DELIVERY = "delivery"

    @property
    def slug(self) -> str:
        """The party's name in error codes: `secret_manager`, `helseid`, `api`, `selvbetjening` or `delivery`."""
        return self.value.lower().replace(" ", "_")

    @property
    def in_text(self) -> str:
        """The party's name within a sentence: `HelseID`, `the API`, `the secret manager`, `the place of delivery`."""
        if self is Party.DELIVERY:
            return "the place of delivery"
        return self.value if self in (Party.HELSEID, Party.SELVBETJENING) else f"the {self.value}"

    @property
    def as_subject(self) -> str:
        """The party's name as a sentence begins: `HelseID`, `The API`, `The secret manager`."""
        return self.in_text[0].upper() + self.in_text[1:]


INVOCATION_REASONS = ("path", "cross_site", "method", "query", "event", "body", "member", "organization", "scope", "request")
SIGNING_KEY_REASONS = (
    "not_json",
    "pem",
    "not_a_key",
    "public_only",
    "unknown_kty",
    "rsa_too_small",
    "no_alg",
    "alg_not_in_profile",
    "alg_does_not_fit",
    "bad_member",
    "inconsistent",
    "weak_rsa",
    "another_client",
)
UNAVAILABLE_REASONS = (
    "connect",
    "dns",
    "timeout",
    "connection_lost",
    "tls",
    "proxy",
    "rate_limited",
    "server_error",
    "nonce",
)
ROTATION_REASONS = ("not_set_up", "event", "pending_unusable", "pending_not_ours", "current_key_refused", "new_key_refused")
_API_REFUSALS = (
    "invalid_token",
    "invalid_dpop_proof",
    "insufficient_scope",
    "unauthorized",
    "forbidden",
    "not_found",
    "redirect",
    "other",
)
REFUSED_REASONS = {
    Party.SECRET_MANAGER: ("not_found", "denied", "disabled", "unauthenticated", "bad_address", "too_large"),
    Party.HELSEID: (
        "invalid_client",
        "invalid_request",
        "invalid_scope",
        "invalid_grant",
        "invalid_target",
        "invalid_dpop_proof",
        "unauthorized_client",
        "unsupported_grant_type",
        "scope_not_granted",
        "other",
    ),
    Party.API: _API_REFUSALS,
    Party.SELVBETJENING: _API_REFUSALS,
    Party.DELIVERY: ("not_set_up", "not_found", "denied", "unauthenticated", "too_large", "overtaken", "name", "other"),
}
INVALID_RESPONSE_REASONS = {
    Party.SECRET_MANAGER: ("http", "checksum", "encoding"),
    Party.HELSEID: ("http", "too_large", "redirect", "nonce", "metadata", "issuer_mismatch", "token_response", "token_type"),
    Party.API: ("http", "too_large", "nonce", "body", "next_page"),
    Party.SELVBETJENING: ("http", "too_large", "nonce", "body"),
    Party.DELIVERY: ("http", "checksum", "cursor"),
}


FINAL_DELIVERY_REASONS = frozenset({"too_large", "overtaken", "name", "other"})
"""Of failures to deliver, those that no mending of the place helps; until another is mended, its event is not acknowledged."""


def every_code() -> tuple[str, ...]:
    """Return every code that a response or a log line can have."""
    codes = [f"invocation.{reason}" for reason in INVOCATION_REASONS]
    codes += ["settings.invalid", "job.failed", "function.internal_error"]
    codes += [f"signing_key.{reason}" for reason in SIGNING_KEY_REASONS]
    codes += [f"rotation.{reason}" for reason in ROTATION_REASONS]
    for party in Party:
        codes += [f"{party.slug}.unavailable.{reason}" for reason in UNAVAILABLE_REASONS]
        codes += [f"{party.slug}.refused.{reason}" for reason in REFUSED_REASONS[party]]
        codes += [f"{party.slug}.invalid_response.{reason}" for reason in INVALID_RESPONSE_REASONS[party]]
        codes.append(f"{party.slug}.deadline_exceeded")
    return tuple(codes)


def known_reason(reason: str, reasons: tuple[str, ...]) -> str:
    """Return the reason, which must be one of these."""
    if reason not in reasons:
        raise ValueError(f"the reason {reason!r} is not listed in error_codes.py")
    return reason
