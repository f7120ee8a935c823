"""The least that a call can take: the longest chain of round trips that the protocols force, and the signatures it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HELSEID_SECONDS = API_SECONDS = 0.020
"""A round trip to HelseID, and to the API."""
MANAGER_SECONDS = 0.030
"""A round trip to the secret manager, from the function or from AWS's extension."""


@dataclass(frozen=True)
class Step:
    """Round trips one after another, and the steps that must be over first."""

    trips: int
    seconds: float
    """One round trip."""
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """The steps of a call by their names, and how often it signs with the client key."""

    steps: Mapping[str, Step]
    signatures: int

    @property
    def round_trip_seconds(self) -> float:
        """The seconds of the longest chain; whatever does not depend on each other overlaps."""

        def end(name: str) -> float:
            step = self.steps[name]
            return step.trips * step.seconds + max(map(end, step.after), default=0.0)

        return max(map(end, self.steps))


# A new connection takes a round trip for TCP and one for TLS 1.3 (two for TLS 1.2); a request takes one.
_CONNECT, _CONNECT_AND_REQUEST = 2, 3
_API_CONNECTION = {"API connection": Step(_CONNECT, API_SECONDS)}
_API_REQUEST = {"API request": Step(1, API_SECONDS, ("API connection", "token request with nonce"))}
_COLD = {
    "metadata": Step(_CONNECT_AND_REQUEST, HELSEID_SECONDS),
    **_API_CONNECTION,
    "token request without nonce": Step(1, HELSEID_SECONDS, ("key", "metadata")),
    "token request with nonce": Step(1, HELSEID_SECONDS, ("token request without nonce",)),
    **_API_REQUEST,
}
# Three signatures where a token is requested: the key's check of itself when it is read, and two client assertions.
KEY_IN_MANAGER = Limit({"key": Step(_CONNECT_AND_REQUEST, MANAGER_SECONDS), **_COLD}, 3)
KEY_IN_FILE = Limit({"key": Step(0, 0.0), **_COLD}, 3)

KEPT_CONNECTION = Limit({"API request": Step(1, API_SECONDS)}, 0)
IDLE_CONNECTION = Limit({**_API_CONNECTION, "API request": Step(1, API_SECONDS, ("API connection",))}, 0)
EXPIRED_TOKEN = Limit(
    {
        **_API_CONNECTION,
        "token request with an expired nonce": Step(_CONNECT_AND_REQUEST, HELSEID_SECONDS),
        "token request with nonce": Step(1, HELSEID_SECONDS, ("token request with an expired nonce",)),
        **_API_REQUEST,
    },
    3,
)
"""Some ten minutes after the last run, the key in a file: token and nonce have expired, and no connection was kept."""
