"""Many invocations at once: one asks HelseID, the others wait, each within its own time."""

import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import DeadlineExceeded
from helseid_fn.function.invocation import parse_invocation
from standin import StandIn, faults
from tests.support.deployment import CHILD, CLIENT_ID, OTHER_UNIT, PARENT, Function, at_once, client_of, made, one_key
from tests.support.happenings import Gate


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that is bound to happen."""
    for _ in range(4000):
        if happened():
            return
        time.sleep(0.005)
    raise AssertionError("it never happened")


def waiting_threads() -> int:
    """Count the threads that wait for another one's fetch."""
    frames = sys._current_frames().values()
    return sum(frame.f_code.co_filename.endswith("held.py") and frame.f_code.co_name == "get" for frame in frames)


def get_token(function: Function, deadline: Deadline) -> object:
    invocation = parse_invocation({}, function.module.SETTINGS)
    return function.module.JOB.tokens.get(invocation.organization, invocation.scopes, deadline, Journal())


def test_fifty_threads_ask_helseid_once(standin: StandIn, function: Function) -> None:
    assert at_once(50, lambda: function.call().status_code) == [200] * 50
    assert made(standin) == {"metadata": 1, "token": 2, "api": 50}


def test_fifty_threads_read_the_key_once(standin: StandIn, function: Function) -> None:
    answers = at_once(50, lambda: function.call().json or {})
    assert sorted(answer["requests"]["secret_store"] for answer in answers) == [0] * 49 + [1]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 50}


def test_ten_rejected_threads_renew_once(standin: StandIn, function: Function) -> None:
    function.call()
    standin.revoke_tokens()
    standin.reset_record()
    assert at_once(10, lambda: function.call().status_code) == [200] * 10
    assert standin.count("token") == 1
    assert 11 <= standin.count("api") <= 20


@one_key
def test_a_thread_that_waits_for_anothers_token_gives_up_when_its_own_time_is_up(standin: StandIn, function: Function) -> None:
    gate = Gate()
    standin.helseid.fail_next("metadata", gate)
    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(get_token, function, Deadline(60))
        until(lambda: standin.count("metadata") == 1)
        with pytest.raises(DeadlineExceeded):
            get_token(function, Deadline(0.2))
        assert not holder.done()
        gate.opened.set()
        holder.result(timeout=30)
    assert made(standin) == {"metadata": 1, "token": 2}


@one_key
def test_a_holder_that_ran_out_of_time_does_not_fail_those_who_have_time_left(standin: StandIn, function: Function) -> None:
    gate = Gate()
    standin.helseid.fail_always("metadata", gate)
    with ThreadPoolExecutor(2) as pool:
        holder = pool.submit(get_token, function, Deadline(0.5))
        until(lambda: standin.count("metadata") == 1)
        waiter = pool.submit(get_token, function, Deadline(60))
        assert isinstance(holder.exception(timeout=30), DeadlineExceeded)
        gate.opened.set()
        assert waiter.result(timeout=30) is not None
    assert standin.count("token") == 2


@one_key
def test_a_silent_helseid_holds_no_thread_beyond_its_deadline(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_always("metadata", faults.Hang())
    function.set_deadline(1)
    began_at = time.monotonic()
    statuses = at_once(10, lambda: function.call().status_code)
    assert time.monotonic() - began_at < 5
    assert set(statuses) <= {503, 504}
    assert standin.count("metadata") <= 30  # three for each thread at most, however their deadlines fall
    assert standin.count("token") == 0


@pytest.mark.parametrize(
    ("fault", "code", "requests"),
    [
        (faults.Status(400, json.dumps({"error": "invalid_client"})), "helseid.refused.invalid_client", 1),
        (faults.Status(200, "<html>", (), "text/html"), "helseid.garbled.token_answer", 1),
        (faults.Status(503), "helseid.unreachable.server_error", 3),
    ],
    ids=["refused", "garbled", "unreachable"],
)
@one_key
def test_a_failure_is_shared_by_those_who_waited_for_it(
    standin: StandIn, function: Function, fault: faults.Fault, code: str, requests: int
) -> None:
    gate = Gate()
    standin.helseid.fail_next("metadata", gate)
    standin.helseid.fail_always("token", fault)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(function.call) for _ in range(8)]
        until(lambda: standin.count("metadata") == 1 and waiting_threads() >= 7)
        gate.opened.set()
        codes = {(call.result(timeout=30).json or {}).get("code") for call in calls}
    assert codes == {code}
    assert made(standin) == {"metadata": 1, "token": requests}


@one_key
def test_a_failure_is_not_held_for_those_who_come_later(standin: StandIn, function: Function) -> None:
    refusal = faults.Status(400, json.dumps({"error": "invalid_client"}), (), "application/json")
    standin.helseid.fail_next("token", refusal)
    assert [function.call().status_code for _ in range(2)] == [502, 200]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 1}


@one_key
def test_an_organization_does_not_wait_for_another_ones_token(standin: StandIn, function: Function) -> None:
    function.call()
    gate = Gate()
    standin.helseid.fail_next("token", gate)
    with ThreadPoolExecutor(2) as pool:
        held_up = pool.submit(function.call, OTHER_UNIT)
        until(lambda: standin.count("token") == 3)
        free = pool.submit(function.call, {"organization": {"parent": PARENT}})
        assert free.result(timeout=30).status_code == 200
        assert not held_up.done()
        gate.opened.set()
        assert held_up.result(timeout=30).status_code == 200
    assert made(standin) == {"metadata": 1, "token": 4, "api": 3}


def test_eight_organizations_at_once_each_get_their_own_token(standin: StandIn, function: Function) -> None:
    children = [f"99997777{digit}" for digit in range(8)]
    barrier = threading.Barrier(8)

    def call(child: str) -> Any:
        barrier.wait(timeout=30)
        return function.call({"organization": {"parent": PARENT, "child": child}}).json

    with ThreadPoolExecutor(8) as pool:
        answers: list[Future[Any]] = [pool.submit(call, child) for child in children]
        seen = [answer.result(timeout=30)["api"]["body"]["childOrganizationNumber"] for answer in answers]
    assert seen == children
    assert (standin.count("metadata"), standin.count("api")) == (1, 8)
    assert 9 <= standin.count("token") <= 16


@one_key
def test_at_most_a_hundred_tokens_are_held_and_the_longest_unused_goes_first(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(jwk, client_id=CLIENT_ID))
    function = deploy(standin)
    children = [f"{100000000 + number}" for number in range(101)]

    def call(child: str) -> None:
        assert function.call({"organization": {"parent": PARENT, "child": child}}).status_code == 200

    for child in (*children[:100], children[0], children[100]):
        call(child)
    standin.reset_record()
    for child in (children[100], children[2], children[0], children[1]):
        call(child)
    asked_for = [each.claims["assertion"]["assertion_details"] for each in standin.exchanges("token")]
    values = [each["practitioner_role"]["organization"]["identifier"]["value"] for each in asked_for]
    assert values == [f"NO:ORGNR:{PARENT}:{children[1]}"]
    assert made(standin) == {"token": 1, "api": 4}


@one_key
def test_the_default_organization_is_one_token_however_it_is_named(standin: StandIn, function: Function) -> None:
    function.call()
    function.call({"organization": {"parent": PARENT, "child": CHILD}})
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}
