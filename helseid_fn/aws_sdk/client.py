"""AWS's clients within our deadline; imported only when an address on AWS is used.

By itself boto3 looks for credentials and waits for each byte as long as it likes, and retries. Here all of that ends at the
deadline and is counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from botocore import xform_name
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ParamValidationError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from helseid_fn.aws_sdk.errors import NO_CREDENTIALS
from helseid_fn.aws_sdk.session import Service, make_client
from helseid_fn.cloud_sdk import load_within_deadline, retry_transient
from helseid_fn.concurrency import SingleFlight, run_with_timeout
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused, Unavailable
from helseid_fn.http.failures import Failure, classify_failure, describe_failure

MAX_IDLE_SECONDS = 5.0
"""A connection that idled longer may be dead, since the instance may have been frozen; it would cost a timeout to find out."""

# What botocore raises for a response that is JSON but not AWS's.
_UNREADABLE = (ResponseParserError, ValueError, TypeError, AttributeError, LookupError, RecursionError)

Result = TypeVar("Result")

Explain = Callable[[str, int, str], HelseidFnError]
"""Returns the error that AWS's code, the HTTP status and AWS's message mean."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[Result]):
    """One operation (`GetSecretValue`, ...): what is sent, how its response is read, and what its refusals mean."""

    name: str
    members: Callable[[str], Mapping[str, Any]]
    """Returns the request's members for an endpoint's URL, anew for each attempt: a body is read once."""
    read: Callable[[dict[str, Any]], Result | None]
    """Returns the result, or None for a response without what it must have; may raise our errors. The time limit bounds it."""
    explain: Explain


class AwsClient:
    """Sends requests to one service; safe for threads. The SDK's client is made at the first request and kept."""

    def __init__(
        self,
        service: Service,
        region: str | None,
        *,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take `now`, wall-clock seconds, to measure how long connections were idle: a frozen instance has no other clock.

        Without a region it is the environment's.
        """
        self._service = service
        self._party = service.party
        self._region = region
        self._sleep = sleep
        self._random = random
        self._now = now
        self._lock = threading.Lock()
        self._used_at = 0.0
        self._client: SingleFlight[Any] = SingleFlight()
        self._failed_client: Any = None

    def request(self, operation: Operation[Result], ctx: Context, *, is_large: bool = False) -> Result:
        """Do the operation and return what its `read` returns.

        Transient failures are retried at most twice, so an operation must be repeatable. A large request may take as long as
        the deadline leaves, as long as its bytes keep flowing.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`.
        """

        def attempt() -> Result:
            return self._request_once(operation, ctx, is_large=is_large)

        return retry_transient(attempt, ctx, sleep=self._sleep, random=self._random)

    def _request_once(self, operation: Operation[Result], ctx: Context, *, is_large: bool) -> Result:
        client = self._client.get(self._is_usable, lambda: self._make_client(ctx), ctx, self._party)
        self._drop_idle_connections(client)
        left_seconds = ctx.check(self._party)
        timeout_seconds = left_seconds if is_large else min(left_seconds, ctx.attempt_seconds)
        with ctx.request(self._party):
            try:
                outcome = run_with_timeout(lambda: _send(client, operation), timeout_seconds, name=f"aws-{self._service.name}")
            except TimeoutError as timeout:
                outcome = timeout
        if isinstance(outcome, tuple) and outcome[0] is not None:
            ctx.note_outcome(self._party, "ok")
            return outcome[0]
        error = self._explain(outcome, operation, client.meta.endpoint_url, timeout_seconds)
        ctx.note_outcome(self._party, error.reason)
        if error.reason in ("unauthenticated", "timeout"):
            self._failed_client = client  # a new one finds new credentials, and takes the present deadline's timeouts
        ctx.check(self._party)
        raise error

    def _drop_idle_connections(self, client: Any) -> None:
        with self._lock:
            now = self._now()
            if not 0 <= now - self._used_at <= MAX_IDLE_SECONDS:
                client.close()  # the next request opens a new one
            self._used_at = now

    def _is_usable(self, client: Any) -> bool:
        return client is not self._failed_client

    def _explain(self, outcome: Any, operation: Operation[Any], endpoint_url: str, waited_seconds: float) -> HelseidFnError:
        """Return the error that an unusable response, or an exception, means."""
        party, failure = self._party, Failure("http", processed=True)
        if isinstance(outcome, HelseidFnError):
            return outcome
        if isinstance(outcome, ClientError) and outcome.operation_name == operation.name:
            error, status = outcome.response.get("Error", {}), outcome.response["ResponseMetadata"]["HTTPStatusCode"]
            if status >= 400:
                return operation.explain(str(error.get("Code")), status, str(error.get("Message")))
        elif isinstance(outcome, IncompleteReadError):
            failure = Failure("connection_lost", processed=True)
        elif isinstance(outcome, (NoConnection, HTTPClientError, TimeoutError)):
            failure = classify_failure(getattr(outcome, "kwargs", {}).get("error", outcome), phases_known=False)
        elif isinstance(outcome, FlexibleChecksumError):
            return InvalidResponse(party, "checksum", f"{party.as_subject}'s response does not match its checksum. Try again.")
        elif isinstance(outcome, ParamValidationError):
            detail = f"boto3 refuses the members of {operation.name}. Report it as a defect, with the versions installed."
            return Refused(party, self._service.misfit, detail)
        elif isinstance(outcome, (BotoCoreError, ClientError)):
            return Refused(party, "unauthenticated", NO_CREDENTIALS)
        detail = " ".join(describe_failure(failure, party, endpoint_url, waited_seconds))
        return (
            InvalidResponse(party, "http", detail) if failure.reason == "http" else Unavailable(party, failure.reason, detail)
        )

    def _make_client(self, ctx: Context) -> Any:
        """Make the client, or raise why it cannot be made."""

        def make() -> Any:
            try:
                return make_client(self._service, self._region, ctx.attempt_seconds)
            except (BotoCoreError, ClientError, OSError):
                return Refused(self._party, "unauthenticated", NO_CREDENTIALS)
            except ValueError:
                variables = f"{self._service.endpoint_variable} and AWS_CA_BUNDLE"
                detail = f"The AWS endpoint or CA bundle is unusable. Check {variables}."
                return Refused(self._party, self._service.misfit, detail)

        return load_within_deadline(make, ctx, name="aws-credentials", party=self._party)


def _send(client: Any, operation: Operation[Result]) -> tuple[Result | None] | Exception:
    """Return what the response is read as, or the exception, without its traceback: its text may contain the response."""
    try:
        response = getattr(client, xform_name(operation.name))(**operation.members(client.meta.endpoint_url))
        return (operation.read(response) if isinstance(response, dict) else None,)
    except (HelseidFnError, BotoCoreError, ClientError, *_UNREADABLE) as error:
        return error.with_traceback(None)
