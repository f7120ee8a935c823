from __future__ import annotations

import pytest

from helseid_fn.context import Context
from helseid_fn.errors import DeadlineExceeded, Party
from helseid_fn.keys.expiry import KeyExpiry
from tests.conftest import MovableClock

DAY = 86400
EXPIRES_AT = 1_767_100_393  # 2025-12-30T13:13:13Z


@pytest.fixture
def ctx(clock: MovableClock) -> Context:
    return Context(25.0, invocation_id="the-id", monotonic=clock)


def test_the_time_left_counts_down_to_zero(ctx: Context, clock: MovableClock) -> None:
    left = []
    for seconds in (0, 10, 14.5, 100):
        clock.move(seconds)
        left.append(ctx.left_seconds())
    assert left == [25.0, 15.0, 0.5, 0.0]


def test_a_check_in_time_returns_the_time_left(ctx: Context, clock: MovableClock) -> None:
    clock.move(24.5)
    assert ctx.check(Party.API) == 0.5


@pytest.mark.parametrize("seconds", [25, 26, 1000])
def test_a_late_check_names_the_party_and_the_deadline(ctx: Context, clock: MovableClock, seconds: float) -> None:
    clock.move(seconds)
    with pytest.raises(DeadlineExceeded, match=r"^The API .* 25 s ") as raised:
        ctx.check(Party.API)
    assert (raised.value.code, raised.value.party) == ("api.deadline_exceeded", Party.API)


def test_an_attempt_takes_a_third_of_the_whole_deadline(ctx: Context, clock: MovableClock) -> None:
    before = ctx.attempt_seconds
    clock.move(20)
    assert (before * 3, ctx.attempt_seconds) == (25.0, before)


def test_the_log_fields_begin_empty(ctx: Context) -> None:
    assert ctx.log_fields() == {
        "invocation": "the-id",
        "duration_ms": 0,
        "durations_ms": {},
        "requests": {"secret_store": 0, "helseid": 0, "api": 0},
        "outcomes": {},
    }


def test_the_log_fields_have_counts_times_and_facts(clock: MovableClock) -> None:
    ctx = Context(25.0, invocation_id="the-id", facts={"scheduler_job": "nightly"}, monotonic=clock)
    for seconds, outcome in ((0.1, 400), (0.2, 200)):
        with ctx.request(Party.HELSEID):
            clock.move(seconds)
        ctx.note_outcome(Party.HELSEID, outcome)
    clock.move(0.05)
    with ctx.request(Party.API):
        clock.move(0.4)
    ctx.note_outcome(Party.API, "timeout")
    ctx.note(kid="my-kid", assertion_jti="jti")
    assert ctx.log_fields() == {
        "invocation": "the-id",
        "duration_ms": 750,
        "durations_ms": {"helseid": 300, "api": 400},
        "requests": {"secret_store": 0, "helseid": 2, "api": 1},
        "outcomes": {"helseid": [400, 200], "api": ["timeout"]},
        "scheduler_job": "nightly",
        "kid": "my-kid",
        "assertion_jti": "jti",
    }


def test_selvbetjening_is_listed_once_it_was_called(ctx: Context) -> None:
    assert "selvbetjening" not in ctx.request_counts()
    with ctx.request(Party.SELVBETJENING):
        pass
    assert ctx.request_counts()["selvbetjening"] == 1


def test_a_request_that_failed_is_counted_and_timed(ctx: Context, clock: MovableClock) -> None:
    def slow_failure() -> None:
        clock.move(2)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), ctx.request(Party.API):
        slow_failure()
    assert (ctx.request_counts()["api"], ctx.log_fields()["durations_ms"]) == (1, {"api": 2000})


def test_the_latest_note_counts_and_none_removes_it(ctx: Context) -> None:
    ctx.note(kid="old", rotation="not_due")
    ctx.note(kid="new", rotation=None)
    assert ctx.facts == {"kid": "new"}


def test_two_contexts_share_nothing(ctx: Context) -> None:
    ctx.note_outcome(Party.API, 200)
    ctx.note(kid="mine")
    other = Context(25.0)
    assert (other.outcomes[Party.API], other.facts) == ([], {})


@pytest.mark.parametrize(("days_before", "days_left"), [(1.5, 1.5), (-1, -1)], ids=["valid", "expired"])
def test_notes_when_the_key_expires_and_the_days_left(ctx: Context, days_before: float, days_left: float) -> None:
    ctx.note_key_expiry(KeyExpiry(EXPIRES_AT), EXPIRES_AT - days_before * DAY)
    assert ctx.facts == {"key_expires": "2025-12-30T13:13:13Z", "key_expires_in_days": days_left}


def test_notes_the_days_to_an_assumed_expiry_but_no_moment(ctx: Context) -> None:
    ctx.note_key_expiry(KeyExpiry(EXPIRES_AT), EXPIRES_AT)
    ctx.note_key_expiry(KeyExpiry(EXPIRES_AT, is_assumed=True), EXPIRES_AT - 2 * DAY)
    assert ctx.facts == {"key_expires_in_days": 2, "key_expires_assumed": True}
    ctx.note_key_expiry(KeyExpiry(EXPIRES_AT), EXPIRES_AT)
    assert "key_expires_assumed" not in ctx.facts


def test_an_expiry_that_nothing_tells_is_noted_as_unknown(ctx: Context) -> None:
    ctx.note_key_expiry(KeyExpiry(EXPIRES_AT), EXPIRES_AT)
    ctx.note_key_expiry(None, EXPIRES_AT)
    assert ctx.facts == {"key_expires_unknown": True}
    ctx.note_key_expiry(KeyExpiry(EXPIRES_AT), EXPIRES_AT)
    assert "key_expires_unknown" not in ctx.facts
