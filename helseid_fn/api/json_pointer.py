"""What a JSON pointer (RFC 6901) finds in a document; pure."""

from __future__ import annotations

import re
from typing import Any

_POINTER = re.compile(r"(/([^~/]|~[01])*)+")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def is_pointer(text: str) -> bool:
    """Return whether the text is a pointer to a part of a document."""
    return _POINTER.fullmatch(text) is not None


def find(document: Any, pointer: str) -> Any:
    """Return what the pointer finds, None where there is nothing."""
    for escaped in pointer.split("/")[1:]:
        token = escaped.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(token)
        elif isinstance(document, list) and _INDEX.fullmatch(token) and int(token) < len(document):
            document = document[int(token)]
        else:
            return None
    return document
