"""The faults of the secret manager. Each is a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fail:
    """Fails with a gRPC status, such as UNAVAILABLE, PERMISSION_DENIED, NOT_FOUND or RESOURCE_EXHAUSTED.

    `handled` carries the call out first and loses the response.
    """

    code: str = "UNAVAILABLE"
    details: str = "the stand-in failed as planned"
    handled: bool = False


@dataclass(frozen=True)
class CorruptPayload:
    """Responds with one bit of the payload flipped, and the checksum of the original."""


@dataclass(frozen=True)
class WrongChecksum:
    """Responds with the right payload and a wrong checksum."""


@dataclass(frozen=True)
class Slow:
    """Responds after a delay; `handled` carries the call out before the delay instead of after it."""

    seconds: float
    handled: bool = False


@dataclass(frozen=True)
class Silence:
    """Never responds; ends when the server stops. `handled` carries the call out first."""

    handled: bool = False


SecretFault = Fail | CorruptPayload | WrongChecksum | Slow | Silence
