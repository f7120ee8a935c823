"""Where the time and the memory of a call go, step by step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """What one step takes of a whole."""

    whole: str
    step: str
    amount: float
