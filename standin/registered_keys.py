"""The public keys HelseID holds of every client: several at once, each with its origin, its activation and its expiry."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from standin.jose import key_name

Origin = Literal["Gui", "Api"]


@dataclass
class RegisteredKey:
    """One public key of a client; its times are seconds since 1970, and None where it always was or will be good.

    `posted` counts how often it came to Selvbetjening, those times included when it was refused for being there already.
    """

    client_id: str
    jwk: Mapping[str, Any]
    origin: Origin
    active_at: float | None = None
    expires_at: float | None = None
    posted: int = 0

    @property
    def kid(self) -> str | None:
        """The name it was registered under."""
        return self.jwk.get("kid")

    @property
    def thumbprint(self) -> str:
        """Its RFC 7638 thumbprint."""
        return key_name(self.jwk)

    def unfit(self, now: float) -> str | None:
        """Say why it does not count now, or nothing when it does."""
        if self.active_at is not None and now < self.active_at:
            return "the registered key is not active yet"
        expired = self.expires_at is not None and now >= self.expires_at
        return "the registered key has expired" if expired else None


class RegisteredKeys:
    """Keys by client, in the order of their registration."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Hold none; read the time from this clock."""
        self._now = now
        self._keys: dict[str, list[RegisteredKey]] = {}
        self._lock = threading.Lock()

    def register_by_hand(self, client_id: str, jwks: Iterable[Mapping[str, Any]]) -> None:
        """Make these the client's only keys, active at once and without expiry, as a person does in the web page."""
        keys = [RegisteredKey(client_id, jwk, "Gui") for jwk in jwks]
        with self._lock:
            self._keys[client_id] = keys

    def register(self, key: RegisteredKey) -> RegisteredKey | None:
        """Add a key unless the client has it or its kid already; give the one that is in the way."""
        with self._lock:
            held = self._keys[key.client_id]
            for other in held:
                if other.thumbprint == key.thumbprint:
                    other.posted += 1
                    return other
            same_name = next((other for other in held if other.kid == key.kid), None)
            if same_name is None:
                held.append(key)
            return same_name

    def of(self, client_id: str) -> list[RegisteredKey]:
        """Every key of a client, good or not."""
        with self._lock:
            return list(self._keys.get(client_id, ()))

    def all(self) -> list[RegisteredKey]:
        """Every key of every client."""
        with self._lock:
            return [key for keys in self._keys.values() for key in keys]

    def expire(self, kid: str, in_seconds: float = 0) -> None:
        """Let a key expire then, whatever was said before; raises `KeyError` for a kid that nobody has."""
        keys = [key for key in self.all() if key.kid == kid]
        if not keys:
            raise KeyError(kid)
        for key in keys:
            key.expires_at = self._now() + in_seconds
