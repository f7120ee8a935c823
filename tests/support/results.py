"""Results for the tests of delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from helseid_fn.delivery.result import Result

ATTRIBUTES = {"invocation": "inv-1", "status": "200", "organization": "999977774", "correlation_id": "c-1"}


class BrokenBodyError(Exception):
    """Stands for whatever reading a body raises."""


def make_result(body: bytes | Iterable[bytes] = b'{"a": 1}', name: str = "day/1.json", content_type: str = "") -> Result:
    """Make a result of JSON."""
    return Result(name, content_type or "application/json", body, ATTRIBUTES)


def break_off(*blocks: bytes) -> Iterator[bytes]:
    """Yield the blocks of a body that breaks off after them."""
    yield from blocks
    raise BrokenBodyError
