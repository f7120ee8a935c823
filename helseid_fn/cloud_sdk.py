"""What the clouds' SDKs do not do themselves: load within the deadline, and retry a bounded number of times."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from helseid_fn.concurrency import run_with_timeout
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, InvalidResponse, Unavailable
from helseid_fn.http.retries import MAX_TRANSIENT_RETRIES, pause_seconds

Result = TypeVar("Result")


def load_within_deadline(
    load: Callable[[], Result | HelseidFnError | ImportError], ctx: Context, *, name: str, party: Party = Party.SECRET_MANAGER
) -> Result:
    """Import an SDK or make its client in a thread of this name, and return it; an error that it returns is raised.

    On a small instance the import takes seconds, and an SDK looks for credentials as long as it likes.

    Raises `DeadlineExceeded`.
    """
    try:
        loaded = run_with_timeout(load, ctx.check(party), name=name)
    except TimeoutError:
        raise DeadlineExceeded(party, ctx.deadline_seconds) from None
    if isinstance(loaded, HelseidFnError | ImportError):
        raise loaded
    return loaded


def retry_transient(
    attempt: Callable[[], Result],
    ctx: Context,
    *,
    sleep: Callable[[float], None],
    random: Callable[[], float],
    repeatable: bool = True,
) -> Result:
    """Return what the attempt returns; transient failures are retried at most twice, within the deadline.

    Raises what the last attempt raises.
    """
    retries = 0
    while True:
        try:
            return attempt()
        except (Unavailable, InvalidResponse):
            pause = pause_seconds(retries, random())
            if not repeatable or retries == MAX_TRANSIENT_RETRIES or pause >= ctx.left_seconds():
                raise
        sleep(pause)
        retries += 1
