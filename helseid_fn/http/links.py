"""Parses `Link`: the relations of a response to other URLs (RFC 8288 section 3); pure."""

from __future__ import annotations

import re

MAX_HEADER_LENGTH = 8192

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105  # token of RFC 9110 section 5.6.2
_VALUE = rf'(?:"(?:[^"\\]|\\.)*"|{_TOKEN})'
_LINK = re.compile(rf"[\s,]*<([^<>]*)>((?:\s*;\s*{_TOKEN}(?:\s*=\s*{_VALUE})?)*)\s*(?=,|$)")
_PARAMETER = re.compile(rf";\s*({_TOKEN})\s*=\s*({_VALUE})")


def parse_links(header: str | None) -> dict[str, str]:
    """Parse the value of `Link` into targets by their relations, in lower case; the first of a relation counts.

    Links of another resource (`anchor`) are left out. Parsing ends at the first syntax error and keeps the links before it.
    """
    links: dict[str, str] = {}
    text = (header or "")[:MAX_HEADER_LENGTH]
    position = 0
    while link := _LINK.match(text, position):
        parameters = {name.lower(): value.strip('"') for name, value in reversed(_PARAMETER.findall(link[2]))}
        if "anchor" not in parameters:
            for relation in parameters.get("rel", "").lower().split():
                links.setdefault(relation, link[1].strip())
        position = link.end()
    return links
