"""The key in AWS Secrets Manager; imported only when an `arn:` address is read and no extension served it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.keys.expiry import read_labels
from helseid_fn.keys.stored import StoredKey, decode_payload
from helseid_fn.secret_store.aws.arn import AwsAddress
from helseid_fn.secret_store.aws.client import AwsSecrets


class AwsReader:
    """Reads one version of a secret anew at every call; safe for threads."""

    def __init__(self, address: AwsAddress, *, now: Callable[[], float] = time.time) -> None:
        names = {"versionStage": "VersionStage", "versionId": "VersionId"}
        self._version = {names[name]: value for name, value in address.version.items()}
        self._secrets = AwsSecrets(address, now=now)

    def __call__(self, deadline: Deadline, journal: Journal) -> StoredKey:
        """Read the secret's text; at most two retries of transient faults.

        Raises `Refused`, `Unreachable`, `Garbled` or `DeadlineExceeded`.
        """
        payload, expires_at = self._secrets.ask("GetSecretValue", self._version, read_value, deadline, journal)
        return StoredKey(decode_payload(payload), expires_at)


def read_value(members: Mapping[str, Any]) -> tuple[bytes, int | None] | None:
    """Return what an answer holds as `SecretString` or `SecretBinary`, and the expiry that a label tells; None for neither."""
    text, payload = members.get("SecretString"), members.get("SecretBinary")
    if isinstance(text, str):
        payload = text.encode("utf-8", "surrogatepass")
    return (payload, read_labels(members.get("VersionStages"))) if isinstance(payload, bytes) else None
