"""The errors, and what each means to the caller.

    HelseidFnError
      BadInvocation       the caller's input is wrong                          400
      SettingsError       the deployment is wrong; it does not start           500
      SigningKeyError     the key cannot be used, and why                      500
      Unreachable         no answer, 429 or 5xx, after the bounded retries     503, retryable
      DeadlineExceeded    the invocation's time was up                         504, retryable
      Refused             a party said no                                      502
      Garbled             an answer breaks the protocol                        502
      RotationError       the key was not replaced, and why                    500
      Crashed             a defect of ours                                     500

Each has a `code`, a stable slug such as `helseid.refused.invalid_client`; the `..._REASONS` below list every last part that a
code can have, and the README explains every code. `str(error)` is one sentence that names the remedy and holds no secret.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar, Self


class Party(Enum):
    """Who we talk to. The value is the name for people, `slug` the one in codes."""

    SECRET_MANAGER = "secret manager"  # noqa: S105  # a name
    HELSEID = "HelseID"
    API = "API"
    SELVBETJENING = "Selvbetjening"

    @property
    def slug(self) -> str:
        """The party's name in error codes: `secret_manager`, `helseid`, `api` or `selvbetjening`."""
        return self.value.lower().replace(" ", "_")

    @property
    def in_text(self) -> str:
        """The party's name within a sentence: `HelseID`, `the API`, `the secret manager`."""
        return self.value if self in (Party.HELSEID, Party.SELVBETJENING) else f"the {self.value}"

    @property
    def as_subject(self) -> str:
        """The party's name as a sentence begins: `HelseID`, `The API`, `The secret manager`."""
        return self.in_text[0].upper() + self.in_text[1:]


INVOCATION_REASONS = ("method", "query", "body", "member", "organization", "scope", "request")
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
)
UNREACHABLE_REASONS = (
    "connect",
    "dns",
    "timeout",
    "connection_lost",
    "tls",
    "proxy",
    "rate_limited",
    "server_error",
)
ROTATION_REASONS = ("not_set_up", "event", "pending_unusable", "current_key_refused", "new_key_refused")
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
}
GARBLED_REASONS = {
    Party.SECRET_MANAGER: ("http", "checksum", "encoding"),
    Party.HELSEID: ("http", "too_large", "redirect", "nonce", "metadata", "issuer_mismatch", "token_answer", "token_type"),
    Party.API: ("http", "too_large", "nonce", "body"),
    Party.SELVBETJENING: ("http", "too_large", "nonce", "body"),
}


class HelseidFnError(Exception):
    """What every error of this package is; `str()` of it is a sentence for the operator."""

    http_status: ClassVar[int]
    title: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, detail: str, *, party: Party | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.party = party
        self.api_answer: dict[str, Any] | None = None
        """For an API that answered other than 2xx: its `status` and `body`."""
        self.retry_after_seconds: int | None = None
        """When the party itself said how long to wait."""

    def twin(self) -> Self:
        """Return the same error for another thread to raise, without the traceback, whose frames keep keys alive.

        `copy.copy` would call the constructors, which take other arguments than `args`.
        """
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin


class BadInvocation(HelseidFnError):
    """The caller's input is wrong; the sentence names the member."""

    http_status = 400
    title = "The invocation is not valid"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"invocation.{_known(reason, INVOCATION_REASONS)}", detail)


class SettingsError(HelseidFnError):
    """The deployment is wrong; `faults` holds one sentence for every bad variable."""

    http_status = 500
    title = "The deployment is wrong"

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("settings.invalid", "The settings are wrong: " + "; ".join(faults) + ".")
        self.faults = faults


class SigningKeyError(HelseidFnError):
    """The private key cannot be used; the sentence names members of the JWK, never their values."""

    http_status = 500
    title = "The signing key cannot be used"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"signing_key.{_known(reason, SIGNING_KEY_REASONS)}", detail, party=Party.SECRET_MANAGER)


class Unreachable(HelseidFnError):
    """No answer, a 429 or a 5xx, after the bounded retries; trying again later can help."""

    http_status = 503
    title = "A party could not be reached"
    retryable = True

    def __init__(self, party: Party, reason: str, detail: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(f"{party.slug}.unreachable.{_known(reason, UNREACHABLE_REASONS)}", detail, party=party)
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceeded(HelseidFnError):
    """The invocation's time was up while this party was waited for."""

    http_status = 504
    title = "The invocation's time was up"
    retryable = True

    def __init__(self, party: Party, deadline_seconds: float) -> None:
        detail = (
            f"{party.as_subject} took longer than the {round(deadline_seconds, 3):g} s that the invocation has; look at how "
            "it is doing, and raise DEADLINE_SECONDS, and the host's own timeout above it, if it is only slow."
        )
        super().__init__(f"{party.slug}.deadline_exceeded", detail, party=party)


class Refused(HelseidFnError):
    """The party said no, in its own words; the same request will be refused again."""

    http_status = 502
    title = "A party refused the request"

    def __init__(self, party: Party, reason: str, detail: str) -> None:
        super().__init__(f"{party.slug}.refused.{_known(reason, REFUSED_REASONS[party])}", detail, party=party)


class Garbled(HelseidFnError):
    """The party's answer breaks the protocol."""

    http_status = 502
    title = "A party's answer breaks the protocol"

    def __init__(self, party: Party, reason: str, detail: str) -> None:
        super().__init__(f"{party.slug}.garbled.{_known(reason, GARBLED_REASONS[party])}", detail, party=party)


class RotationError(HelseidFnError):
    """The client key was not replaced; the one in use stays in use."""

    http_status = 500
    title = "The key was not replaced"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"rotation.{_known(reason, ROTATION_REASONS)}", detail)


class Crashed(HelseidFnError):
    """A defect of ours, caught by the last line of defence in `main.py`."""

    http_status = 500
    title = "The function has a defect"

    def __init__(self) -> None:
        detail = (
            "The function failed as it never should; look in its log for the invocation's id, and report what stands there."
        )
        super().__init__("function.crashed", detail)


def every_code() -> tuple[str, ...]:
    """Return every code that an answer or a log line can hold."""
    codes = [f"invocation.{reason}" for reason in INVOCATION_REASONS]
    codes += ["settings.invalid", "function.crashed"]
    codes += [f"signing_key.{reason}" for reason in SIGNING_KEY_REASONS]
    codes += [f"rotation.{reason}" for reason in ROTATION_REASONS]
    for party in Party:
        codes += [f"{party.slug}.unreachable.{reason}" for reason in UNREACHABLE_REASONS]
        codes += [f"{party.slug}.refused.{reason}" for reason in REFUSED_REASONS[party]]
        codes += [f"{party.slug}.garbled.{reason}" for reason in GARBLED_REASONS[party]]
        codes.append(f"{party.slug}.deadline_exceeded")
    return tuple(codes)


def _known(reason: str, reasons: tuple[str, ...]) -> str:
    if reason not in reasons:
        raise ValueError(f"the reason {reason!r} is not listed in errors.py")
    return reason
