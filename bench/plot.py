"""The runs as a picture: each figure of the latest as a fraction of its target, and beside it those of the runs before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from bench.history import Run, series_of
from bench.rows import Row

_WIDTH, _LINE, _TOP = 960, 34, 40
_LEFT, _TARGET_AT, _RIGHT = 440, 590, 740
"""Where the bars begin, where their target is, and where a bar of twice the target or more ends."""
_HISTORY_LEFT, _HISTORY_RIGHT, _HISTORY_HEIGHT = 775, 945, 22
_HISTORY_MIDDLE = (_HISTORY_LEFT + _HISTORY_RIGHT) / 2
_MET, _NOT_MET = "#2e7d6b", "#c2571a"


def draw(runs: Sequence[Run]) -> str:
    """Return the picture as SVG; what is left of the target's line in a bar, or below it in a history, meets the target."""
    rows = runs[-1].rows
    bottom = _TOP + _LINE * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 20}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{bottom + 20}" fill="#fff"/>',
        _small(_LEFT, 26, "shorter is better", "start"),
        _text(_TARGET_AT, 26, "target", "middle"),
        _small(_RIGHT, 26, "twice as much, or more", "end"),
        _text(_HISTORY_MIDDLE, 12, "history (lower is better)", "middle"),
        _small(_HISTORY_MIDDLE, 26, f"{runs[0].date} to {runs[-1].date}", "middle"),
    ]
    for number, row in enumerate(rows):
        top = _TOP + _LINE * number
        parts += [*_bar(row, top), *_history(series_of(row.id, runs), top)]
    parts.append(f'<line x1="{_TARGET_AT}" x2="{_TARGET_AT}" y1="32" y2="{bottom}" stroke="#333" stroke-dasharray="4 3"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(row: Row, top: int) -> Iterator[str]:
    length = min(row.fraction * (_TARGET_AT - _LEFT), _RIGHT - _LEFT)
    yield _text(_LEFT - 10, top + 10, row.measure, "end")
    if row.beside:
        yield _small(_LEFT - 10, top + 23, f"beside {row.beside}", "end")
    yield f'<rect x="{_LEFT}" y="{top}" width="{length:.0f}" height="22" fill="{_MET if row.is_met else _NOT_MET}"/>'
    shown = f"{row.shown} ({row.shown_bound})"
    beside_a_short_bar = length < 78
    at, colour = (_LEFT + length + 8, "#333") if beside_a_short_bar else (_LEFT + 8, "#fff")
    yield _text(at, top + 15, shown, "start", fill=colour)


def _history(series: Sequence[float | None], top: int) -> Iterator[str]:
    """Draw the fractions from 0 to twice the target, the target in the middle; a run that did not measure it leaves a gap."""
    step = (_HISTORY_RIGHT - _HISTORY_LEFT) / max(len(series) - 1, 1)
    points = [
        (_HISTORY_LEFT + number * step, top + _HISTORY_HEIGHT * (1 - min(each, 2.0) / 2))
        for number, each in enumerate(series)
        if each is not None
    ]
    middle = top + _HISTORY_HEIGHT // 2
    yield f'<line x1="{_HISTORY_LEFT}" x2="{_HISTORY_RIGHT}" y1="{middle}" y2="{middle}" stroke="#999" stroke-dasharray="2 3"/>'
    line = " ".join(f"{x:.0f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{line}" fill="none" stroke="#3b5b8c" stroke-width="1.5"/>'
    x, y = points[-1]
    yield f'<circle cx="{x:.0f}" cy="{y:.1f}" r="2.5" fill="#3b5b8c"/>'


def _text(x: float, y: float, text: str, anchor: str, *, fill: str = "#000", size: int = 12) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}">{escape(text)}</text>'


def _small(x: float, y: float, text: str, anchor: str) -> str:
    return _text(x, y, text, anchor, fill="#777", size=10)
