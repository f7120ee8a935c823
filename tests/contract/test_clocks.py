"""Clocks that differ, tokens that end, an instance that sleeps: no call fails that need not, and the clock is named."""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from standin import StandIn, jose
from tests.conftest import MovableClock
from tests.support.deployment import Function, made, one_key

AHEAD = range(3, 11)
"""Seconds that our clock may not be ahead of HelseID's: what it signs lives for 8 s, and may end 10 s ahead at most."""
BEHIND = range(-10, -7)
"""Seconds that it may not be behind: what it signs has ended."""


@pytest.mark.parametrize("seconds", range(-6, 3))
@one_key
def test_a_clock_that_is_a_little_off_is_borne(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, seconds: int
) -> None:
    standin = start_standin(clock=clock)
    assert deploy(standin, now=lambda: clock() + seconds).call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize("seconds", [*AHEAD, *BEHIND])
@one_key
def test_a_clock_that_is_further_off_is_refused_by_helseid_in_a_sentence_that_says_how_far(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, seconds: int
) -> None:
    standin = start_standin(clock=clock)
    problem = deploy(standin, now=lambda: clock() + seconds).call().json or {}
    assert problem["code"] == "helseid.refused.invalid_client"
    way = "ahead of" if seconds > 0 else "behind"
    assert f"this machine's clock is {abs(seconds)} s {way} HelseID's" in problem["detail"]
    assert made(standin) == {"metadata": 1, "token": 1}


@one_key
def test_a_clock_that_only_the_api_does_not_bear_is_named_too(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    problem = deploy(standin, now=lambda: clock() - 7).call().json or {}
    assert problem["code"] == "api.refused.invalid_dpop_proof"
    assert "the clock is 7 s behind the API's" in problem["detail"]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize(("before", "after"), [(2, -6), (-6, 2)])
@one_key
def test_a_clock_that_is_set_while_a_token_is_held_fails_no_call(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, before: int, after: int
) -> None:
    ours = MovableClock(clock() + before)
    standin = start_standin(clock=clock, token_lifetime_seconds=20)
    function = deploy(standin, now=ours)
    assert function.call().status_code == 200
    ours.move(after - before)
    for _ in range(20):
        assert function.call().status_code == 200
        clock.move(1)
        ours.move(1)


@pytest.mark.parametrize(("lifetime", "set_back"), [(1, 0.5), (5, 2)])
@one_key
def test_a_token_that_ends_by_the_apis_clock_while_it_is_held_by_ours_is_renewed_once(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, lifetime: int, set_back: float
) -> None:
    ours = MovableClock(clock())
    standin = start_standin(clock=clock, token_lifetime_seconds=lifetime)
    function = deploy(standin, now=ours)
    function.call()
    clock.move(lifetime)
    ours.move(lifetime - set_back)
    standin.reset_record()
    assert function.call().status_code == 200
    assert made(standin) == {"token": 1, "api": 2}


@pytest.mark.parametrize("lifetime", [1, 5, 60, 600])
@one_key
def test_a_call_that_is_made_at_the_very_moment_when_its_token_ends_succeeds(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, lifetime: int
) -> None:
    standin = start_standin(clock=clock, token_lifetime_seconds=lifetime)
    function = deploy(standin, now=clock)
    function.call()
    for left in (0.001, 0, -0.001):
        clock.move(lifetime - left)
        standin.reset_record()
        assert function.call().status_code == 200
        assert standin.count("api") == 1


@pytest.mark.parametrize("lifetime", [5, 600, 7200])
@one_key
def test_an_instance_that_was_frozen_for_an_hour_serves_its_next_call(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, lifetime: int
) -> None:
    """Its connections died, and its monotonic clock stood still."""
    standin = start_standin(clock=clock, token_lifetime_seconds=lifetime, api_nonce=True)
    function = deploy(standin, now=clock)
    function.call()
    standin.helseid.drop_connections()
    standin.api.drop_connections()
    clock.move(3600)
    standin.reset_record()
    assert function.call().status_code == 200
    # Nonces live for a minute, so each server asks for a new one.
    assert made(standin) == ({"api": 2} if lifetime == 7200 else {"token": 2, "api": 2})


@one_key
def test_a_thousand_calls_over_tokens_of_five_seconds_fail_not_once_and_fetch_each_token_once(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function]
) -> None:
    """Eight threads, and an API with no tolerance; the clock of all runs four times as fast, to last for several lives."""
    begun_at = time.time()

    def clock() -> float:
        return begun_at + 4 * (time.time() - begun_at)

    standin = start_standin(clock=clock, token_lifetime_seconds=5)
    function = deploy(standin, now=clock)
    numbers, lock = itertools.count(), threading.Lock()

    def call_while_there_are_any() -> list[int]:
        statuses = []
        while True:
            with lock:
                if next(numbers) >= 1000:
                    return statuses
            statuses.append(function.call().status_code)

    with ThreadPoolExecutor(8) as pool:
        statuses = [each for work in [pool.submit(call_while_there_are_any) for _ in range(8)] for each in work.result()]
    granted = [each for each in standin.exchanges("token") if each.status == 200]
    ends = [jose.read(each.answer_json["access_token"]).claims["exp"] for each in granted]
    # Half a second is the margin; a second's fraction may pass on the way, and HelseID counts whole ones.
    early = [end - later.started_at for end, later in zip(ends, granted[1:], strict=False) if later.started_at < end - 1.5]
    assert statuses == [200] * 1000
    assert len(granted) >= 2
    assert early == []
