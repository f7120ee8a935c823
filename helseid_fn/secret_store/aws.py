"""AWS Secrets Manager, through boto3; imported only when an `arn:` address is read and no extension served it.

boto3 looks for credentials and waits for a drop of every answer as long as it likes, tries again by itself, and logs what it
receives; here all that is held to the deadline, counted and kept quiet.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, Garbled, HelseidFnError, Party, Refused, Unreachable
from helseid_fn.held import Held
from helseid_fn.in_time import finish_in_time
from helseid_fn.journal import Journal
from helseid_fn.losses import Loss, describe_loss, read_loss
from helseid_fn.retries import MAX_TRANSIENT_RETRIES, pause_seconds
from helseid_fn.secret_store.aws_address import AwsAddress
from helseid_fn.secret_store.aws_faults import NO_CREDENTIALS, explain
from helseid_fn.secret_store.payload import decode_payload
from helseid_fn.web_address import find_fault

_PARTY = Party.SECRET_MANAGER
_OPERATION = "GetSecretValue"

# What botocore makes of an answer that is JSON but not AWS's: it looks for members where there are none.
_UNREADABLE = (ResponseParserError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


class AwsReader:
    """Reads one version of a secret anew at every call; safe for threads. The client is made at the first call and kept."""

    def __init__(
        self,
        address: AwsAddress,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._address = address
        self._sleep = sleep
        self._random = random
        self._client: Held[Any] = Held()
        self._failed_client: Any = None

    def __call__(self, deadline: Deadline, journal: Journal) -> str:
        """Read the secret's text; at most two retries of transient faults.

        Raises `Refused`, `Unreachable`, `Garbled` or `DeadlineExceeded`.
        """
        retries = 0
        while True:
            try:
                payload = self._read(deadline, journal)
                break
            except (Unreachable, Garbled):
                pause = pause_seconds(retries, self._random())
                if retries == MAX_TRANSIENT_RETRIES or pause >= deadline.left_seconds():
                    raise
            self._sleep(pause)
            retries += 1
        return decode_payload(payload)

    def _read(self, deadline: Deadline, journal: Journal) -> bytes:
        client = self._client.get(self._is_usable, lambda: self._make_client(deadline), deadline, _PARTY)
        timeout_seconds = min(deadline.check(_PARTY), deadline.share_seconds)
        with journal.request(_PARTY):
            try:
                outcome = finish_in_time(lambda: self._ask(client), timeout_seconds, name="aws-secret")
            except TimeoutError as timeout:
                outcome = timeout
        payload = _payload_of(outcome)
        if payload is not None:
            journal.note_outcome(_PARTY, "ok")
            return payload
        error = self._explain(outcome, client.meta.endpoint_url, timeout_seconds)
        reason = error.code.rpartition(".")[2]
        journal.note_outcome(_PARTY, reason)
        if reason in ("unauthenticated", "timeout"):
            self._failed_client = client  # a new one finds new credentials, and has the present deadline's timeouts
        deadline.check(_PARTY)
        raise error

    def _is_usable(self, client: Any) -> bool:
        return client is not self._failed_client

    def _ask(self, client: Any) -> Any:
        """Return the answer's members, or what was raised in their place: its text may hold the answer."""
        names = {"versionStage": "VersionStage", "versionId": "VersionId"}
        version = {names[name]: value for name, value in self._address.version.items()}
        try:
            return client.get_secret_value(SecretId=self._address.arn, **version)
        except (BotoCoreError, ClientError, *_UNREADABLE) as error:
            return error.with_traceback(None)

    def _explain(self, outcome: Any, endpoint_url: str, waited_seconds: float) -> HelseidFnError:
        """Return the error that an answer without a secret, or what was raised in its place, amounts to."""
        if isinstance(outcome, ClientError) and outcome.operation_name == _OPERATION:
            told, status = outcome.response.get("Error", {}), outcome.response["ResponseMetadata"]["HTTPStatusCode"]
            return explain(str(told.get("Code")), status, str(told.get("Message")), self._address)
        if isinstance(outcome, (NoConnection, HTTPClientError, TimeoutError)):
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


def _payload_of(outcome: Any) -> bytes | None:
    """Return what an answer holds as `SecretString` or `SecretBinary`; None when it is no answer, or holds neither."""
    if not isinstance(outcome, dict):
        return None
    text, binary = outcome.get("SecretString"), outcome.get("SecretBinary")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    return binary if isinstance(binary, bytes) else None


def _keep_quiet() -> None:
    """Let boto3's loggers tell nothing below WARNING, whatever their level: at DEBUG they tell answers and session tokens."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("boto3", "botocore"):
            logging.getLogger(name).addFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


_keep_quiet()
