from __future__ import annotations

import pytest

from helseid_fn.errors import Party, Unavailable
from helseid_fn.http.failures import Failure
from helseid_fn.http.retries import check_available, parse_retry_after, pause_before_retry, pause_seconds
from tests.support.parts import NOT_A_DATE, NOW, PUBLISHED_DATE, PUBLISHED_SECONDS, make_response


def pause(outcome: object, retries: int = 0, *, idempotent: bool = True, random: float = 0.0) -> float | None:
    return pause_before_retry(outcome, retries, idempotent=idempotent, now=NOW, random=random)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [408, 421, 425, 429, 500, 501, 502, 503, 504, 511, 599])
def test_a_transient_status_is_retried(status: int) -> None:
    assert pause(make_response(status)) == pytest.approx(0.1)


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 401, 403, 404, 409, 428, 430, 499])
def test_any_other_status_is_final(status: int) -> None:
    assert pause(make_response(status)) is None


@pytest.mark.parametrize(
    ("status", "retried"),
    [(408, True), (421, True), (425, True), (429, True), (500, False), (502, False), (503, False), (504, False)],
)
def test_a_status_that_processed_nothing_repeats_any_request(status: int, *, retried: bool) -> None:
    assert (pause(make_response(status), idempotent=False) is not None) is retried


@pytest.mark.parametrize("reason", ["connect", "dns", "proxy", "tls", "timeout"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_request_that_was_not_processed_is_sent_again(reason: str, *, idempotent: bool) -> None:
    assert pause(Failure(reason, processed=False), idempotent=idempotent) == pytest.approx(0.1)


@pytest.mark.parametrize("reason", ["timeout", "connection_lost"])
def test_a_processed_request_is_repeated_only_if_idempotent(reason: str) -> None:
    failure = Failure(reason, processed=True)
    assert (pause(failure) is None, pause(failure, idempotent=False) is None) == (False, True)


@pytest.mark.parametrize(
    "failure", [Failure("tls", processed=False, final=True), Failure("http", processed=True, final=True)], ids=["tls", "http"]
)
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_final_failure_is_not_retried(failure: Failure, *, idempotent: bool) -> None:
    assert pause(failure, idempotent=idempotent) is None


def test_only_the_first_lost_connection_is_replaced_at_once() -> None:
    failure = Failure("connection_lost", processed=True)
    assert (pause(failure), pause(failure, retries=1)) == (0.0, pytest.approx(0.2))


@pytest.mark.parametrize(
    "outcome",
    [
        make_response(503),
        make_response(429, Retry_After="0"),
        Failure("connect", processed=False),
        Failure("connection_lost", processed=True),
    ],
    ids=["503", "429 with Retry-After", "no connection", "lost connection"],
)
@pytest.mark.parametrize("retries", [2, 3])
def test_a_request_is_retried_at_most_twice(outcome: object, retries: int) -> None:
    assert pause(outcome, retries) is None


@pytest.mark.parametrize("outcome", [make_response(503), Failure("timeout", processed=True)], ids=["503", "timeout"])
def test_the_pause_before_a_retry_is_jittered(outcome: object) -> None:
    assert pause(outcome, 1, random=0.5) == pytest.approx(pause_seconds(1, 0.5))


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        pytest.param("3", 3.0, id="seconds"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param("Fri, 15 Jan 2027 08:00:09 GMT", 9.0, id="a date"),
        pytest.param("Fri, 15 Jan 2027 07:00:00 GMT", 0.0, id="a past date"),
        pytest.param("soon", 0.1, id="invalid: as if absent"),
        pytest.param("-3", 0.1, id="a negative number: as if absent"),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_servers_own_pause_is_kept(status: int, retry_after: str, seconds: float) -> None:
    assert pause(make_response(status, Retry_After=retry_after)) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("retries", "random", "seconds"),
    [(0, 0.0, 0.1), (0, 1.0, 0.2), (1, 0.0, 0.2), (1, 0.5, 0.3), (1, 1.0, 0.4), (2, 0.0, 0.4), (2, 1.0, 0.8)],
)
def test_pauses_double_and_are_at_least_half_of_it(retries: int, random: float, seconds: float) -> None:
    assert pause_seconds(retries, random) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [None, *NOT_A_DATE], ids=lambda value: repr(value)[:40])
def test_an_invalid_retry_after_is_none(value: str | None) -> None:
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
def test_a_response_below_500_is_available(status: int) -> None:
    check_available(Party.HELSEID, make_response(status), NOW)


@pytest.mark.parametrize(
    ("party", "status", "code"),
    [
        (Party.HELSEID, 429, "helseid.unavailable.rate_limited"),
        (Party.HELSEID, 500, "helseid.unavailable.server_error"),
        (Party.API, 429, "api.unavailable.rate_limited"),
        (Party.API, 503, "api.unavailable.server_error"),
        (Party.API, 599, "api.unavailable.server_error"),
        (Party.API, 408, "api.unavailable.server_error"),
        (Party.HELSEID, 421, "helseid.unavailable.server_error"),
        (Party.API, 425, "api.unavailable.server_error"),
    ],
)
def test_a_429_and_a_5xx_are_unavailable(party: Party, status: int, code: str) -> None:
    with pytest.raises(Unavailable, match=rf"status {status}") as raised:
        check_available(party, make_response(status), NOW)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("17", 17), ("Fri, 15 Jan 2027 08:00:09 GMT", 9), ("soon", None)],
    ids=["seconds", "date", "invalid"],
)
def test_the_partys_own_wait_is_passed_on(retry_after: str, seconds: int | None) -> None:
    with pytest.raises(Unavailable) as raised:
        check_available(Party.API, make_response(503, Retry_After=retry_after), NOW)
    assert raised.value.retry_after_seconds == seconds


def test_the_detail_says_when_to_try_again() -> None:
    with pytest.raises(Unavailable, match=r"The API asks for fewer requests \(status 429\)\. Try again in 17 s"):
        check_available(Party.API, make_response(429, Retry_After="17"), NOW)
