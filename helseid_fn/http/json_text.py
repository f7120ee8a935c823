"""Parses JSON from outside, and writes JSON to others, within bounds; pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 200
"""How deep arrays and objects may nest: what is parsed is serialized again, by code that recurses."""


def parse_json(text: str | bytes, *, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Parse JSON of finite numbers, nested at most `MAX_DEPTH` deep. Raises `ValueError`."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_finite, object_pairs_hook=object_pairs_hook)
    except RecursionError:
        raise ValueError("nests too deep") from None
    # Counting is fast, and most texts have fewer brackets than that in all.
    if text.count("[") + text.count("{") > MAX_DEPTH and nests_too_deep(value):
        raise ValueError("nests too deep")
    return value


def dump_json(value: object) -> bytes:
    """Return a JSON value as text. Raises `ValueError` with words that follow its name in a sentence."""
    wrong = ValueError("has a number too large for a double, or nests too deep. Send less.")
    if nests_too_deep(value):
        raise wrong
    try:
        return json.dumps(value, allow_nan=False).encode("ascii")
    except ValueError:
        raise wrong from None
    except TypeError:
        raise ValueError("is not a JSON value. Convert dates and other objects to text first.") from None


def nests_too_deep(value: object) -> bool:
    """Return whether a JSON value nests deeper than `MAX_DEPTH`."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level if isinstance(each, dict | list) for inner in _members(each)]
    return any(isinstance(each, dict | list) for each in level)


def _members(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("is too large for a double")
    return value
