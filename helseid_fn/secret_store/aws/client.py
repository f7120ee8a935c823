"""AWS's client for Secrets Manager, held to our deadline; imported only when an `arn:` address is used.

boto3 looks for credentials and waits for a drop of every answer as long as it likes, tries again by itself, and logs what it
receives; here all that is held to the deadline, counted and kept quiet.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from helseid_fn.concurrency import finish_in_time
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, Garbled, HelseidFnError, Party, Refused, Unreachable
from helseid_fn.http.failures import Loss, describe_loss, read_loss
from helseid_fn.http.retries import MAX_TRANSIENT_RETRIES, pause_seconds
from helseid_fn.http.url import find_fault
from helseid_fn.secret_store.aws.arn import AwsAddress
from helseid_fn.secret_store.aws.errors import NO_CREDENTIALS, explain
from helseid_fn.single_flight import Held

MAX_IDLE_SECONDS = 5.0
"""A connection that was kept for longer may have died while the instance slept, without a word that would be waited for."""

_PARTY = Party.SECRET_MANAGER

# What botocore makes of an answer that is JSON but not AWS's: it looks for members where there are none.
_UNREADABLE = (ResponseParserError, ValueError, TypeError, AttributeError, LookupError, RecursionError)

Outcome = TypeVar("Outcome")


class AwsSecrets:
    """Sends requests about one secret; safe for threads. The client is made at the first request and kept."""

    def __init__(
        self,
        address: AwsAddress,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Use `now`, wall-clock seconds, to tell how long the connections have idled: a sleeping instance has no other."""
        self._address = address
        self._sleep = sleep
        self._random = random
        self._now = now
        self._lock = threading.Lock()
        self._used_at = 0.0
        self._client: Held[Any] = Held()
        self._failed_client: Any = None

    def ask(
        self,
        operation: str,
        members: Mapping[str, Any],
        read: Callable[[dict[str, Any]], Outcome | None],
        deadline: Deadline,
        journal: Journal,
    ) -> Outcome:
        """Do one operation (`GetSecretValue`, ...) on the secret and return what is read of its answer.

        `read` returns None for an answer without what it must hold. Transient faults are retried at most twice, which every
        operation used here bears: a version is put under an id of ours, and a label moved where it is to be.

        Raises `Refused`, `Unreachable`, `Garbled` or `DeadlineExceeded`.
        """
        retries = 0
        while True:
            try:
                return self._ask_once(operation, members, read, deadline, journal)
            except (Unreachable, Garbled):
                pause = pause_seconds(retries, self._random())
                if retries == MAX_TRANSIENT_RETRIES or pause >= deadline.left_seconds():
                    raise
            self._sleep(pause)
            retries += 1

    def _ask_once(
        self,
        operation: str,
        members: Mapping[str, Any],
        read: Callable[[dict[str, Any]], Outcome | None],
        deadline: Deadline,
        journal: Journal,
    ) -> Outcome:
        client = self._client.get(self._is_usable, lambda: self._make_client(deadline), deadline, _PARTY)
        self._drop_idle_connections(client)
        timeout_seconds = min(deadline.check(_PARTY), deadline.share_seconds)
        with journal.request(_PARTY):
            try:
                answer = finish_in_time(lambda: self._send(client, operation, members), timeout_seconds, name="aws-secret")
            except TimeoutError as timeout:
                answer = timeout
        outcome = read(answer) if isinstance(answer, dict) else None
        if outcome is not None:
            journal.note_outcome(_PARTY, "ok")
            return outcome
        error = self._explain(answer, operation, client.meta.endpoint_url, timeout_seconds)
        reason = error.code.rpartition(".")[2]
        journal.note_outcome(_PARTY, reason)
        if reason in ("unauthenticated", "timeout"):
            self._failed_client = client  # a new one finds new credentials, and has the present deadline's timeouts
        deadline.check(_PARTY)
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
        """Return the answer's members, or what was raised in their place: its text may hold the answer."""
        try:
            return getattr(client, xform_name(operation))(SecretId=self._address.arn, **members)
        except (BotoCoreError, ClientError, *_UNREADABLE) as error:
            return error.with_traceback(None)

    def _explain(self, outcome: Any, operation: str, endpoint_url: str, waited_seconds: float) -> HelseidFnError:
        """Return the error that an answer without what it must hold, or what was raised in its place, amounts to."""
        if isinstance(outcome, ClientError) and outcome.operation_name == operation:
            told, status = outcome.response.get("Error", {}), outcome.response["ResponseMetadata"]["HTTPStatusCode"]
            if status >= 400:
                return explain(str(told.get("Code")), status, str(told.get("Message")), self._address, operation)
        elif isinstance(outcome, (NoConnection, HTTPClientError, TimeoutError)):
            loss = read_loss(getattr(outcome, "kwargs", {}).get("error", outcome))
            if loss.reason != "http":
                return Unreachable(_PARTY, loss.reason, f"{describe_loss(loss, _PARTY, endpoint_url, waited_seconds)}.")
        elif isinstance(outcome, (BotoCoreError, ClientError)):
            return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)
        return Garbled(_PARTY, "http", f"{describe_loss(Loss('http', acted=True), _PARTY, endpoint_url, waited_seconds)}.")

    def _make_client(self, deadline: Deadline) -> Any:
        """Make the client in a thread of its own: looking for credentials knows no deadline but ours."""

        def make() -> Any:
            try:
                return _make_client(self._address.region, deadline.share_seconds)
            except (BotoCoreError, ClientError, OSError):
                return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)
            except ValueError:
                detail = "The AWS endpoint or CA bundle is unusable; check AWS_ENDPOINT_URL_SECRETS_MANAGER and AWS_CA_BUNDLE."
                return Refused(_PARTY, "bad_address", detail)

        try:
            outcome = finish_in_time(make, deadline.check(_PARTY), name="aws-credentials")
        except TimeoutError:
            raise DeadlineExceeded(_PARTY, deadline.total_seconds) from None
        if isinstance(outcome, HelseidFnError):
            raise outcome
        return outcome


def _make_client(region: str, timeout_seconds: float) -> Any:
    session = boto3.session.Session()
    credentials = session.get_credentials()
    if credentials is None:
        return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)
    credentials.get_frozen_credentials()  # fetches them now, where they come from elsewhere
    config = Config(
        connect_timeout=timeout_seconds, read_timeout=timeout_seconds, retries={"total_max_attempts": 1, "mode": "standard"}
    )
    client = session.client("secretsmanager", region_name=region, config=config)
    fault = find_fault(client.meta.endpoint_url)
    if fault is not None:
        return Refused(_PARTY, "bad_address", f"The AWS endpoint {fault}; correct AWS_ENDPOINT_URL_SECRETS_MANAGER.")
    if client.meta.endpoint_url.startswith("http:"):
        # Without TLS there is only this very machine, and its traffic is no proxy's to see.
        client = session.client("secretsmanager", region_name=region, config=config.merge(Config(proxies={})))
    _keep_quiet()
    return client


def _keep_quiet() -> None:
    """Let boto3's loggers tell nothing below WARNING, whatever their level: at DEBUG they tell answers and session tokens."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("boto3", "botocore"):
            logging.getLogger(name).addFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


_keep_quiet()
