from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, Party, Refused, Unreachable
from helseid_fn.single_flight import Held
from tests.conftest import MovableClock
from tests.support.parts import make_deadline

WAIT_SECONDS = 10.0
"""The longest that a test waits for a thread; none waits at all when all is well."""


def always(_value: str) -> bool:
    return True


def never(_value: str) -> bool:
    return False


def get(
    held: Held[str],
    fetch: Callable[[], str],
    is_usable: Callable[[str], bool] = always,
    deadline: Deadline | None = None,
) -> str:
    return held.get(is_usable, fetch, deadline or make_deadline(), Party.HELSEID)


class Gate:
    """A fetch that begins, and ends when the test says so."""

    def __init__(self, outcome: str | Exception) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()
        self.calls = 0
        self._outcome = outcome

    def __call__(self) -> str:
        self.calls += 1
        self.began.set()
        assert self.may_end.wait(WAIT_SECONDS)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class Counter:
    """A deadline that says how many threads have come to wait."""

    def __init__(self, expected: int) -> None:
        self._waiting = threading.Semaphore(0)
        self._expected = expected

    def deadline(self) -> Deadline:
        waiting = self._waiting

        class Counted(Deadline):
            def check(self, party: Party) -> float:
                left = super().check(party)
                waiting.release()
                return left

        return Counted(WAIT_SECONDS, monotonic=lambda: 0.0)

    def wait(self) -> None:
        for _ in range(self._expected):
            assert self._waiting.acquire(timeout=WAIT_SECONDS)


def fail() -> str:
    raise AssertionError("fetched although a value is held")


def refused() -> Refused:
    return Refused(Party.HELSEID, "invalid_client", "no.")


def waiting_callers(held: Held[str], first: Gate, others: Callable[[], str], count: int) -> list[Future[str]]:
    """Start one fetch and let others wait for it; the first of the futures is the one that fetches."""
    pool = ThreadPoolExecutor(count + 1)
    futures = [pool.submit(get, held, first)]
    assert first.began.wait(WAIT_SECONDS)
    counter = Counter(count)
    futures += [pool.submit(get, held, others, always, counter.deadline()) for _ in range(count)]
    counter.wait()
    first.may_end.set()
    pool.shutdown(wait=True)
    return futures


def test_fetches_what_is_not_held() -> None:
    assert get(Held(), lambda: "value") == "value"


def test_a_held_value_is_not_fetched_again() -> None:
    held: Held[str] = Held()
    get(held, lambda: "value")
    assert get(held, fail) == "value"


def test_a_value_that_is_not_usable_is_fetched_again() -> None:
    held: Held[str] = Held()
    get(held, lambda: "old")
    assert get(held, lambda: "new", lambda value: value == "new") == "new"


def test_a_fetched_value_is_returned_even_if_it_is_not_usable() -> None:
    assert get(Held(), lambda: "stale", never) == "stale"


def test_fifty_threads_fetch_once() -> None:
    gate = Gate("value")
    waiting_callers(Held(), gate, fail, 49)
    assert gate.calls == 1


def test_fifty_threads_get_the_one_value() -> None:
    assert [future.result() for future in waiting_callers(Held(), Gate("value"), fail, 49)] == ["value"] * 50


def test_fifty_threads_at_once_fetch_once() -> None:
    held: Held[str] = Held()
    barrier, calls = threading.Barrier(50), []

    def fetch() -> str:
        calls.append(1)
        return "value"

    def call() -> str:
        barrier.wait(WAIT_SECONDS)
        return get(held, fetch)

    with ThreadPoolExecutor(50) as pool:
        values = [pool.submit(call) for _ in range(50)]
    assert ({future.result() for future in values}, len(calls)) == ({"value"}, 1)


def test_a_failure_goes_to_all_who_waited_for_it() -> None:
    futures = waiting_callers(Held(), Gate(refused()), fail, 10)
    assert [type(future.exception()) for future in futures] == [Refused] * 11


def test_each_thread_raises_an_error_of_its_own() -> None:
    futures = waiting_callers(Held(), Gate(refused()), fail, 10)
    assert len({id(future.exception()) for future in futures}) == 11


def test_a_failure_is_passed_on_with_all_that_it_says() -> None:
    failure = Unreachable(Party.HELSEID, "server_error", "later.", retry_after_seconds=17)
    passed_on = waiting_callers(Held(), Gate(failure), fail, 1)[1].exception()
    assert isinstance(passed_on, Unreachable)
    assert (str(passed_on), passed_on.code, passed_on.retry_after_seconds) == ("later.", failure.code, 17)


def test_a_failure_is_not_held() -> None:
    held: Held[str] = Held()
    with pytest.raises(Refused):
        get(held, _raise(refused()))
    assert get(held, lambda: "value") == "value"


def _raise(error: HelseidFnError | RuntimeError) -> Callable[[], str]:
    def fetch() -> str:
        raise error

    return fetch


def test_who_comes_after_a_failure_tries_again_although_others_were_given_it() -> None:
    held: Held[str] = Held()
    waiting_callers(held, Gate(refused()), fail, 5)
    assert get(held, lambda: "value") == "value"


def test_a_failed_renewal_drops_the_old_value() -> None:
    held: Held[str] = Held()
    get(held, lambda: "old")
    with pytest.raises(Refused):
        get(held, _raise(refused()), never)
    assert get(held, lambda: "new") == "new"


def test_the_deadline_of_the_one_who_fetched_is_not_passed_on() -> None:
    futures = waiting_callers(Held(), Gate(DeadlineExceeded(Party.HELSEID, 1.0)), lambda: "value", 5)
    assert [future.result() for future in futures[1:]] == ["value"] * 5


def test_the_one_who_fetched_gets_its_own_deadline() -> None:
    futures = waiting_callers(Held(), Gate(DeadlineExceeded(Party.HELSEID, 1.0)), lambda: "value", 1)
    assert isinstance(futures[0].exception(), DeadlineExceeded)


def test_a_defect_is_not_passed_on() -> None:
    futures = waiting_callers(Held(), Gate(RuntimeError("a defect")), lambda: "value", 5)
    assert [future.result() for future in futures[1:]] == ["value"] * 5


def test_a_defect_leaves_the_lock_free() -> None:
    held: Held[str] = Held()
    with pytest.raises(RuntimeError):
        get(held, _raise(RuntimeError("a defect")))
    assert not held.is_busy


def test_who_waits_does_so_within_its_own_deadline() -> None:
    held: Held[str] = Held()
    gate = Gate("value")
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(get, held, gate)
        assert gate.began.wait(WAIT_SECONDS)
        with pytest.raises(DeadlineExceeded, match=r"HelseID took longer than the 0\.001 s"):
            get(held, fail, deadline=make_deadline(0.001))
        gate.may_end.set()
    assert future.result() == "value"


def test_no_time_left_means_no_fetch(clock: MovableClock) -> None:
    deadline = Deadline(1.0, monotonic=clock)
    clock.move(1)
    with pytest.raises(DeadlineExceeded):
        get(Held(), fail, deadline=deadline)


def test_a_held_value_needs_no_time(clock: MovableClock) -> None:
    held: Held[str] = Held()
    get(held, lambda: "value")
    deadline = Deadline(1.0, monotonic=clock)
    clock.move(1)
    assert get(held, fail, deadline=deadline) == "value"


def test_tells_whether_a_thread_is_fetching() -> None:
    held: Held[str] = Held()
    seen = []
    get(held, lambda: seen.append(held.is_busy) or "value")  # type: ignore[func-returns-value]
    assert (seen, held.is_busy) == ([True], False)
