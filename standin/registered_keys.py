"""The public keys of HelseID's clients, each with its origin, activation and expiry."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from standin.jose import key_name

Origin = Literal["Gui", "Api"]


@dataclass
class RegisteredKey:
    """A public key of a client. Times are seconds since 1970; None is no limit.

    `posted` counts how often the key was posted to Selvbetjening, including refused duplicates.
    """

    client_id: str
    jwk: Mapping[str, Any]
    origin: Origin
    active_at: float | None = None
    expires_at: float | None = None
    posted: int = 0

    @property
    def kid(self) -> str | None:
        """The key's kid."""
        return self.jwk.get("kid")

    @property
    def thumbprint(self) -> str:
        """The key's RFC 7638 thumbprint."""
        return key_name(self.jwk)

    def find_fault(self, now: float) -> str | None:
        """Return why the key is not valid now, or None if it is."""
        if self.active_at is not None and now < self.active_at:
            return "the registered key is not active yet"
        expired = self.expires_at is not None and now >= self.expires_at
        return "the registered key has expired" if expired else None


class RegisteredKeys:
    """The keys of every client, in the order of registration."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Start empty; read the time from this clock."""
        self._now = now
        self._keys: dict[str, list[RegisteredKey]] = {}
        self._lock = threading.Lock()

    def register_by_hand(self, client_id: str, jwks: Iterable[Mapping[str, Any]]) -> None:
        """Make these the client's only keys, active at once and without expiry, as the web page does."""
        keys = [RegisteredKey(client_id, jwk, "Gui") for jwk in jwks]
        with self._lock:
            self._keys[client_id] = keys

    def register(self, key: RegisteredKey) -> RegisteredKey | None:
        """Add a key, unless the client already has the key or its kid; then return that key."""
        with self._lock:
            keys = self._keys[key.client_id]
            for other in keys:
                if other.thumbprint == key.thumbprint:
                    other.posted += 1
                    return other
            same_name = next((other for other in keys if other.kid == key.kid), None)
            if same_name is None:
                keys.append(key)
            return same_name

    def of(self, client_id: str) -> list[RegisteredKey]:
        """Return every key of a client, valid or not."""
        with self._lock:
            return list(self._keys.get(client_id, ()))

    def all(self) -> list[RegisteredKey]:
        """Return every key of every client."""
        with self._lock:
            return [key for keys in self._keys.values() for key in keys]

    def expire(self, kid: str, in_seconds: float = 0) -> None:
        """Set a key's expiry; raises `KeyError` for an unknown kid."""
        keys = [key for key in self.all() if key.kid == kid]
        if not keys:
            raise KeyError(kid)
        for key in keys:
            key.expires_at = self._now() + in_seconds
