from __future__ import annotations

import pytest

from helseid_fn.errors import Party, Unreachable
from helseid_fn.http.failures import Loss
from helseid_fn.http.retries import check_available, parse_retry_after, pause_before_retry, pause_seconds
from tests.support.parts import NOT_A_DATE, NOW, PUBLISHED_DATE, PUBLISHED_SECONDS, make_answer


def pause(outcome: object, retries: int = 0, *, idempotent: bool = True, random: float = 0.0) -> float | None:
    return pause_before_retry(outcome, retries, idempotent=idempotent, now=NOW, random=random)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [429, 500, 501, 502, 503, 504, 511, 599])
def test_a_transient_status_is_tried_again(status: int) -> None:
    assert pause(make_answer(status)) == pytest.approx(0.1)


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 408, 409, 425, 428, 430, 499])
def test_any_other_status_stands(status: int) -> None:
    assert pause(make_answer(status)) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_is_not_idempotent_is_not_sent_again_after_a_server_error(status: int) -> None:
    assert pause(make_answer(status), idempotent=False) is None


def test_what_is_not_idempotent_is_sent_again_after_a_429() -> None:
    assert pause(make_answer(429), idempotent=False) == pytest.approx(0.1)


@pytest.mark.parametrize("reason", ["connect", "dns", "proxy"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_request_that_never_arrived_is_sent_again(reason: str, *, idempotent: bool) -> None:
    assert pause(Loss(reason, acted=False), idempotent=idempotent) == pytest.approx(0.1)


@pytest.mark.parametrize("reason", ["timeout", "connection_lost"])
def test_a_request_that_may_have_been_acted_on_is_sent_again_only_if_idempotent(reason: str) -> None:
    loss = Loss(reason, acted=True)
    assert (pause(loss) is None, pause(loss, idempotent=False) is None) == (False, True)


@pytest.mark.parametrize("loss", [Loss("tls", acted=False), Loss("http", acted=True)], ids=["tls", "http"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_what_would_fail_in_the_same_way_is_not_sent_again(loss: Loss, *, idempotent: bool) -> None:
    assert pause(loss, idempotent=idempotent) is None


def test_the_first_lost_connection_is_replaced_at_once() -> None:
    assert pause(Loss("connection_lost", acted=True)) == 0.0


def test_the_second_lost_connection_is_replaced_after_a_pause() -> None:
    assert pause(Loss("connection_lost", acted=True), retries=1) == pytest.approx(0.2)


@pytest.mark.parametrize(
    "outcome",
    [make_answer(503), make_answer(429, Retry_After="0"), Loss("connect", acted=False), Loss("connection_lost", acted=True)],
    ids=["503", "429 with Retry-After", "no connection", "lost connection"],
)
@pytest.mark.parametrize("retries", [2, 3])
def test_nothing_is_sent_again_more_than_twice(outcome: object, retries: int) -> None:
    assert pause(outcome, retries) is None


@pytest.mark.parametrize("outcome", [make_answer(503), Loss("timeout", acted=True)], ids=["503", "timeout"])
@pytest.mark.parametrize(("retries", "random", "seconds"), [(0, 0.0, 0.1), (0, 1.0, 0.2), (1, 0.0, 0.2), (1, 1.0, 0.4)])
def test_the_pause_is_jittered_and_doubles(outcome: object, retries: int, random: float, seconds: float) -> None:
    assert pause(outcome, retries, random=random) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        pytest.param("3", 3.0, id="seconds"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param("Fri, 15 Jan 2027 08:00:09 GMT", 9.0, id="a date"),
        pytest.param("Fri, 15 Jan 2027 07:00:00 GMT", 0.0, id="a date that is past"),
        pytest.param("soon", 0.1, id="garbage: as if absent"),
        pytest.param("-3", 0.1, id="a negative number: as if absent"),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_server_s_own_pause_is_kept(status: int, retry_after: str, seconds: float) -> None:
    assert pause(make_answer(status, Retry_After=retry_after)) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("retries", "random", "seconds"),
    [(0, 0.0, 0.1), (0, 1.0, 0.2), (1, 0.0, 0.2), (1, 0.5, 0.3), (1, 1.0, 0.4), (2, 0.0, 0.4), (2, 1.0, 0.8)],
)
def test_pauses_double_and_keep_between_half_and_whole(retries: int, random: float, seconds: float) -> None:
    assert pause_seconds(retries, random) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [None, *NOT_A_DATE], ids=lambda value: repr(value)[:40])
def test_what_is_no_retry_after_is_none(value: str | None) -> None:
    assert parse_retry_after(value, PUBLISHED_SECONDS) is None


@pytest.mark.parametrize(("value", "seconds"), [("0", 0), ("120", 120), (" 7 ", 7), ("007", 7), ("999999999", 999999999)])
def test_retry_after_may_be_seconds(value: str, seconds: int) -> None:
    assert parse_retry_after(value, PUBLISHED_SECONDS) == seconds


@pytest.mark.parametrize(
    ("now", "seconds"),
    [(PUBLISHED_SECONDS - 30, 30), (PUBLISHED_SECONDS - 29.6, 30), (PUBLISHED_SECONDS, 0), (PUBLISHED_SECONDS + 30, 0)],
    ids=["ahead", "ahead by a fraction", "now", "past"],
)
def test_retry_after_may_be_a_date(now: float, seconds: int) -> None:
    assert parse_retry_after(PUBLISHED_DATE, now) == seconds


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 428, 430, 499])
def test_an_answer_below_500_is_available(status: int) -> None:
    check_available(Party.HELSEID, make_answer(status), NOW)


@pytest.mark.parametrize(
    ("party", "status", "code"),
    [
        (Party.HELSEID, 429, "helseid.unreachable.rate_limited"),
        (Party.HELSEID, 500, "helseid.unreachable.server_error"),
        (Party.API, 429, "api.unreachable.rate_limited"),
        (Party.API, 503, "api.unreachable.server_error"),
        (Party.API, 599, "api.unreachable.server_error"),
    ],
)
def test_a_429_and_a_5xx_are_unreachable(party: Party, status: int, code: str) -> None:
    with pytest.raises(Unreachable, match=rf"status {status}") as raised:
        check_available(party, make_answer(status), NOW)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("17", 17), ("Fri, 15 Jan 2027 08:00:09 GMT", 9), ("soon", None)],
    ids=["seconds", "date", "garbage"],
)
def test_the_party_s_own_wait_is_passed_on(retry_after: str, seconds: int | None) -> None:
    with pytest.raises(Unreachable) as raised:
        check_available(Party.API, make_answer(503, Retry_After=retry_after), NOW)
    assert raised.value.retry_after_seconds == seconds


def test_the_sentence_says_when_to_try_again() -> None:
    with pytest.raises(Unreachable, match=r"The API asks for fewer requests .* try again in 17 s"):
        check_available(Party.API, make_answer(429, Retry_After="17"), NOW)
