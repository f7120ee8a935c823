"""The checks that a request passed, in order, for the console: each validator names what it has checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_passed: ContextVar[list[str] | None] = ContextVar("passed", default=None)


def passed(what: str) -> None:
    """Note that a check was passed, in words that complete "it was checked that …"; without a recording it is forgotten."""
    noted = _passed.get()
    if noted is not None:
        noted.append(what)


@contextmanager
def recording() -> Iterator[list[str]]:
    """Collect what is noted meanwhile in this thread."""
    noted: list[str] = []
    token = _passed.set(noted)
    try:
        yield noted
    finally:
        _passed.reset(token)
