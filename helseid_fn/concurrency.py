"""Work that knows no deadline, given one: it is done in a thread of its own, which is left behind when its time is up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

Outcome = TypeVar("Outcome")


def finish_in_time(work: Callable[[], Outcome], timeout_seconds: float, *, name: str) -> Outcome:
    """Return what the work returns; what it raises is a defect, and is told on standard error by the thread of this name.

    Raises `TimeoutError` when its time is up first.
    """
    done: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()

    def do() -> None:
        outcome = None
        try:
            outcome = work()
        finally:
            done.put(outcome)

    threading.Thread(target=do, name=name, daemon=True).start()
    try:
        outcome = done.get(timeout=timeout_seconds)
    except queue.Empty:
        raise TimeoutError(f"{name} took longer than its time") from None
    if outcome is None:
        raise RuntimeError(f"{name} failed as it never should")
    return outcome
