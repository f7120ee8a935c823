"""AWS's Parameters and Secrets Lambda Extension: a cache beside the function, on loopback, where it was added as a layer.

It spares the function the 0.3 to 0.5 s that loading boto3 and making its client take. What it answers can be older than what
Secrets Manager holds, by its `SECRETS_MANAGER_TTL` (300 s unless set). It is asked for nothing that Secrets Manager's own API
could not tell as well, so whatever goes wrong here is left to the API.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from urllib.parse import urlencode

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Garbled, Party, Refused
from helseid_fn.http.connection import PunctualResponse
from helseid_fn.keys.expiry import read_labels
from helseid_fn.keys.stored import MAX_SECRET_BYTES, StoredKey, decode_payload
from helseid_fn.secret_store.aws.arn import AwsAddress

DEFAULT_PORT = 2773
MAX_ANSWER_BYTES = 4 * MAX_SECRET_BYTES
"""A secret as JSON writes it, and what is told about it."""
TIMEOUT_SECONDS = 2.0
"""For one answer, or a try's share of the deadline if that is less; what takes longer is asked of the API."""
MAX_NOT_READY_RETRIES = 5
NOT_READY_PAUSE_SECONDS = 0.1
"""All of them together take about as long as loading boto3 does."""

_NOT_READY = b"not ready to serve traffic"
_PARTY = Party.SECRET_MANAGER

ReadSecret = Callable[[Deadline, Journal], StoredKey]


class ExtensionFirst:
    """Reads a secret from the extension where there is one, and from Secrets Manager itself otherwise; safe for threads."""

    def __init__(
        self,
        address: AwsAddress,
        read_from_api: ReadSecret,
        environ: Mapping[str, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep `environ` and look at it at every read: the session token in it changes while the process lives."""
        self._address = address
        self._read_from_api = read_from_api
        self._environ = environ
        self._sleep = sleep
        self._last = threading.local()
        """The digest of what each thread was last served by the extension; a token's fetch reads twice in one thread."""
        self._stale: bytes | None = None

    def __call__(self, deadline: Deadline, journal: Journal) -> StoredKey:
        """Read the secret.

        Raises what the API's reader raises.
        """
        stored = self._read_from_extension(deadline, journal)
        digest = None if stored is None else _digest(stored)
        if stored is not None and digest != self._stale:
            self._last.served = digest
            return stored
        self._last.served = None
        return self._read_from_api(deadline, journal)

    def read_past_cache(self, deadline: Deadline, journal: Journal) -> StoredKey | None:
        """Read the secret from Secrets Manager itself; None when it came from there, or is of a version that never changes.

        An answer of the extension's that this finds to be stale is not taken again.

        Raises what the API's reader raises.
        """
        served = getattr(self._last, "served", None)
        if served is None or self._address.version_id is not None:
            return None
        stored = self._read_from_api(deadline, journal)
        if _digest(stored) != served:
            self._stale = served
        return stored

    def _read_from_extension(self, deadline: Deadline, journal: Journal) -> StoredKey | None:
        """Ask the extension, and again as long as it is starting; None when it does not serve the secret."""
        session_token, port = self._environ.get("AWS_SESSION_TOKEN"), self._port()
        if not session_token or port is None:
            return None
        for retries in range(MAX_NOT_READY_RETRIES + 1):
            if retries:
                self._sleep(min(NOT_READY_PAUSE_SECONDS, deadline.left_seconds()))
            status, body = self._ask(port, session_token, deadline, journal)
            if status != 400 or _NOT_READY not in body:
                return _read_answer(body, self._address.arn) if status == 200 else None
        return None

    def _port(self) -> int | None:
        text = self._environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT") or str(DEFAULT_PORT)
        return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and 0 < int(text) < 65536 else None

    def _ask(self, port: int, session_token: str, deadline: Deadline, journal: Journal) -> tuple[int | None, bytes]:
        """Send one request and return its answer's status and body; no status when there is no answer that can be used.

        http.client uses no proxy. Where nobody listens nothing is sent, and so nothing counted.
        """
        timeout_seconds = min(TIMEOUT_SECONDS, deadline.share_seconds, deadline.check(_PARTY))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
        connection.response_class = PunctualResponse
        with closing(connection):
            try:
                connection.connect()
            except OSError:
                return None, b""
            with journal.request(_PARTY):
                status, body = self._exchange(connection, session_token)
        journal.note_outcome(_PARTY, "extension_lost" if status is None else f"extension_{status}")
        return status, body

    def _exchange(self, connection: http.client.HTTPConnection, session_token: str) -> tuple[int | None, bytes]:
        path = "/secretsmanager/get?" + urlencode({"secretId": self._address.arn, **self._address.version})
        try:
            connection.request("GET", path, headers={"X-Aws-Parameters-Secrets-Token": session_token})
            answer = connection.getresponse()
            body = answer.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError):
            return None, b""
        return (answer.status, body) if len(body) <= MAX_ANSWER_BYTES else (None, b"")


def _read_answer(body: bytes, arn: str) -> StoredKey | None:
    """Read the secret from an answer, whose members are GetSecretValue's; None when it is not one that can be used.

    One of another secret, or of none that is named, is not: something else may listen on that port.
    """
    try:
        members = json.loads(body)
        if members.get("ARN") != arn:
            return None
        text, binary = (members.get(name) for name in ("SecretString", "SecretBinary"))
        payload = text.encode() if isinstance(text, str) else base64.b64decode(binary, validate=True)
        return StoredKey(decode_payload(payload), read_labels(members.get("VersionStages")))
    except (ValueError, TypeError, AttributeError, RecursionError, Refused, Garbled):
        return None


def _digest(stored: StoredKey) -> bytes:
    return hashlib.sha256(stored.text.encode()).digest()
