from __future__ import annotations

import queue
import threading
import time

import pytest

from helseid_fn.concurrency import run_with_timeout


def test_returns_what_the_work_returns() -> None:
    assert run_with_timeout(lambda: "done", 5, name="work") == "done"


def test_the_work_runs_in_a_daemon_thread_of_that_name() -> None:
    thread = run_with_timeout(threading.current_thread, 5, name="work")
    assert (thread.name, thread.daemon) == ("work", True)


def test_work_that_takes_too_long_is_left_behind() -> None:
    ended = threading.Event()
    began_at = time.monotonic()
    with pytest.raises(TimeoutError, match="work"):
        run_with_timeout(lambda: ended.wait(5), 0.05, name="work")
    ended.set()
    assert time.monotonic() - began_at < 2


def test_work_that_fails_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: queue.SimpleQueue[type[BaseException]] = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda failure: raised.put(failure.exc_type))

    def fail() -> str:
        raise KeyError

    began_at = time.monotonic()
    with pytest.raises(RuntimeError, match="work failed"):
        run_with_timeout(fail, 5, name="work")
    assert raised.get(timeout=5) is KeyError
    assert time.monotonic() - began_at < 2
