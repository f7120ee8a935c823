"""Where the time and the memory of a call go: what each step takes of the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COLD, MEMORY, WARM = "cold call", "memory", "warm call"
UNITS = {COLD: ("ms", 1000.0), MEMORY: ("MB", 1.0), WARM: ("µs", 1e6)}
"""In which unit each is shown, and the factor to convert to it."""
WHOLE = "all of it, measured as a whole"
UNTIMED = "the same without the timers"


@dataclass(frozen=True)
class Part:
    """The median of what one step takes, in seconds or megabytes; the step may also be `WHOLE` or `UNTIMED`."""

    kind: str
    step: str
    amount: float


def draw_table(kind: str, parts: Iterable[Part]) -> str:
    """Return the steps of one kind in their order, each with its share of the whole, as Markdown; nothing if there are none."""
    amounts = {part.step: part.amount for part in parts if part.kind == kind}
    if not amounts:
        return ""
    unit, factor = UNITS[kind]
    lines = [f"| step | {unit} | share |", "|---|---|---|"]
    for step, amount in amounts.items():
        share = "" if step == UNTIMED else f"{amount / amounts[WHOLE]:.0%}"
        lines.append(f"| {step} | {_one_digit(amount * factor)} | {share} |")
    return "".join(f"{line}\n" for line in lines)


def _one_digit(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.1f}"
