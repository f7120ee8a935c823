"""Google's Secret Manager client, held to our deadline; imported only when a `projects/...` address is used.

Left to itself it would retry for up to 60 s, and look for credentials as long as it likes.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import google_crc32c
import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from helseid_fn.concurrency import finish_in_time
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, Garbled, Party, Refused, Unreachable
from helseid_fn.http.retries import MAX_TRANSIENT_RETRIES, pause_seconds
from helseid_fn.http.url import is_loopback
from helseid_fn.secret_store.google.errors import NO_ANSWER, NO_CREDENTIALS, Access, explain

# At DEBUG the client logs what it receives, the private key included.
logging.getLogger(SecretManagerServiceGrpcTransport.__module__).setLevel(logging.WARNING)

# Channels share connections by default, and a new one would take over the wait of the one that failed.
_OWN_CONNECTIONS = ("grpc.use_local_subchannel_pool", 1)

_PARTY = Party.SECRET_MANAGER

Outcome = TypeVar("Outcome")

Work = Callable[[SecretManagerServiceClient, float], Outcome]
"""One request with the client, and the seconds that it may take."""


class GoogleSecrets:
    """Sends requests to Secret Manager; safe for threads. The client is made at the first request and kept."""

    def __init__(
        self,
        location: str | None,
        endpoint: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        """Keep where secrets are: a location for regional ones, or another endpoint than Google's, as `host:port`."""
        self._location = location
        self._endpoint = endpoint
        self._sleep = sleep
        self._random = random
        self._lock = threading.Lock()
        self._client: SecretManagerServiceClient | None = None

    def ask(
        self,
        work: Work[Outcome],
        name: str,
        deadline: Deadline,
        journal: Journal,
        *,
        access: Access = Access.READ,
        repeatable: bool = True,
    ) -> Outcome:
        """Do one request about the secret or version of this name; what is repeatable is retried at most twice.

        Raises `Refused`, `Unreachable`, `Garbled` or `DeadlineExceeded`.
        """
        retries = 0
        while True:
            try:
                return self._ask_once(work, name, deadline, journal, access)
            except (Unreachable, Garbled):
                pause = pause_seconds(retries, self._random())
                if not repeatable or retries == MAX_TRANSIENT_RETRIES or pause >= deadline.left_seconds():
                    raise
            self._sleep(pause)
            retries += 1

    def _ask_once(self, work: Work[Outcome], name: str, deadline: Deadline, journal: Journal, access: Access) -> Outcome:
        client = self._open_client(deadline)
        timeout_seconds = min(deadline.check(_PARTY), deadline.share_seconds)
        with journal.request(_PARTY):
            try:
                outcome = work(client, timeout_seconds)
            except Garbled as error:
                journal.note_outcome(_PARTY, error.code.rpartition(".")[2])
                raise
            except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
                status = getattr(getattr(error, "grpc_status_code", None), "name", "UNAVAILABLE")
                journal.note_outcome(_PARTY, status)
                self._forget_client(client)
                deadline.check(_PARTY)
                raise explain(status, name, access, words=str(error)) from None
        journal.note_outcome(_PARTY, "ok")
        return outcome

    def _open_client(self, deadline: Deadline) -> SecretManagerServiceClient:
        """Return the client, made in a thread of its own: looking for credentials knows no deadline but ours."""
        with self._lock:
            if self._client is not None:
                return self._client

        def make() -> SecretManagerServiceClient | Refused:
            try:
                return _make_client(self._location, self._endpoint)
            except (GoogleAuthError, ValueError, OSError):
                return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)

        try:
            made = finish_in_time(make, deadline.check(_PARTY), name="google-credentials")
        except TimeoutError:
            raise DeadlineExceeded(_PARTY, deadline.total_seconds) from None
        if isinstance(made, Refused):
            raise made
        with self._lock:
            self._client = self._client or made
            return self._client

    def _forget_client(self, client: SecretManagerServiceClient) -> None:
        """Drop the client after a failure: its channel would wait for up to two minutes before it connects again."""
        with self._lock:
            if self._client is client:
                self._client = None


def read_payload(response: Any) -> bytes:
    """Return the payload of an AccessSecretVersion answer, whose checksum the client does not verify.

    Raises `Garbled`.
    """
    # An answer without a message comes as None, whatever the client's types say.
    data: bytes = response.payload.data if response else b""
    if not data:
        raise Garbled(_PARTY, "http", NO_ANSWER)
    if google_crc32c.value(data) != response.payload.data_crc32c:
        detail = "The secret manager's answer does not match its checksum (CRC32C), time and again; add the key version anew."
        raise Garbled(_PARTY, "checksum", detail)
    return data


def build_payload(data: bytes) -> dict[str, Any]:
    """Return the payload of an AddSecretVersion request, with the checksum that Secret Manager then verifies."""
    return {"data": data, "data_crc32c": google_crc32c.value(data)}


def _make_client(location: str | None, endpoint: str | None) -> SecretManagerServiceClient:
    if endpoint is not None and is_loopback(endpoint.rpartition(":")[0].strip("[]")):
        channel = grpc.insecure_channel(endpoint, options=[_OWN_CONNECTIONS])
        return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
    host = endpoint or (f"secretmanager.{location}.rep.googleapis.com" if location else None)
    return SecretManagerServiceClient(
        client_options={"api_endpoint": host} if host else None,
        transport=partial(SecretManagerServiceGrpcTransport, channel=_open_channel),
    )


def _open_channel(host: str, *, options: Sequence[tuple[str, int]], **credentials: Any) -> grpc.Channel:
    return SecretManagerServiceGrpcTransport.create_channel(host, options=[*options, _OWN_CONNECTIONS], **credentials)
