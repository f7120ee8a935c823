"""A value that many threads share and one of them fetches, while the others wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, Party

Value = TypeVar("Value")


class Held(Generic[Value]):
    """Holds one value; the lock is held during the fetch, so that any number of threads makes one fetch.

    A failure is not held: it goes to the threads that waited for that very fetch, and the next caller tries again. A fetch
    that ran out of its own caller's time says nothing about the others' and is not passed on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: Value | None = None
        self._fetches = 0
        self._failure: HelseidFnError | None = None

    @property
    def is_busy(self) -> bool:
        """Tell whether a thread is fetching."""
        return self._lock.locked()

    def get(self, is_usable: Callable[[Value], bool], fetch: Callable[[], Value], deadline: Deadline, party: Party) -> Value:
        """Return the held value if it is usable, else fetch it, or wait for the thread that does.

        Raises `DeadlineExceeded` when the caller's own time is up first, and whatever `fetch` raises.
        """
        value = self._value
        if value is not None and is_usable(value):
            return value
        fetches_seen = self._fetches
        if not self._lock.acquire(timeout=deadline.check(party)):
            raise DeadlineExceeded(party, deadline.total_seconds)
        try:
            if self._value is not None and is_usable(self._value):
                return self._value
            if self._failure is not None and self._fetches > fetches_seen:
                raise self._failure.twin()
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
            self._failure = error.twin()
            raise
        finally:
            self._fetches += 1
        return self._value
