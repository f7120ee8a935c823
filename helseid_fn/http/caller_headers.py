"""Which headers a caller may set: names, or prefixes that end in `*`, none of which covers a header of the function; pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from urllib3.util import SKIP_HEADER

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


def matches_header(name: str, patterns: tuple[str, ...], fixed: Collection[str] = ()) -> bool:
    """Return whether a header's name is one of these names, or starts with one of these prefixes, whatever its case.

    No prefix covers a name that is `fixed`, in lower case.
    """
    name = name.lower()
    by_prefix = not name.startswith(TRUSTED_HEADERS) and name not in fixed
    return any(by_prefix and name.startswith(each[:-1]) if each.endswith("*") else name == each for each in patterns)


def is_header_name(name: str) -> bool:
    """Return whether it is a token (RFC 9110 section 5.6.2)."""
    return _NAME.fullmatch(name) is not None


def is_header_value(value: object) -> bool:
    """Return whether it is visible ASCII (RFC 9110 section 5.5), and not the text with which urllib3 leaves a header out."""
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None and value != SKIP_HEADER
