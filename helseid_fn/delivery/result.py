"""A result to deliver, the receipt for it, and the protocol of what stores it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from helseid_fn.context import Context
from helseid_fn.delivery.address import CURSOR_NAME, is_cursor_name
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused

MAX_NAME_LENGTH = 500
_SEGMENT = re.compile(r"[A-Za-z0-9!_.*'()=@+,:~-]+")


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be stored under a name; the same name overwrites."""

    name: str
    """Relative, in segments separated by slashes, as `check_name` returns it."""
    content_type: str
    body: bytes | Iterable[bytes] = field(repr=False)
    """All of it, or blocks that can be read once. Reading them may raise what the API's failures raise."""
    attributes: Mapping[str, str]
    """Where it comes from: `invocation`, `status`, `organization`, `time`, `correlation_id`; each place adds `sha256`."""
    run: str = ""
    """What a repetition of the run has too, and no other run."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a result was stored, how large it is, and its SHA-256 in hexadecimal."""

    address: str
    size_bytes: int
    sha256: str


class Destination(Protocol):
    """A place that stores results; safe for threads."""

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Store the result, and return only when it is stored; a body that breaks off leaves nothing under its name.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded` of `Party.DELIVERY`, and what reading the body
        raises.
        """
        ...


def check_name(name: str) -> str:
    """Return the name of a result. Raises `Refused` for one that is not a relative path, or that is the cursor's."""
    segments = name.split("/")
    is_safe = all(_SEGMENT.fullmatch(each) and each.strip(".") for each in segments)
    if not is_safe or len(name) > MAX_NAME_LENGTH or is_cursor_name(name):
        rule = f"a relative path of at most {MAX_NAME_LENGTH} letters, digits and !_.*'()=@+,:~- other than {CURSOR_NAME}"
        raise Refused(Party.DELIVERY, "name", f"The name of a result is not usable. Deliver it under {rule}.")
    return name
