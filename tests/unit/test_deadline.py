from __future__ import annotations

import pytest

from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded, Party
from tests.conftest import MovableClock


@pytest.fixture
def deadline(clock: MovableClock) -> Deadline:
    return Deadline(25.0, monotonic=clock)


def test_all_of_it_is_left_at_the_start(deadline: Deadline) -> None:
    assert deadline.left_seconds() == 25.0


def test_counts_down(deadline: Deadline, clock: MovableClock) -> None:
    clock.move(10)
    assert deadline.left_seconds() == 15.0


def test_never_has_less_than_nothing_left(deadline: Deadline, clock: MovableClock) -> None:
    clock.move(100)
    assert deadline.left_seconds() == 0.0


def test_a_check_in_time_returns_what_is_left(deadline: Deadline, clock: MovableClock) -> None:
    clock.move(24.5)
    assert deadline.check(Party.API) == 0.5


@pytest.mark.parametrize("seconds", [25, 26, 1000])
def test_a_check_too_late_names_the_party_and_the_deadline(deadline: Deadline, clock: MovableClock, seconds: float) -> None:
    clock.move(seconds)
    with pytest.raises(DeadlineExceeded, match=r"^The API took longer than the 25 s that the invocation has"):
        deadline.check(Party.API)


def test_one_try_s_share_leaves_room_for_two_more(deadline: Deadline) -> None:
    assert deadline.share_seconds * 3 == 25.0


def test_a_share_does_not_shrink_as_time_passes(deadline: Deadline, clock: MovableClock) -> None:
    share_seconds = deadline.share_seconds
    clock.move(20)
    assert deadline.share_seconds == share_seconds
