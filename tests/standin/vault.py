"""Secrets, their versions and their aliases, with the states Google Secret Manager gives them."""

import re
import threading
from dataclasses import dataclass, field
from typing import Literal, NoReturn

_SECRET = re.compile(r"projects/[^/]+(/locations/[^/]+)?/secrets/[A-Za-z0-9_-]{1,255}")
_LARGEST_PAYLOAD = 65536

State = Literal["ENABLED", "DISABLED", "DESTROYED"]


class VaultError(Exception):
    """A refusal with the gRPC status that Secret Manager gives it."""

    def __init__(self, code: str, details: str) -> None:
        """Keep the status's name and what is said with it."""
        super().__init__(details)
        self.code = code
        self.details = details


def _no(code: str, details: str) -> NoReturn:
    raise VaultError(code, details)


@dataclass
class Version:
    """One version of a secret."""

    name: str
    data: bytes
    state: State = "ENABLED"


@dataclass
class Secret:
    """A secret: versions counted from one, and names for some of them."""

    name: str
    versions: list[Version] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)

    def version(self, which: str) -> Version:
        """Find a version by number, alias or `latest`: the newest created, even when it is disabled."""
        number = len(self.versions) if which == "latest" else self.aliases.get(which, 0)
        if which.isascii() and which.isdigit():
            number = int(which)
        if not 1 <= number <= len(self.versions):
            _no("NOT_FOUND", f"Secret Version [{self.name}/versions/{which}] not found.")
        return self.versions[number - 1]


class Vault:
    """Every secret, global (`projects/P/secrets/S`) and regional (`projects/P/locations/L/secrets/S`)."""

    def __init__(self) -> None:
        """Begin empty."""
        self._secrets: dict[str, Secret] = {}
        self._lock = threading.RLock()

    def create(self, name: str) -> Secret:
        """Make a secret without versions."""
        with self._lock:
            if not _SECRET.fullmatch(name):
                _no("INVALID_ARGUMENT", f"[{name}] is not the name of a secret.")
            if name in self._secrets:
                _no("ALREADY_EXISTS", f"Secret [{name}] already exists.")
            return self._secrets.setdefault(name, Secret(name))

    def secret(self, name: str) -> Secret:
        """Find a secret."""
        with self._lock:
            if not _SECRET.fullmatch(name):
                _no("INVALID_ARGUMENT", f"[{name}] is not the name of a secret.")
            if name not in self._secrets:
                _no("NOT_FOUND", f"Secret [{name}] not found.")
            return self._secrets[name]

    def add(self, name: str, data: bytes) -> Version:
        """Add a version to a secret."""
        if not 0 < len(data) <= _LARGEST_PAYLOAD:
            _no("INVALID_ARGUMENT", "The payload must have between 1 and 65536 bytes.")
        with self._lock:
            secret = self.secret(name)
            secret.versions.append(Version(f"{name}/versions/{len(secret.versions) + 1}", data))
            return secret.versions[-1]

    def version(self, name: str) -> Version:
        """Find a version, whatever its state."""
        secret, _, which = name.rpartition("/versions/")
        if not which:
            _no("INVALID_ARGUMENT", f"[{name}] is not the name of a secret version.")
        return self.secret(secret).version(which)

    def access(self, name: str) -> Version:
        """Find a version whose data may be read."""
        version = self.version(name)
        if version.state != "ENABLED":
            _no("FAILED_PRECONDITION", f"Secret Version [{version.name}] is in {version.state} state.")
        return version

    def change_state(self, name: str, state: State) -> Version:
        """Enable, disable or destroy; what is destroyed stays so."""
        version = self.version(name)
        if version.state == "DESTROYED":
            _no("FAILED_PRECONDITION", f"Secret Version [{version.name}] is in DESTROYED state.")
        version.state = state
        if state == "DESTROYED":
            version.data = b""
        return version
