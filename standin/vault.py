"""The secrets of a secret manager, with the version states of Google Secret Manager."""

import re
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from standin.secret import Secret, State, Version, make_etag, refuse, require_etag

_SECRET = re.compile(r"projects/[^/]+(/locations/[^/]+)?/secrets/[A-Za-z0-9_-]{1,255}")
_MAX_PAYLOAD_BYTES = 65536


class Vault:
    """The secrets, global (`projects/P/secrets/S`) and regional (`projects/P/locations/L/secrets/S`)."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Start empty; read the time from this clock."""
        self._now = now
        self._secrets: dict[str, Secret] = {}
        self._lock = threading.RLock()

    def create(self, name: str, members: Mapping[str, Any] = MappingProxyType({})) -> Secret:
        """Create a secret without versions, with the labels and annotations that are given."""
        with self._lock:
            if not _SECRET.fullmatch(name):
                refuse("INVALID_ARGUMENT", f"[{name}] is not the name of a secret.")
            if name in self._secrets:
                refuse("ALREADY_EXISTS", f"Secret [{name}] already exists.")
            secret = Secret(name, self._now())
            secret.change(dict(members))
            return self._secrets.setdefault(name, secret)

    def change(self, name: str, members: Mapping[str, Any], etag: str = "") -> Secret:
        """Replace the given labels, annotations or aliases of a secret."""
        with self._lock:
            secret = self.secret(name)
            secret.change(dict(members), etag)
            return secret

    def names(self) -> list[str]:
        """Return the name of every secret."""
        with self._lock:
            return list(self._secrets)

    def secret(self, name: str) -> Secret:
        """Return a secret."""
        with self._lock:
            if not _SECRET.fullmatch(name):
                refuse("INVALID_ARGUMENT", f"[{name}] is not the name of a secret.")
            if name not in self._secrets:
                refuse("NOT_FOUND", f"Secret [{name}] not found.")
            return self._secrets[name]

    def add(self, name: str, data: bytes, *, checksum_given: bool = False) -> Version:
        """Add a version to a secret."""
        if not 0 < len(data) <= _MAX_PAYLOAD_BYTES:
            refuse("INVALID_ARGUMENT", "The payload must have between 1 and 65536 bytes.")
        with self._lock:
            secret = self.secret(name)
            number = len(secret.versions) + 1
            secret.versions.append(Version(f"{name}/versions/{number}", data, self._now(), checksum_given))
            return secret.versions[-1]

    def version(self, name: str) -> Version:
        """Return a version in any state."""
        secret, _, which = name.rpartition("/versions/")
        if not which:
            refuse("INVALID_ARGUMENT", f"[{name}] is not the name of a secret version.")
        return self.secret(secret).version(which)

    def access(self, name: str) -> Version:
        """Return an enabled version; refuse any other."""
        version = self.version(name)
        if version.state != "ENABLED":
            refuse("FAILED_PRECONDITION", f"Secret Version [{version.name}] is in {version.state} state.")
        return version

    def change_state(self, name: str, state: State, etag: str = "") -> Version:
        """Enable, disable or destroy a version, and give it a new etag; a destroyed version cannot change."""
        with self._lock:
            version = self.version(name)
            require_etag(etag, version.etag)
            if version.state == "DESTROYED":
                refuse("FAILED_PRECONDITION", f"Secret Version [{version.name}] is in DESTROYED state.")
            version.state, version.etag = state, make_etag()
            if state == "DESTROYED":
                version.data, version.destroyed_at = b"", self._now()
            return version
