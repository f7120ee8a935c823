from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from helseid_fn.concurrency import SingleFlight
from helseid_fn.context import Context
from helseid_fn.errors import DeadlineExceeded, HelseidFnError, Party, Refused, Unavailable
from tests.conftest import MovableClock
from tests.support.parts import make_context

WAIT_SECONDS = 10.0
"""The longest that a test waits for a thread; none waits at all when all is well."""


def always(_value: str) -> bool:
    return True


def never(_value: str) -> bool:
    return False


def get(
    flight: SingleFlight[str],
    fetch: Callable[[], str],
    is_usable: Callable[[str], bool] = always,
    ctx: Context | None = None,
) -> str:
    return flight.get(is_usable, fetch, ctx or make_context(), Party.HELSEID)


class Gate:
    """A fetch that begins, and ends when the test releases it."""

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


class CountedContext(Context):
    """A context that counts the threads that have begun to wait."""

    def __init__(self, waiting: threading.Semaphore) -> None:
        super().__init__(WAIT_SECONDS, monotonic=lambda: 0.0)
        self._waiting = waiting

    def check(self, party: Party) -> float:
        left = super().check(party)
        self._waiting.release()
        return left


def fail() -> str:
    raise AssertionError("fetched although a value is cached")


def refused() -> Refused:
    return Refused(Party.HELSEID, "invalid_client", "no.")


def waiting_callers(flight: SingleFlight[str], first: Gate, others: Callable[[], str], count: int) -> list[Future[str]]:
    """Start one fetch and let others wait for it; the first of the futures is the one that fetches."""
    pool = ThreadPoolExecutor(count + 1)
    futures = [pool.submit(get, flight, first)]
    assert first.began.wait(WAIT_SECONDS)
    waiting = threading.Semaphore(0)
    futures += [pool.submit(get, flight, others, always, CountedContext(waiting)) for _ in range(count)]
    for _ in range(count):
        assert waiting.acquire(timeout=WAIT_SECONDS)
    first.may_end.set()
    pool.shutdown(wait=True)
    return futures


def raise_(error: HelseidFnError | RuntimeError) -> Callable[[], str]:
    def fetch() -> str:
        raise error

    return fetch


def test_a_cached_value_is_not_fetched_again() -> None:
    flight: SingleFlight[str] = SingleFlight()
    assert (get(flight, lambda: "value"), get(flight, fail)) == ("value", "value")


def test_a_value_that_is_not_usable_is_fetched_again() -> None:
    flight: SingleFlight[str] = SingleFlight()
    get(flight, lambda: "old")
    assert get(flight, lambda: "new", lambda value: value == "new") == "new"


def test_a_fetched_value_is_returned_even_if_unusable() -> None:
    assert get(SingleFlight(), lambda: "stale", never) == "stale"


def test_fifty_threads_get_the_value_of_one_fetch() -> None:
    gate = Gate("value")
    futures = waiting_callers(SingleFlight(), gate, fail, 49)
    assert ([future.result() for future in futures], gate.calls) == (["value"] * 50, 1)


def test_fifty_threads_at_once_fetch_once() -> None:
    flight: SingleFlight[str] = SingleFlight()
    barrier, calls = threading.Barrier(50), []

    def fetch() -> str:
        calls.append(1)
        return "value"

    def call() -> str:
        barrier.wait(WAIT_SECONDS)
        return get(flight, fetch)

    with ThreadPoolExecutor(50) as pool:
        values = [pool.submit(call) for _ in range(50)]
    assert ({future.result() for future in values}, len(calls)) == ({"value"}, 1)


def test_each_waiting_thread_raises_its_own_copy_of_a_failure() -> None:
    failure = Unavailable(Party.HELSEID, "server_error", "later.", retry_after_seconds=17)
    errors = [future.exception() for future in waiting_callers(SingleFlight(), Gate(failure), fail, 10)]
    assert len({id(error) for error in errors}) == 11
    for error in errors:
        assert isinstance(error, Unavailable)
        assert (str(error), error.code, error.retry_after_seconds) == ("later.", failure.code, 17)


def test_a_failure_is_not_cached() -> None:
    flight: SingleFlight[str] = SingleFlight()
    with pytest.raises(Refused):
        get(flight, raise_(refused()))
    assert get(flight, lambda: "value") == "value"


def test_a_caller_after_a_shared_failure_tries_again() -> None:
    flight: SingleFlight[str] = SingleFlight()
    waiting_callers(flight, Gate(refused()), fail, 5)
    assert get(flight, lambda: "value") == "value"


def test_a_failed_renewal_drops_the_old_value() -> None:
    flight: SingleFlight[str] = SingleFlight()
    get(flight, lambda: "old")
    with pytest.raises(Refused):
        get(flight, raise_(refused()), never)
    assert get(flight, lambda: "new") == "new"


@pytest.mark.parametrize("error", [DeadlineExceeded(Party.HELSEID, 1.0), RuntimeError("a defect")], ids=["deadline", "defect"])
def test_a_deadline_and_a_defect_are_not_passed_on(error: Exception) -> None:
    first, *others = waiting_callers(SingleFlight(), Gate(error), lambda: "value", 5)
    assert (first.exception(), [future.result() for future in others]) == (error, ["value"] * 5)


def test_a_defect_releases_the_lock() -> None:
    flight: SingleFlight[str] = SingleFlight()
    with pytest.raises(RuntimeError):
        get(flight, raise_(RuntimeError("a defect")))
    assert not flight.is_busy


def test_a_waiting_thread_keeps_its_own_deadline() -> None:
    flight: SingleFlight[str] = SingleFlight()
    gate = Gate("value")
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(get, flight, gate)
        assert gate.began.wait(WAIT_SECONDS)
        with pytest.raises(DeadlineExceeded, match=r"^HelseID .* 0\.001 s "):
            get(flight, fail, ctx=make_context(0.001))
        gate.may_end.set()
    assert future.result() == "value"


def test_only_a_cached_value_needs_no_time(clock: MovableClock) -> None:
    flight: SingleFlight[str] = SingleFlight()
    get(flight, lambda: "value")
    ctx = Context(1.0, monotonic=clock)
    clock.move(1)
    assert get(flight, fail, ctx=ctx) == "value"
    with pytest.raises(DeadlineExceeded):
        get(SingleFlight(), fail, ctx=ctx)


def test_is_busy_while_a_thread_fetches() -> None:
    flight: SingleFlight[str] = SingleFlight()
    seen = []
    get(flight, lambda: seen.append(flight.is_busy) or "value")  # type: ignore[func-returns-value]
    assert (seen, flight.is_busy) == ([True], False)
