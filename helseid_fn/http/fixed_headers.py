"""The headers that the settings give every call to the API; pure.

A parser raises `ValueError` with words that follow the setting's name. They never repeat the text, which may be a secret.
"""

from __future__ import annotations

import re

from helseid_fn.http.caller_headers import OWN_HEADERS, is_header_value
from helseid_fn.http.json_text import parse_json

_NAME = re.compile(r"[a-z0-9-]+")
"""Without the other characters of a token: servers may read `content_length` as `content-length`."""

_OF_EACH_CALL = ("content-type", "traceparent")
"""Headers that say something about one call, so none of them is the same for all."""


def parse_fixed_headers(text: str) -> dict[str, str]:
    """Parse a JSON object of headers; their names are returned in lower case."""
    try:
        members = parse_json(text, object_pairs_hook=tuple)
    except ValueError:
        members = None
    if not isinstance(members, tuple):
        raise ValueError("is not a JSON object of headers")  # noqa: TRY004  # the text of a setting has no type
    headers = {
        parse_header_name(name, "has a name with other characters than letters, digits and hyphens"): value
        for name, value in members
    }
    if len(headers) < len(members):
        raise ValueError("names a header twice")
    if not all(is_header_value(value) for value in headers.values()):
        raise ValueError("has a value that is not visible ASCII in quotes")
    return headers


def parse_header_name(text: str, fault: str = "is not a header's name: letters, digits and hyphens") -> str:
    """Parse the name of a header that the settings may set, into lower case; `fault` is what is said of another text."""
    name = text.lower()
    if not _NAME.fullmatch(name):
        raise ValueError(fault)
    if name in OWN_HEADERS:
        raise ValueError(f"would set {name}, which only the function may set")
    if name in _OF_EACH_CALL:
        raise ValueError(f"would set {name}, which belongs to each call")
    return name
