"""An empty function on AWS Lambda, to measure the host itself."""

from __future__ import annotations

from typing import Any


def lambda_handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Respond at once."""
    return {"status": "ok"}
