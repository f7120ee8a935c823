"""AWS's Parameters and Secrets Lambda Extension: a cache beside the function, on loopback, where it was added as a layer.

It saves a cold start the 0.3 to 0.5 s of loading boto3 and making its client. Its copy can be older than the one in Secrets
Manager by its `SECRETS_MANAGER_TTL` (300 s unless set). Secrets Manager has everything that the extension has, so on any
failure here the secret is read from there.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
"""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from urllib.parse import urlencode

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused
from helseid_fn.http.bounded_response import BoundedResponse
from helseid_fn.keys.stored import MAX_SECRET_BYTES, KeyReader, StoredKey, decode_payload
from helseid_fn.secret_store.aws.arn import SecretArn
from helseid_fn.secret_store.aws.labels import read_created, read_expiry

DEFAULT_PORT = 2773
MAX_RESPONSE_BYTES = 4 * MAX_SECRET_BYTES
"""A secret in JSON, and its metadata."""
TIMEOUT_SECONDS = 2.0
"""For one response, or an attempt's part of the deadline if that is less; then Secrets Manager is called instead."""
MAX_NOT_READY_RETRIES = 5
NOT_READY_PAUSE_SECONDS = 0.1
"""All of them together take about as long as loading boto3 does."""

_NOT_READY = b"not ready to serve traffic"
_PARTY = Party.SECRET_MANAGER


class ExtensionReader:
    """Reads a secret from the extension where there is one, else from Secrets Manager itself; safe for threads."""

    def __init__(
        self,
        arn: SecretArn,
        store: KeyReader,
        environ: Mapping[str, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep `environ` to look it up at every read: the session token in it changes while the process lives."""
        self._arn = arn
        self._store = store
        self._environ = environ
        self._sleep = sleep

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Read the secret; `fresh` reads it from Secrets Manager itself.

        Raises what Secrets Manager's reader raises.
        """
        cached = None if fresh else self._read_from_extension(ctx)
        return cached or self._store.read(ctx, fresh=fresh)

    def _read_from_extension(self, ctx: Context) -> StoredKey | None:
        """Call the extension, and again while it is starting; None when it does not serve the secret."""
        session_token, port = self._environ.get("AWS_SESSION_TOKEN"), self._port()
        if not session_token or port is None or not self._environ.get("AWS_LAMBDA_FUNCTION_NAME"):
            return None  # off Lambda, anybody may listen on that port
        for retries in range(MAX_NOT_READY_RETRIES + 1):
            if retries:
                self._sleep(min(NOT_READY_PAUSE_SECONDS, ctx.left_seconds()))
            status, body = self._call(port, session_token, ctx)
            if status != 400 or _NOT_READY not in body:
                return _parse_response(body, self._arn) if status == 200 else None
        return None

    def _port(self) -> int | None:
        text = self._environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT") or str(DEFAULT_PORT)
        return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and 0 < int(text) < 65536 else None

    def _call(self, port: int, session_token: str, ctx: Context) -> tuple[int | None, bytes]:
        """Send one request and return the response's status and body; the status is None when there is no usable response.

        http.client uses no proxy. If nothing listens, nothing is sent and no request counted.
        """
        timeout_seconds = min(TIMEOUT_SECONDS, ctx.attempt_seconds, ctx.check(_PARTY))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
        connection.response_class = BoundedResponse
        with closing(connection):
            try:
                connection.connect()
            except OSError:
                return None, b""
            with ctx.request(_PARTY):
                status, body = self._exchange(connection, session_token)
        ctx.note_outcome(_PARTY, "extension_lost" if status is None else f"extension_{status}")
        return status, body

    def _exchange(self, connection: http.client.HTTPConnection, session_token: str) -> tuple[int | None, bytes]:
        path = "/secretsmanager/get?" + urlencode({"secretId": self._arn.arn, **self._arn.version})
        try:
            connection.request("GET", path, headers={"X-Aws-Parameters-Secrets-Token": session_token})
            response = connection.getresponse()
            body = response.read(MAX_RESPONSE_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError):
            return None, b""
        return (response.status, body) if len(body) <= MAX_RESPONSE_BYTES else (None, b"")


def _parse_response(body: bytes, arn: SecretArn) -> StoredKey | None:
    """Parse a response, whose members are GetSecretValue's; None when it is unusable.

    A response about another secret is: something else may listen on that port.
    """
    try:
        members = json.loads(body)
        if members.get("ARN") != arn.arn:
            return None
        text, binary = (members.get(name) for name in ("SecretString", "SecretBinary"))
        payload = text.encode() if isinstance(text, str) else base64.b64decode(binary, validate=True)
        # A version with a fixed id never changes, so its cached copy is never old.
        return StoredKey(
            decode_payload(payload),
            read_expiry(members.get("VersionStages")),
            read_created(members.get("CreatedDate")),
            from_cache=arn.version_id is None,
        )
    except (ValueError, TypeError, AttributeError, RecursionError, Refused, InvalidResponse):
        return None
