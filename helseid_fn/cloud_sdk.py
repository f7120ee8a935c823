"""What the clouds' SDKs do not do themselves: load within the deadline, and retry a bounded number of times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from helseid_fn.concurrency import SingleFlight, run_with_timeout
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, InvalidResponse, Refused, Unavailable
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


class Lazy(Generic[Result]):
    """What imports an SDK, loaded once, at its first use."""

    def __init__(
        self, load: Callable[[], Result], explain_missing: Callable[[str], Refused], *, name: str, party: Party
    ) -> None:
        """Take what the name of a module that is not installed means, and the name of the thread that loads."""
        self._load = load
        self._explain_missing = explain_missing
        self._name = name
        self._party = party
        self._loaded: SingleFlight[Result] = SingleFlight()

    def get(self, ctx: Context) -> Result:
        """Return it. Raises `Refused` where the SDK is not installed, and `DeadlineExceeded`."""

        def load() -> Result:
            return load_within_deadline(self._import, ctx, name=self._name, party=self._party)

        return self._loaded.get(lambda _: True, load, ctx, self._party)

    def _import(self) -> Result | Refused | ImportError:
        try:
            return self._load()
        except ModuleNotFoundError as error:
            return self._explain_missing(str(error.name))
        except ImportError as error:
            return error


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
