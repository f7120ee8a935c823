"""What programs may rely on, one line each: `python -m tests.support.public_surface` writes `public_surface.txt` again.

A line that changes or goes breaks programs, so CHANGELOG.md names it.
"""

import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import helseid_fn
from helseid_fn.api.protected_api import ProtectedApi
from helseid_fn.oauth.granted_token import GrantedToken

FILE = Path(__file__).with_suffix(".txt")
GIVEN = (ProtectedApi, GrantedToken)
"""Classes without a public name, of which a Client returns objects."""
NOT_CALLED = ("HelseIdAuth", "HelseIdHttpxAuth", *(each.__name__ for each in GIVEN))
"""Classes of which programs make no objects by themselves."""


def describe() -> str:
    """Return a line for each public name and each of its members."""
    classes = {name: getattr(helseid_fn, name) for name in helseid_fn.__all__} | {each.__name__: each for each in GIVEN}
    return "".join(f"{line}\n" for name in sorted(classes) for line in _lines_of(name, classes[name]))


def _lines_of(name: str, kind: type) -> Iterator[str]:
    is_plain = issubclass(kind, Exception | Enum) or name in NOT_CALLED
    yield name if is_plain else f"{name}({_parameters(kind)})"
    own = {member for each in kind.__mro__ if each.__module__.startswith("helseid_fn") for member in vars(each)}
    for member in sorted(each for each in own if not each.startswith("_")):
        value = getattr(kind, member)
        yield f"{name}.{member}({_parameters(value)})" if inspect.isroutine(value) else f"{name}.{member}"


def _parameters(call: Any) -> str:
    """Return the names of the parameters, with a `=` where there is a default; those of a typed `**` by their own names."""
    names: list[str] = []
    for each in inspect.signature(call).parameters.values():
        if each.kind is each.VAR_KEYWORD and str(each.annotation).startswith("Unpack["):
            typed = getattr(sys.modules[call.__module__], str(each.annotation).removeprefix("Unpack[").removesuffix("]"))
            names += [f"{name}=" for name in inspect.get_annotations(typed) or typed.__annotations__]
        elif each.name != "self":
            names.append(f"{each.name}=" if each.default is not each.empty else each.name)
    return ", ".join(names)


if __name__ == "__main__":
    FILE.write_text(describe())
