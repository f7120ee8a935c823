"""Ways for the secret manager to fail, as values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fail:
    """Refuses with a gRPC status: UNAVAILABLE, PERMISSION_DENIED, NOT_FOUND, RESOURCE_EXHAUSTED and the rest.

    `handled` carries the call out first, and then loses the answer.
    """

    code: str = "UNAVAILABLE"
    details: str = "the stand-in was told to fail"
    handled: bool = False


@dataclass(frozen=True)
class CorruptPayload:
    """Answers with one bit of the payload turned over, and the checksum of the true one."""


@dataclass(frozen=True)
class WrongChecksum:
    """Answers with the true payload and a checksum that is not its own."""


@dataclass(frozen=True)
class Slow:
    """Answers after some seconds; `handled` carries the call out before the wait and not after it."""

    seconds: float
    handled: bool = False


@dataclass(frozen=True)
class Silence:
    """Never answers; ends when the server stops. `handled` carries the call out first."""

    handled: bool = False


SecretFault = Fail | CorruptPayload | WrongChecksum | Slow | Silence
