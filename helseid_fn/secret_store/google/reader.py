"""The key in Google Secret Manager; imported only when a `projects/...` address is read."""

from __future__ import annotations

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.keys.stored import StoredKey, decode_payload
from helseid_fn.secret_store.google.client import GoogleSecrets, read_payload
from helseid_fn.secret_store.google.errors import location_of


class GoogleReader:
    """Reads one secret version anew at every call; safe for threads."""

    def __init__(self, name: str, endpoint: str | None = None) -> None:
        self._name = name
        self._secrets = GoogleSecrets(location_of(name), endpoint)

    def __call__(self, deadline: Deadline, journal: Journal) -> StoredKey:
        """Read the version's payload as text, whose checksum has been verified; at most two retries of transient faults.

        Raises `Refused`, `Unreachable`, `Garbled` or `DeadlineExceeded`.
        """
        payload = self._secrets.ask(
            lambda client, timeout: read_payload(client.access_secret_version(name=self._name, retry=None, timeout=timeout)),
            self._name,
            deadline,
            journal,
        )
        return StoredKey(decode_payload(payload))
