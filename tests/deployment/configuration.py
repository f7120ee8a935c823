"""What a module's files declare, read with an HCL parser: providers, variables, outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

REQUIRED = object()
"""The default of a variable that has none."""


@dataclass(frozen=True)
class Variable:
    """A variable as declared; its type is the text of the expression."""

    name: str
    type: str
    description: str
    default: Any

    @property
    def attributes(self) -> set[str]:
        """The names within an object's type."""
        return set(re.findall(r"(\w+) = ", self.type))


@dataclass(frozen=True)
class Provider:
    """A provider as declared: its source and the supported versions."""

    name: str
    source: str
    span: str

    @property
    def lowest(self) -> str:
        """The lowest version. Raises `ValueError` if the range lacks an end."""
        ends = re.fullmatch(r">= ([\d.]+), < [\d.]+", self.span)
        if ends is None:
            raise ValueError(f'{self.name} is declared as "{self.span}", which is not a range with both ends (">= A, < B").')
        return ends[1]


def read_providers(folder: Path) -> list[Provider]:
    """Return every provider that a module declares."""
    declared = dict(pair for each in _blocks(folder, "required_providers", "terraform") for pair in each.items())
    return [Provider(name, each["source"], each["version"]) for name, each in sorted(declared.items())]


def read_variables(folder: Path) -> list[Variable]:
    """Return every variable, sorted by name."""
    return [
        Variable(name, _bare(body.get("type", "")), body.get("description", ""), body.get("default", REQUIRED))
        for name, body in sorted(_labelled(folder, "variable"))
    ]


def read_outputs(folder: Path) -> dict[str, str]:
    """Return every output's description by its name."""
    return {name: body.get("description", "") for name, body in sorted(_labelled(folder, "output"))}


def read_resources(folder: Path) -> dict[str, dict[str, Any]]:
    """Return every resource's body by its address, `TYPE.NAME`; expressions are text in `${...}`."""
    found: dict[str, dict[str, Any]] = {}
    for block in _blocks(folder, "resource"):
        for kind, named in block.items():
            found |= {f"{kind}.{name}": body for name, body in named.items()}
    return found


def _labelled(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in _blocks(folder, kind):
        yield from block.items()


def _blocks(folder: Path, kind: str, within: str | None = None) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.tf")):
        parsed = _plain(hcl2.loads(file.read_text()))
        for outer in [parsed] if within is None else parsed.get(within, []):
            yield from outer.get(kind, [])


def _plain(value: Any) -> Any:
    """Remove the parser's quotes and marks."""
    if isinstance(value, dict):
        return {_plain(name): _plain(each) for name, each in value.items() if name != "__is_block__"}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and value.startswith('"'):
        try:
            return json.loads(value)
        except ValueError:
            return value.strip('"')
    return value


def _bare(expression: str) -> str:
    return expression.removeprefix("${").removesuffix("}") if expression.startswith("${") else expression
