"""One row of the table: what was measured, what it is compared with, and whether it meets its target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Bound = Literal["at most", "at least"]


@dataclass(frozen=True)
class Row:
    """A figure and its target; `target` is the most that it may be, or the least when `bound` says so."""

    id: str
    """The same from run to run, whatever the wording; a figure with another meaning gets another."""
    measure: str
    beside: str
    """What it is compared with; empty for a plain number."""
    figure: float
    target: float
    bound: Bound = "at most"
    detail: str = ""
    """The medians of the two sides of a ratio."""
    quartiles: tuple[float, float] | None = None
    """The first and the third of the ratios; none where the figure is not a median."""

    @property
    def is_met(self) -> bool:
        """Whether the figure, rounded as shown, meets the target."""
        return self.rounded <= self.target if self.bound == "at most" else self.rounded >= self.target

    @property
    def rounded(self) -> float:
        """The figure to two decimals."""
        return round(self.figure, 2)

    @property
    def shown(self) -> str:
        """The figure with two decimals; a plain number as it is."""
        return f"{self.figure:.2f}" if self.beside else f"{self.figure:g}"

    @property
    def shown_bound(self) -> str:
        """The target as a bound."""
        return f"{'≤' if self.bound == 'at most' else '≥'} {self.target:g}"

    @property
    def fraction(self) -> float:
        """The part of its target that the figure takes; above 1, the target is not met."""
        return self.fraction_of(self.target)

    def fraction_of(self, target: float) -> float:
        """Return the part that the figure takes of another target."""
        return self.rounded / target if self.bound == "at most" else target / self.rounded

    @property
    def is_close(self) -> bool:
        """Whether the target is between the quartiles, rounded as shown, so that another run may well say the opposite."""
        return self.quartiles is not None and round(self.quartiles[0], 2) <= self.target <= round(self.quartiles[1], 2)


def compare(
    measure: str,
    beside: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    target: float,
    unit: tuple[str, float],
    bound: Bound = "at most",
    *,
    row_id: str,
) -> Row:
    """Make a row of two series that were measured in turns.

    The figure is the median of the ratios of each turn, since a machine's speed drifts from turn to turn. `unit` is the unit in
    which the medians are shown, and the factor to convert to it.
    """
    ratios = ratios_of_turns(ours, theirs)
    name, factor = unit
    medians = [three_digits(statistics.median(series) * factor) for series in (ours, theirs)]
    detail = f"{medians[0]} : {medians[1]} {name}"
    return Row(row_id, measure, beside, statistics.median(ratios), target, bound, detail, quartiles(ratios))


def ratios_of_turns(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return the ratio of each turn."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def quartiles(figures: Sequence[float]) -> tuple[float, float]:
    """Return the first and the third quartile; of a single figure, the figure itself."""
    if len(figures) == 1:
        return figures[0], figures[0]
    first, _, third = statistics.quantiles(figures, n=4, method="inclusive")
    return first, third


def three_digits(number: float) -> str:
    """Write a number with three digits, or more where there are more before the point."""
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
