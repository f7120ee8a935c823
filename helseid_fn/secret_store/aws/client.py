"""AWS's client for Secrets Manager within our deadline; imported only when an `arn:` address is used.

By itself boto3 looks for credentials and waits for each byte as long as it likes, retries, and logs what it receives. Here
all of that ends at the deadline, is counted, and stays out of the log.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from helseid_fn.cloud_sdk import load_within_deadline, retry_transient
from helseid_fn.concurrency import SingleFlight, run_with_timeout
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused, Unavailable
from helseid_fn.http.failures import Failure, classify_failure, describe_failure
from helseid_fn.http.url import find_url_fault
from helseid_fn.secret_store.aws.arn import SecretArn
from helseid_fn.secret_store.aws.errors import NO_CREDENTIALS, explain

MAX_IDLE_SECONDS = 5.0
"""A connection that idled longer may be dead, since the instance may have been frozen; it would cost a timeout to find out."""

_PARTY = Party.SECRET_MANAGER

# What botocore raises for a response that is JSON but not AWS's.
_UNREADABLE = (ResponseParserError, ValueError, TypeError, AttributeError, LookupError, RecursionError)

Result = TypeVar("Result")


class AwsClient:
    """Sends requests about one secret; safe for threads. The SDK's client is made at the first request and kept."""

    def __init__(
        self,
        arn: SecretArn,
        *,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """Take `now`, wall-clock seconds, to measure how long connections were idle: a frozen instance has no other clock."""
        self._arn = arn
        self._sleep = sleep
        self._random = random
        self._now = now
        self._lock = threading.Lock()
        self._used_at = 0.0
        self._client: SingleFlight[Any] = SingleFlight()
        self._failed_client: Any = None

    def request(
        self,
        operation: str,
        members: Mapping[str, Any],
        read: Callable[[dict[str, Any]], Result | None],
        ctx: Context,
    ) -> Result:
        """Do one operation (`GetSecretValue`, ...) on the secret and return what `read` returns for its response.

        `read` returns None for a response without what it must have. Transient failures are retried at most twice; every
        operation used here is idempotent, since versions are stored under our own id and labels moved to a named version.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`.
        """

        def attempt() -> Result:
            return self._request_once(operation, members, read, ctx)

        return retry_transient(attempt, ctx, sleep=self._sleep, random=self._random)

    def _request_once(
        self,
        operation: str,
        members: Mapping[str, Any],
        read: Callable[[dict[str, Any]], Result | None],
        ctx: Context,
    ) -> Result:
        client = self._client.get(self._is_usable, lambda: self._make_client(ctx), ctx, _PARTY)
        self._drop_idle_connections(client)
        timeout_seconds = min(ctx.check(_PARTY), ctx.attempt_seconds)
        with ctx.request(_PARTY):
            try:
                response = run_with_timeout(lambda: self._send(client, operation, members), timeout_seconds, name="aws-secret")
            except TimeoutError as timeout:
                response = timeout
        result = read(response) if isinstance(response, dict) else None
        if result is not None:
            ctx.note_outcome(_PARTY, "ok")
            return result
        error = self._explain(response, operation, client.meta.endpoint_url, timeout_seconds)
        ctx.note_outcome(_PARTY, error.reason)
        if error.reason in ("unauthenticated", "timeout"):
            self._failed_client = client  # a new one finds new credentials, and takes the present deadline's timeouts
        ctx.check(_PARTY)
        raise error

    def _drop_idle_connections(self, client: Any) -> None:
        with self._lock:
            now = self._now()
            if not 0 <= now - self._used_at <= MAX_IDLE_SECONDS:
                client.close()  # the next request opens a new one
            self._used_at = now

    def _is_usable(self, client: Any) -> bool:
        return client is not self._failed_client

    def _send(self, client: Any, operation: str, members: Mapping[str, Any]) -> Any:
        """Return the response's members, or the exception, without its traceback: its text may contain the response."""
        try:
            return getattr(client, xform_name(operation))(SecretId=self._arn.arn, **members)
        except (BotoCoreError, ClientError, *_UNREADABLE) as error:
            return error.with_traceback(None)

    def _explain(self, response: Any, operation: str, endpoint_url: str, waited_seconds: float) -> HelseidFnError:
        """Return the error that an unusable response, or an exception, means."""
        if isinstance(response, ClientError) and response.operation_name == operation:
            error, status = response.response.get("Error", {}), response.response["ResponseMetadata"]["HTTPStatusCode"]
            if status >= 400:
                return explain(str(error.get("Code")), status, str(error.get("Message")), self._arn, operation)
        elif isinstance(response, (NoConnection, HTTPClientError, TimeoutError)):
            failure = classify_failure(getattr(response, "kwargs", {}).get("error", response), phases_known=False)
            if failure.reason != "http":
                detail = " ".join(describe_failure(failure, _PARTY, endpoint_url, waited_seconds))
                return Unavailable(_PARTY, failure.reason, detail)
        elif isinstance(response, (BotoCoreError, ClientError)):
            return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)
        not_http = Failure("http", processed=True)
        return InvalidResponse(_PARTY, "http", " ".join(describe_failure(not_http, _PARTY, endpoint_url, waited_seconds)))

    def _make_client(self, ctx: Context) -> Any:
        """Make the client, or raise why it cannot be made."""

        def make() -> Any:
            try:
                return _make_client(self._arn.region, ctx.attempt_seconds)
            except (BotoCoreError, ClientError, OSError):
                return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)
            except ValueError:
                detail = "The AWS endpoint or CA bundle is unusable. Check AWS_ENDPOINT_URL_SECRETS_MANAGER and AWS_CA_BUNDLE."
                return Refused(_PARTY, "bad_address", detail)

        return load_within_deadline(make, ctx, name="aws-credentials")


def _make_client(region: str, timeout_seconds: float) -> Any:
    session = boto3.session.Session()
    credentials = session.get_credentials()
    if credentials is None:
        return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)
    credentials.get_frozen_credentials()  # fetches them now, if they come from elsewhere
    config = Config(
        connect_timeout=timeout_seconds, read_timeout=timeout_seconds, retries={"total_max_attempts": 1, "mode": "standard"}
    )
    client = session.client("secretsmanager", region_name=region, config=config)
    fault = find_url_fault(client.meta.endpoint_url)
    if fault is not None:
        return Refused(_PARTY, "bad_address", f"The AWS endpoint {fault}. Correct AWS_ENDPOINT_URL_SECRETS_MANAGER.")
    if client.meta.endpoint_url.startswith("http:"):
        # Without TLS it is this machine, whose traffic must not go through a proxy.
        client = session.client("secretsmanager", region_name=region, config=config.merge(Config(proxies={})))
    _keep_quiet()
    return client


def _keep_quiet() -> None:
    """Silence boto3's loggers below WARNING, whatever their level: at DEBUG they log responses and session tokens."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("boto3", "botocore"):
            logging.getLogger(name).addFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


_keep_quiet()
