"""An empty function, to measure the host itself."""

from __future__ import annotations

from typing import Any


def run(_request: Any) -> str:
    """Respond at once."""
    return "ok"
