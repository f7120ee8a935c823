"""Runs `aws SERVICE OPERATION --option value` as a call of boto3, which checks each name."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The command's own options, which are not parameters of the API.
_OWN = ("--region", "--cli-binary-format", "--cli-read-timeout")


def run(command: str, client: Callable[[str], Any], folder: Path) -> dict[str, Any]:
    """Run a command with a client of its service; `file://` paths are relative to the folder. Returns the API's response."""
    program, service, operation, *rest = shlex.split(command)
    assert program == "aws"
    parameters: dict[str, Any] = {}
    while rest:
        name = rest.pop(0)
        if name.startswith("--"):
            value = rest.pop(0)
            if name not in _OWN:
                parameters[_member(name)] = [value] if name.endswith("-names") else _value(value, folder)
        else:
            assert name == "/dev/stdout"  # where `lambda invoke` writes what the function returned
    response: dict[str, Any] = getattr(client(service), operation.replace("-", "_"))(**parameters)
    return response


def _member(option: str) -> str:
    return "".join(word.capitalize() for word in option.removeprefix("--").split("-"))


def _value(text: str, folder: Path) -> str | int:
    if text.startswith("file://"):
        return (folder / text.removeprefix("file://")).read_text()
    return int(text) if text.isdecimal() else text
