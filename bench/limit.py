"""The least that a cold call can take: the longest chain of round trips that the protocols force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HELSEID_SECONDS = API_SECONDS = 0.020
"""A round trip to HelseID, and to the API."""
MANAGER_SECONDS = 0.030
"""A round trip to the secret manager, from the function or from AWS's extension."""
SIGNATURES = 3
"""The key's check of itself when it is read, and a client assertion for each of the two token requests."""


@dataclass(frozen=True)
class Step:
    """Round trips one after another, and the steps that must be over first."""

    trips: int
    seconds: float
    """One round trip."""
    after: tuple[str, ...] = ()


# A new connection takes a round trip for TCP and one for TLS 1.3 (two for TLS 1.2); a request takes one.
_AFTER_KEY = {
    "metadata": Step(3, HELSEID_SECONDS),
    "API connection": Step(2, API_SECONDS),
    "token request without nonce": Step(1, HELSEID_SECONDS, ("key", "metadata")),
    "token request with nonce": Step(1, HELSEID_SECONDS, ("token request without nonce",)),
    "API request": Step(1, API_SECONDS, ("API connection", "token request with nonce")),
}
WITH_KEY_FILE = {"key": Step(0, 0.0), **_AFTER_KEY}
WITH_SECRET_MANAGER = {"key": Step(3, MANAGER_SECONDS), **_AFTER_KEY}


def longest_seconds(steps: Mapping[str, Step]) -> float:
    """Return the seconds of the longest chain; whatever does not depend on each other overlaps."""

    def end(name: str) -> float:
        step = steps[name]
        return step.trips * step.seconds + max(map(end, step.after), default=0.0)

    return max(map(end, steps))
