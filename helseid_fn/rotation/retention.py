"""What becomes of the versions that a newer one has replaced: disabled after a grace period, destroyed later; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a secret: its full name, whether it can be read, and when it was made, in seconds since the epoch."""

    name: str
    is_enabled: bool
    made_at: float


@dataclass(frozen=True, slots=True)
class Aging:
    """How long a replaced version stays readable, and how long after that it could still be enabled again by hand."""

    grace_seconds: float
    destroy_after_seconds: float

    def split(self, versions: Sequence[Version], now: float) -> tuple[list[Version], list[Version]]:
        """Return which versions are to be disabled and which destroyed, of all of a secret's, the oldest first.

        The newest is never among them. A version counts as replaced from when the next one was made.
        """
        ages = [(version, now - successor.made_at) for version, successor in pairwise(versions)]
        destroyed = [version for version, age in ages if age >= self.grace_seconds + self.destroy_after_seconds]
        disabled = [version for version, age in ages if age >= self.grace_seconds and version.is_enabled]
        return [version for version in disabled if version not in destroyed], destroyed
