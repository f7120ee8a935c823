"""Google Secret Manager, through Google's client; imported only when a `projects/...` address is read.

Its client would retry for up to 60 s by itself and does not verify the payload's checksum; both are done here, inside the
deadline.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import google_crc32c
import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, Garbled, Party, Refused, Unreachable
from helseid_fn.journal import Journal
from helseid_fn.retries import MAX_TRANSIENT_RETRIES, pause_seconds
from helseid_fn.secret_store.google_faults import NAME, NO_CREDENTIALS, explain
from helseid_fn.secret_store.payload import decode_payload
from helseid_fn.web_address import is_loopback

# At DEBUG the client logs what it receives, the private key included.
logging.getLogger(SecretManagerServiceGrpcTransport.__module__).setLevel(logging.WARNING)

# Channels share connections by default, and a new one would take over the wait of the one that failed.
_OWN_CONNECTIONS = ("grpc.use_local_subchannel_pool", 1)

_PARTY = Party.SECRET_MANAGER


class GoogleReader:
    """Reads one secret version anew at every call; safe for threads. The client is made at the first call and kept."""

    def __init__(
        self,
        name: str,
        endpoint: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._sleep = sleep
        self._random = random
        self._lock = threading.Lock()
        self._client: SecretManagerServiceClient | None = None

    def __call__(self, deadline: Deadline, journal: Journal) -> str:
        """Read the version's payload as text, whose checksum has been verified; at most two retries of transient faults.

        Raises `Refused`, `Unreachable`, `Garbled` or `DeadlineExceeded`.
        """
        retries = 0
        while True:
            try:
                payload = self._access(deadline, journal)
                break
            except (Unreachable, Garbled):
                pause = pause_seconds(retries, self._random())
                if retries == MAX_TRANSIENT_RETRIES or pause >= deadline.left_seconds():
                    raise
            self._sleep(pause)
            retries += 1
        return decode_payload(payload)

    def _access(self, deadline: Deadline, journal: Journal) -> bytes:
        client = self._open_client(deadline)
        timeout_seconds = min(deadline.check(_PARTY), deadline.share_seconds)
        with journal.request(_PARTY):
            try:
                response = client.access_secret_version(name=self._name, retry=None, timeout=timeout_seconds)
            except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
                status = getattr(getattr(error, "grpc_status_code", None), "name", "UNAVAILABLE")
                journal.note_outcome(_PARTY, status)
                self._forget_client(client)
                deadline.check(_PARTY)
                raise explain(status, self._name) from None
        journal.note_outcome(_PARTY, "ok")
        data: bytes = response.payload.data
        if google_crc32c.value(data) != response.payload.data_crc32c:
            detail = (
                "The secret manager's answer does not match its checksum (CRC32C), time and again; add the key version anew."
            )
            raise Garbled(_PARTY, "checksum", detail)
        return data

    def _open_client(self, deadline: Deadline) -> SecretManagerServiceClient:
        """Return the client, made in a thread of its own: looking for credentials knows no deadline but ours."""
        with self._lock:
            if self._client is not None:
                return self._client
        made: queue.SimpleQueue[SecretManagerServiceClient | None] = queue.SimpleQueue()

        def make() -> None:
            client = None
            with suppress(GoogleAuthError, ValueError, OSError):
                client = _make_client(self._name, self._endpoint)
            made.put(client)

        threading.Thread(target=make, name="google-credentials", daemon=True).start()
        try:
            outcome = made.get(timeout=deadline.check(_PARTY))
        except queue.Empty:
            raise DeadlineExceeded(_PARTY, deadline.total_seconds) from None
        if outcome is None:
            raise Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)
        with self._lock:
            self._client = self._client or outcome
            return self._client

    def _forget_client(self, client: SecretManagerServiceClient) -> None:
        """Drop the client after a failure: its channel would wait for up to two minutes before it connects again."""
        with self._lock:
            if self._client is client:
                self._client = None


def _make_client(name: str, endpoint: str | None) -> SecretManagerServiceClient:
    if endpoint is not None and is_loopback(endpoint.rpartition(":")[0].strip("[]")):
        channel = grpc.insecure_channel(endpoint, options=[_OWN_CONNECTIONS])
        return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
    parts = NAME.fullmatch(name)
    location = parts["location"] if parts else None
    host = endpoint or (f"secretmanager.{location}.rep.googleapis.com" if location else None)
    return SecretManagerServiceClient(
        client_options={"api_endpoint": host} if host else None,
        transport=partial(SecretManagerServiceGrpcTransport, channel=_open_channel),
    )


def _open_channel(host: str, *, options: Sequence[tuple[str, int]], **credentials: Any) -> grpc.Channel:
    return SecretManagerServiceGrpcTransport.create_channel(host, options=[*options, _OWN_CONNECTIONS], **credentials)
