"""Stands before the function's handler and answers, from inside its process, what it has imported and from where."""

from __future__ import annotations

import sys
from typing import Any

import main


def handler(event: Any, context: Any) -> Any:
    if event == {"probe": "modules"}:
        return {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return main.lambda_handler(event, context)
