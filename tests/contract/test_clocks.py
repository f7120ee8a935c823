"""Different clocks, expiring tokens, a suspended instance: no call fails needlessly, and the clock is named as the cause."""

import itertools
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from standin import StandIn, jose
from tests.conftest import MovableClock
from tests.support.deployment import Function, log_lines, made

AHEAD = range(6, 11)
"""Seconds that our clock may not be ahead of HelseID's: what it signs begins 5 s earlier, and may end 10 s ahead at most."""
BEHIND = range(-10, -4)
"""Seconds that it may not be behind: what it signs lives for 5 s."""


@pytest.mark.parametrize("seconds", range(-4, 6))
def test_a_clock_that_is_a_little_off_does_no_harm(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, seconds: int
) -> None:
    standin = start_standin(clock=clock)
    assert deploy(standin, now=lambda: clock() + seconds).call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize("seconds", [*AHEAD, *BEHIND, 30, -30])
def test_a_refusal_says_how_far_the_clock_is_off(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
    seconds: int,
) -> None:
    standin = start_standin(clock=clock)
    problem = deploy(standin, now=lambda: clock() + seconds).call().json or {}
    assert problem["code"] == "helseid.refused.invalid_client"
    way = "ahead of" if seconds > 0 else "behind"
    assert log_lines(capsys.readouterr().out)[-1]["clock_difference_seconds"] == seconds
    assert problem["detail"].startswith(f"This machine's clock is about {abs(seconds)} s {way} HelseID's: ")
    assert made(standin) == {"metadata": 1, "token": 1}


def test_a_clock_that_only_the_api_refuses_is_named_too(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock, clock_skew_seconds=60)
    problem = deploy(standin, now=lambda: clock() - 8).call().json or {}
    assert problem["code"] == "api.refused.invalid_dpop_proof"
    assert problem["detail"].startswith("This machine's clock is about 8 s behind the API's and HelseID's: ")
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_what_is_signed_is_no_older_than_its_connection(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look-up takes 9 s by every clock, longer than an assertion or a proof is valid."""
    standin = start_standin(clock=clock, token_lifetime_seconds=600)
    function = deploy(standin, now=clock)
    look_up = socket.getaddrinfo

    def look_up_slowly(*arguments: Any, **options: Any) -> Any:
        clock.move(9)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_slowly)
    for _ in range(2):  # the second time, the metadata is cached, so the token's request opens the connection
        assert function.call().status_code == 200
        clock.move(3600)
    assert made(standin) == {"metadata": 1, "token": 4, "api": 2}


@pytest.mark.parametrize(("before", "after"), [(5, -4), (-4, 5)])
def test_setting_the_clock_with_a_cached_token_fails_no_call(
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
def test_a_token_expired_by_the_apis_clock_is_renewed_once(
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
def test_a_call_as_its_token_expires_succeeds(
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
def test_an_instance_frozen_for_an_hour_serves_its_next_call(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, lifetime: int
) -> None:
    """Its connections died, and its monotonic clock stopped."""
    standin = start_standin(clock=clock, token_lifetime_seconds=lifetime, api_nonce=True)
    function = deploy(standin, now=clock)
    function.call()
    standin.helseid.drop_connections()
    standin.api.drop_connections()
    clock.move(3600)
    standin.reset_record()
    assert function.call().status_code == 200
    # Nonces live for a minute, so each server requires a new one.
    assert made(standin) == ({"api": 2} if lifetime == 7200 else {"token": 2, "api": 2})


def test_a_thousand_calls_over_short_lived_tokens_all_succeed(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function]
) -> None:
    """Eight threads, and an API with no tolerance; every clock runs four times as fast, to outlast several tokens."""
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
    ends = [jose.read(each.response_json["access_token"]).claims["exp"] for each in granted]
    # The margin is half a second: a request takes a fraction of a second, and HelseID counts whole seconds.
    early = [end - later.started_at for end, later in zip(ends, granted[1:], strict=False) if later.started_at < end - 1.5]
    assert statuses == [200] * 1000
    assert len(granted) >= 2
    assert early == []
