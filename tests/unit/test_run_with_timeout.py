from __future__ import annotations

import queue
import threading
import time

import pytest

from helseid_fn.concurrency import finish_in_time


def test_returns_what_the_work_returns() -> None:
    assert finish_in_time(lambda: "done", 5, name="work") == "done"


def test_the_work_is_done_in_a_thread_of_that_name_which_ends_nothing_when_it_stays_behind() -> None:
    thread = finish_in_time(threading.current_thread, 5, name="work")
    assert (thread.name, thread.daemon) == ("work", True)


def test_work_that_takes_too_long_is_left_behind() -> None:
    ended = threading.Event()
    began_at = time.monotonic()
    with pytest.raises(TimeoutError, match="work took longer"):
        finish_in_time(lambda: ended.wait(5), 0.05, name="work")
    ended.set()
    assert time.monotonic() - began_at < 2


def test_work_that_fails_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told: queue.SimpleQueue[type[BaseException]] = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda failure: told.put(failure.exc_type))

    def fail() -> str:
        raise KeyError

    began_at = time.monotonic()
    with pytest.raises(RuntimeError, match="work failed as it never should"):
        finish_in_time(fail, 5, name="work")
    assert told.get(timeout=5) is KeyError
    assert time.monotonic() - began_at < 2
