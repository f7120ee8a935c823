"""Ways for the secret manager to fail, as values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fail:
    """Refuses with a gRPC status: UNAVAILABLE, PERMISSION_DENIED, NOT_FOUND, RESOURCE_EXHAUSTED and the rest."""

    code: str = "UNAVAILABLE"
    details: str = "the stand-in was told to fail"


@dataclass(frozen=True)
class CorruptPayload:
    """Answers with one bit of the payload turned over, and the checksum of the true one."""


@dataclass(frozen=True)
class WrongChecksum:
    """Answers with the true payload and a checksum that is not its own."""


@dataclass(frozen=True)
class Slow:
    """Answers after some seconds."""

    seconds: float


@dataclass(frozen=True)
class Silence:
    """Never answers; ends when the server stops."""


SecretFault = Fail | CorruptPayload | WrongChecksum | Slow | Silence
