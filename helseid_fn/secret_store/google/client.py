"""Google's Secret Manager client within our deadline; imported only when a `projects/...` address is used.

By itself it retries for up to 60 s, and looks for credentials as long as it likes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import google_crc32c
import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from helseid_fn.cloud_sdk import load_within_deadline, retry_transient
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused
from helseid_fn.http.url import is_loopback
from helseid_fn.secret_store.google.errors import NO_CREDENTIALS, NO_RESPONSE, Access, explain

# At DEBUG the client logs what it receives, the private key included.
logging.getLogger(SecretManagerServiceGrpcTransport.__module__).setLevel(logging.WARNING)

# Channels share connections by default, and a new one would take over the wait of the one that failed.
_OWN_CONNECTIONS = ("grpc.use_local_subchannel_pool", 1)

_PARTY = Party.SECRET_MANAGER

Result = TypeVar("Result")

Work = Callable[[SecretManagerServiceClient, float], Result]
"""One request with the client, and the seconds that it may take."""


class GoogleClient:
    """Sends requests to Secret Manager; safe for threads. The SDK's client is made at the first request and kept."""

    def __init__(
        self,
        location: str | None,
        endpoint: str | None,
        *,
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        """Take where the secrets are: a location for regional ones, or another endpoint than Google's, as `host:port`."""
        self._location = location
        self._endpoint = endpoint
        self._sleep = sleep
        self._random = random
        self._lock = threading.Lock()
        self._client: SecretManagerServiceClient | None = None

    def request(
        self,
        work: Work[Result],
        name: str,
        ctx: Context,
        *,
        access: Access = Access.READ,
        repeatable: bool = True,
    ) -> Result:
        """Send one request about the secret or version of this name; a repeatable one is retried at most twice.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`.
        """

        def attempt() -> Result:
            return self._request_once(work, name, ctx, access)

        return retry_transient(attempt, ctx, sleep=self._sleep, random=self._random, repeatable=repeatable)

    def _request_once(self, work: Work[Result], name: str, ctx: Context, access: Access) -> Result:
        client = self._open_client(ctx)
        timeout_seconds = min(ctx.check(_PARTY), ctx.attempt_seconds)
        with ctx.request(_PARTY):
            try:
                result = work(client, timeout_seconds)
            except InvalidResponse as error:
                ctx.note_outcome(_PARTY, error.reason)
                raise
            except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
                status = getattr(getattr(error, "grpc_status_code", None), "name", "UNAVAILABLE")
                ctx.note_outcome(_PARTY, status)
                self._forget_client(client)
                ctx.check(_PARTY)
                raise explain(
                    status, name, access, words=str(error), info_reason=str(getattr(error, "reason", None) or "")
                ) from None
        ctx.note_outcome(_PARTY, "ok")
        return result

    def _open_client(self, ctx: Context) -> SecretManagerServiceClient:
        """Return the client; two threads may both make one, of which the first is kept."""
        with self._lock:
            if self._client is not None:
                return self._client

        def make() -> SecretManagerServiceClient | Refused:
            try:
                return _make_client(self._location, self._endpoint)
            except (GoogleAuthError, ValueError, OSError):
                return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)

        made = load_within_deadline(make, ctx, name="google-credentials")
        with self._lock:
            self._client = self._client or made
            return self._client

    def _forget_client(self, client: SecretManagerServiceClient) -> None:
        """Drop the client after a failure: its channel would wait for up to two minutes before it connects again."""
        with self._lock:
            if self._client is client:
                self._client = None


def read_payload(response: Any) -> bytes:
    """Return the payload of an AccessSecretVersion response, whose checksum the client does not verify.

    Raises `InvalidResponse`.
    """
    # A response without a message is None, whatever the client's types say.
    data: bytes = response.payload.data if response else b""
    if not data:
        raise InvalidResponse(_PARTY, "http", NO_RESPONSE)
    if google_crc32c.value(data) != response.payload.data_crc32c:
        detail = "The secret manager's response does not match its checksum (CRC32C), repeatedly. Add the key as a new version."
        raise InvalidResponse(_PARTY, "checksum", detail)
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
