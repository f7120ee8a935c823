"""Work that threads share: a cached value that one of them fetches, and work that a thread of its own does."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded, HelseidFnError

Value = TypeVar("Value")


class SingleFlight(Generic[Value]):
    """A cached value with single-flight refresh: one thread fetches while the others wait.

    A failure is not cached: it goes to the threads that waited for that very fetch, and the next caller tries again. A fetch
    that passed its own caller's deadline says nothing about the others', so it is not passed on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: Value | None = None
        self._fetches = 0
        self._failure: HelseidFnError | None = None

    @property
    def value(self) -> Value | None:
        """The cached value, usable or not."""
        return self._value

    @property
    def is_busy(self) -> bool:
        """Whether a thread is fetching."""
        return self._lock.locked()

    def get(self, is_usable: Callable[[Value], bool], fetch: Callable[[], Value], ctx: Context, party: Party) -> Value:
        """Return the cached value if it is usable, else fetch it or wait for the thread that does.

        Raises `DeadlineExceeded` when the caller's own deadline passes first, and whatever `fetch` raises.
        """
        value = self._value
        if value is not None and is_usable(value):
            return value
        fetches_seen = self._fetches
        if not self._lock.acquire(timeout=ctx.check(party)):
            raise DeadlineExceeded(party, ctx.deadline_seconds)
        try:
            if self._value is not None and is_usable(self._value):
                return self._value
            if self._failure is not None and self._fetches > fetches_seen:
                raise self._failure.without_traceback()
            return self._fetch(fetch)
        finally:
            self._lock.release()

    def _fetch(self, fetch: Callable[[], Value]) -> Value:
        self._value = self._failure = None
        try:
            self._value = fetch()
        except DeadlineExceeded:
            raise
        except HelseidFnError as error:
            self._failure = error.without_traceback()
            raise
        finally:
            self._fetches += 1
        return self._value


def run_with_timeout(work: Callable[[], Value], timeout_seconds: float, *, name: str) -> Value:
    """Run the work in a thread of this name and return its result, as `begin` says. Raises `TimeoutError`."""
    return begin(work, name=name)(timeout_seconds)


def begin(work: Callable[[], Value], *, name: str) -> Callable[[float], Value]:
    """Begin the work in a thread of this name, and return what waits for its result, once, for a number of seconds.

    A thread that takes longer is left behind, and the waiting raises `TimeoutError`. An exception of the work is a defect: the
    thread reports it on standard error.
    """
    done: queue.SimpleQueue[Value | None] = queue.SimpleQueue()

    def run() -> None:
        result = None
        try:
            result = work()
        finally:
            done.put(result)

    def wait(timeout_seconds: float) -> Value:
        try:
            result = done.get(timeout=timeout_seconds)
        except queue.Empty:
            raise TimeoutError(f"{name} exceeded its time limit") from None
        if result is None:
            raise RuntimeError(f"{name} failed unexpectedly")
        return result

    threading.Thread(target=run, name=name, daemon=True).start()
    return wait
