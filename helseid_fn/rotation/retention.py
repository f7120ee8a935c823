"""When replaced versions of a secret are disabled, and later destroyed; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helseid_fn.secret_store.google.secret import SecretVersion


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a replaced version stays readable, and how long after that it can still be enabled by hand."""

    grace_seconds: float
    destroy_after_seconds: float

    def split(self, versions: Sequence[SecretVersion], now: float) -> tuple[list[SecretVersion], list[SecretVersion]]:
        """Return the versions to disable and the versions to destroy, of all versions of a secret, the oldest first.

        The newest is never among them. A version counts as replaced when the next one was made.
        """
        ages = [(version, now - successor.made_at) for version, successor in pairwise(versions)]
        destroyed = [version for version, age in ages if age >= self.grace_seconds + self.destroy_after_seconds]
        disabled = [version for version, age in ages if age >= self.grace_seconds and version.is_enabled]
        return [version for version in disabled if version not in destroyed], destroyed
