"""Parses `WWW-Authenticate`: several challenges in any order, tokens and quoted strings (RFC 9110 section 11.6.1); pure."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_HEADER_LENGTH = 8192

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # token of RFC 9110 section 5.6.2
_SPACE = re.compile(r"[ \t]*")
_COMMAS = re.compile(r"[ \t,]*")
_PARAMETER = re.compile(rf'({_NAME})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_NAME}))[ \t]*(?=,|$)')
_SCHEME = re.compile(rf"({_NAME})(?=[ \t,]|$)")
_TOKEN68 = re.compile(r"[0-9A-Za-z\-._~+/]+=*[ \t]*(?=,|$)")
_ESCAPE = re.compile(r"\\(.)")


class Challenge(NamedTuple):
    """One challenge: its scheme, and its parameters by name, both in lower case."""

    scheme: str
    parameters: dict[str, str]


def parse(header: str | None) -> tuple[Challenge, ...]:
    """Parse the value of `WWW-Authenticate`; several header lines are one value, joined with commas.

    Empty list elements are skipped, as RFC 9110 section 5.6.1.2 requires. Parsing ends at the first syntax error and keeps the
    challenges before it.
    """
    challenges: list[Challenge] = []
    text = (header or "")[:MAX_HEADER_LENGTH]
    position = _skip(_COMMAS, text, 0)
    while position < len(text):
        parameter = _PARAMETER.match(text, position)
        if parameter and challenges:
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else _ESCAPE.sub(r"\1", quoted)
            challenges[-1].parameters.setdefault(name.lower(), value)
            position = parameter.end()
        elif scheme := _SCHEME.match(text, position):
            challenges.append(Challenge(scheme.group(1).lower(), {}))
            position = _skip_token68(text, scheme.end())
        else:
            break
        position = _skip(_COMMAS, text, position)
    return tuple(challenges)


def _skip_token68(text: str, position: int) -> int:
    """Skip the single token68 that some schemes (Negotiate, Basic) have instead of parameters."""
    after_space = _skip(_SPACE, text, position)
    return _skip(_TOKEN68, text, after_space) if after_space > position else position


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
