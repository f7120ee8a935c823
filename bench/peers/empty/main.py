"""An empty function: what the host itself costs."""

from __future__ import annotations

from typing import Any


def run(_request: Any) -> str:
    """Answer at once."""
    return "ok"
