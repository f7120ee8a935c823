"""The errors, and what each means to the caller.

    HelseidFnError
      InvalidInvocation   the caller's input is wrong                              400; 404 for another path
      SettingsError       the deployment is wrong; it does not start               500
      SigningKeyError     the key cannot be used, and why                          500
      Unavailable         no response, 408, 421, 425, 429 or 5xx, after retries    503, retryable *
      DeadlineExceeded    the invocation's deadline passed                         504, retryable *
      Refused             a party said no                                          502 **
      InvalidResponse     a response breaks the protocol                           502 **
      RotationError       the key was not replaced, and why                        500
      InternalError       a defect of ours                                         500

* Final, and 502, for a request that is not idempotent and may have been processed.
** Retryable, and 503, where results go, if mending the place helps.

Each has its `code`, a stable slug such as `helseid.refused.invalid_client`, and what the code is made of as attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from helseid_fn import error_codes
from helseid_fn.error_codes import Party, known_reason


class HelseidFnError(Exception):
    """The base of every error of this package; `str()` of it is a sentence or two for the operator.

    `status` is the HTTP status of the party's response, if there was one, `retry_after_seconds` how long it asked us to wait.
    For the caller alone, never the log: `api_response`, what an API said, and `caller_detail`, a sentence with its own words.
    """

    http_status: int
    title: ClassVar[str]
    retryable: bool = False

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        party: Party | None = None,
        reason: str = "",
        status: int | None = None,
        api_response: dict[str, Any] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.party = party
        self.reason = reason
        self.status = status
        self.api_response = api_response
        self.retry_after_seconds = retry_after_seconds
        self.caller_detail = detail

    def without_traceback(self) -> Self:
        """Return the same error for another thread to raise, without the traceback, whose frames keep keys alive.

        `copy.copy` would call the constructors, which take other arguments than `args`.
        """
        error = type(self).__new__(type(self), *self.args)
        error.__dict__.update(self.__dict__)
        return error


class InvalidInvocation(HelseidFnError):
    """The caller's input is wrong; the sentence names the member, and for the caller what is wrong with it."""

    http_status, title = 400, "The invocation is not valid"

    def __init__(self, reason: str, detail: str, *, caller_detail: str = "") -> None:
        super().__init__(f"invocation.{known_reason(reason, error_codes.INVOCATION_REASONS)}", detail, reason=reason)
        self.caller_detail = caller_detail or detail
        self.http_status = 404 if reason == "path" else 400


class SettingsError(HelseidFnError):
    """The deployment is wrong; `faults` has one sentence for every bad variable."""

    http_status, title = 500, "The deployment is wrong"

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("settings.invalid", "The settings are wrong: " + "; ".join(faults) + ".", reason="invalid")
        self.faults = faults


class SigningKeyError(HelseidFnError):
    """The private key cannot be used; the sentence names members of the JWK, never their values."""

    http_status, title = 500, "The signing key cannot be used"

    def __init__(self, reason: str, detail: str) -> None:
        code = f"signing_key.{known_reason(reason, error_codes.SIGNING_KEY_REASONS)}"
        super().__init__(code, detail, party=Party.SECRET_MANAGER, reason=reason)


_CHECK_FIRST = "It may have processed the request, so look whether it did before you send it again."


class PartyError(HelseidFnError):
    """A party gave no usable response; `kind` is the middle part of its codes.

    `may_be_processed` says that the request is not idempotent and may have been processed, so nobody, platform or caller, may
    send it again unasked. `detail` is then what went wrong, without a remedy.
    """

    kind: ClassVar[str]
    reasons: ClassVar[Mapping[Party, tuple[str, ...]]]

    def __init__(
        self,
        party: Party,
        reason: str,
        detail: str,
        *,
        status: int | None = None,
        api_response: dict[str, Any] | None = None,
        retry_after_seconds: int | None = None,
        may_be_processed: bool = False,
    ) -> None:
        super().__init__(
            f"{party.slug}.{self.kind}.{known_reason(reason, self.reasons[party])}",
            f"{detail} {_CHECK_FIRST}" if may_be_processed else detail,
            party=party,
            reason=reason,
            status=status,
            api_response=api_response,
            retry_after_seconds=None if may_be_processed else retry_after_seconds,
        )
        if may_be_processed:
            self.retryable, self.http_status = False, 502
        elif party is Party.DELIVERY and reason not in error_codes.FINAL_DELIVERY_REASONS:
            self.retryable, self.http_status = True, 503


class Unavailable(PartyError):
    """No response, or a 408, 421, 425, 429 or 5xx, after the bounded retries; trying again later can help."""

    http_status = 503
    title = "A party is unavailable"
    retryable = True
    kind = "unavailable"
    reasons = dict.fromkeys(Party, error_codes.UNAVAILABLE_REASONS)


class DeadlineExceeded(HelseidFnError):
    """The invocation's deadline passed while it waited for this party; `may_be_processed` as for a `PartyError`."""

    http_status = 504
    title = "The invocation's deadline passed"
    retryable = True

    def __init__(self, party: Party, deadline_seconds: float, *, may_be_processed: bool = False) -> None:
        what = f"{party.as_subject} did not respond before the invocation's {round(deadline_seconds, 3):g} s deadline."
        remedy = "Check its status; if it is merely slow, raise DEADLINE_SECONDS and the host's timeout."
        detail = f"{what} {_CHECK_FIRST if may_be_processed else remedy}"
        super().__init__(f"{party.slug}.deadline_exceeded", detail, party=party, reason="deadline_exceeded")
        if may_be_processed:
            self.retryable, self.http_status = False, 502


class Refused(PartyError):
    """The party said no, in its own words; the same request is refused again, until its cause is mended."""

    http_status, title = 502, "A party refused the request"
    kind = "refused"
    reasons = error_codes.REFUSED_REASONS


class InvalidResponse(PartyError):
    """The party's response breaks the protocol."""

    http_status = 502
    title = "A party's response breaks the protocol"
    kind = "invalid_response"
    reasons = error_codes.INVALID_RESPONSE_REASONS


class RotationError(HelseidFnError):
    """The client key was not replaced; the current key stays in use."""

    http_status, title = 500, "The key was not replaced"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"rotation.{known_reason(reason, error_codes.ROTATION_REASONS)}", detail, reason=reason)


class InternalError(HelseidFnError):
    """A defect of ours, caught by the last line of defence in `function/app.py`."""

    http_status, title = 500, "The function has a defect"

    def __init__(self) -> None:
        detail = "The function has a defect. Find the log line with this invocation's id and report its stack trace."
        super().__init__("function.internal_error", detail, reason="internal_error")
