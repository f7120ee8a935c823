"""The figures as a picture: each as a fraction of its target, with the target as a line."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.rows import Row

_WIDTH, _LINE, _LEFT, _TOP = 960, 34, 470, 40
_TARGET_AT = 760
"""Where the target's line is; a longer bar than the picture is cut off."""
_MET, _NOT_MET = "#2e7d6b", "#c2571a"


def draw(rows: Sequence[Row]) -> str:
    """Return the picture as SVG; a bar that ends left of the line meets its target."""
    height = _TOP + _LINE * len(rows) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_TARGET_AT}" y="24" text-anchor="middle">target (shorter is better)</text>',
        *(part for number, row in enumerate(rows) for part in _bar(row, _TOP + _LINE * number)),
        f'<line x1="{_TARGET_AT}" x2="{_TARGET_AT}" y1="32" y2="{height - 14}" stroke="#333" stroke-dasharray="4 3"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(row: Row, top: int) -> tuple[str, ...]:
    fraction = row.figure / row.target if row.bound == "at most" else row.target / row.figure
    length = min(fraction * (_TARGET_AT - _LEFT), _WIDTH - _LEFT)
    bound = "≤" if row.bound == "at most" else "≥"
    beside = f"beside {row.beside}" if row.beside else ""
    return (
        f'<text x="{_LEFT - 10}" y="{top + 12}" text-anchor="end">{escape(row.measure)}</text>',
        f'<text x="{_LEFT - 10}" y="{top + 25}" text-anchor="end" fill="#777" font-size="10">{escape(beside)}</text>',
        f'<rect x="{_LEFT}" y="{top}" width="{length:.0f}" height="22" fill="{_MET if row.is_met else _NOT_MET}"/>',
        f'<text x="{_LEFT + 8}" y="{top + 15}" fill="#fff">{row.shown:g} ({bound} {row.target:g})</text>',
    )
