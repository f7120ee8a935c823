"""One row of the table: what was measured, what it is compared with, and whether it meets its target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Row:
    """A figure and its target; `target` is the most that it may be, or the least when `bound` says so."""

    measure: str
    beside: str
    """What it is compared with; empty for a plain number."""
    figure: float
    target: float
    bound: Literal["at most", "at least"] = "at most"
    detail: str = ""
    """The two medians behind a ratio."""

    @property
    def is_met(self) -> bool:
        """Whether the figure, rounded as shown, meets the target."""
        return self.shown <= self.target if self.bound == "at most" else self.shown >= self.target

    @property
    def shown(self) -> float:
        """The figure to two decimals."""
        return round(self.figure, 2)


def compare(
    measure: str,
    beside: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    target: float,
    unit: tuple[str, float],
    bound: Literal["at most", "at least"] = "at most",
) -> Row:
    """Make a row of two series that were measured in turns.

    The figure is the median of the ratios of each turn, since a machine's speed drifts from turn to turn. `unit` is the unit in
    which the medians are shown, and the factor to convert to it.
    """
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    name, factor = unit
    medians = [_three_digits(statistics.median(series) * factor) for series in (ours, theirs)]
    return Row(measure, beside, ratio, target, bound, f"{medians[0]} : {medians[1]} {name}")


def _three_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
