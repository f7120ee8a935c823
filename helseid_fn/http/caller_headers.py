"""Which headers a caller may set: names, or prefixes that end in `*`, none of which covers a header of the function; pure."""

from __future__ import annotations

import re

from urllib3.util import SKIP_HEADER

from helseid_fn.http.json_text import parse_json

OWN_HEADERS = (
    "authorization",
    "dpop",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "accept-encoding",
)
"""Headers of the function itself and of its connection."""

TRUSTED_HEADERS = (
    "cookie",
    "forwarded",
    "x-forwarded-",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
)
"""How headers start with which an API may accept another method, path or caller: a prefix such as `x-*` does not cover them."""

_PATTERN = re.compile(r"[a-z0-9-]+\*?")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[!-~]([\t -~]*[!-~])?|")


def parse_header_patterns(text: str) -> tuple[str, ...]:
    """Parse patterns separated by commas or spaces into lower case.

    Raises `ValueError` with words that follow the setting's name.
    """
    patterns = tuple(text.lower().replace(",", " ").split())
    if not patterns or not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise ValueError("is not a list of header names, or of prefixes such as nhn-*, separated by commas or spaces")
    own = next((name for name in OWN_HEADERS if matches_header(name, patterns)), None)
    if own is not None:
        raise ValueError(f"would let an invocation set {own}, which only the function may set")
    return patterns


def parse_fixed_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Parse a JSON object of headers. Raises `ValueError` with words that follow the setting's name, and never a value."""
    try:
        members = parse_json(text)
    except ValueError:
        members = None
    if not isinstance(members, dict) or not members:
        raise ValueError('is not a JSON object of headers, such as {"api-version": "3"}')
    for name, value in members.items():
        if not is_header_name(name) or not is_header_value(value) or not value:
            raise ValueError("has a header whose name or value is not visible ASCII text; write each value as a string")
    _refuse_own(tuple(members))
    if len({name.lower() for name in members}) < len(members):
        raise ValueError("names a header twice")
    return tuple(members.items())


def parse_header_name(text: str) -> str:
    """Parse the name of one header. Raises `ValueError` with words that follow the setting's name."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError("is not the name of a header")
    _refuse_own((text,))
    return text


def _refuse_own(names: tuple[str, ...]) -> None:
    own = next((name for name in names if name.lower() in OWN_HEADERS), None)
    if own is not None:
        raise ValueError(f"names {own.lower()}, which only the function may set")


def matches_header(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a header's name is one of these names, or starts with one of these prefixes, whatever its case."""
    name = name.lower()
    by_prefix = not name.startswith(TRUSTED_HEADERS)
    return any(by_prefix and name.startswith(each[:-1]) if each.endswith("*") else name == each for each in patterns)


def is_header_name(name: str) -> bool:
    """Return whether it is a token (RFC 9110 section 5.6.2)."""
    return _NAME.fullmatch(name) is not None


def is_header_value(value: object) -> bool:
    """Return whether it is visible ASCII (RFC 9110 section 5.5), and not the text with which urllib3 leaves a header out."""
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None and value != SKIP_HEADER
