"""Many invocations at once: one requests the token, the others wait, each within its own deadline."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from helseid_fn.context import Context
from helseid_fn.errors import DeadlineExceeded
from helseid_fn.function.invocation import parse_invocation
from standin import StandIn, faults
from tests.support.deployment import CHILD, CLIENT_ID, OTHER_UNIT, PARENT, Function, at_once, client_of, made
from tests.support.happenings import Gate, until, waiting_threads


def get_token(function: Function, ctx: Context) -> object:
    invocation = parse_invocation({}, function.app.settings)
    return function.app.api._tokens.get(invocation.organization, invocation.scopes, ctx)


def test_fifty_threads_make_one_token_request(standin: StandIn, function: Function) -> None:
    reports = at_once(50, lambda: function.call().json or {})
    assert [report["status"] for report in reports] == ["ok"] * 50
    assert sorted(report["requests"]["secret_store"] for report in reports) == [0] * 49 + [1]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 50}


def test_ten_rejected_threads_renew_once(standin: StandIn, function: Function) -> None:
    function.call()
    standin.revoke_tokens()
    standin.reset_record()
    assert at_once(10, lambda: function.call().status_code) == [200] * 10
    assert standin.count("token") == 1
    assert 11 <= standin.count("api") <= 20


def test_a_waiting_thread_gives_up_at_its_own_deadline(standin: StandIn, function: Function) -> None:
    gate = Gate()
    standin.helseid.fail_next("metadata", gate)
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(get_token, function, Context(60))
        until(lambda: standin.count("metadata") == 1)
        with pytest.raises(DeadlineExceeded):
            get_token(function, Context(0.2))
        assert not fetching.done()
        gate.opened.set()
        fetching.result(timeout=30)
    assert made(standin) == {"metadata": 1, "token": 2}


def test_a_fetch_past_its_deadline_fails_no_waiting_thread(standin: StandIn, function: Function) -> None:
    gate = Gate()
    standin.helseid.fail_always("metadata", gate)
    with ThreadPoolExecutor(2) as pool:
        fetching = pool.submit(get_token, function, Context(1.5))
        until(lambda: standin.count("metadata") == 1)
        waiter = pool.submit(get_token, function, Context(60))
        assert isinstance(fetching.exception(timeout=30), DeadlineExceeded)
        gate.opened.set()
        assert waiter.result(timeout=30) is not None
    assert standin.count("token") == 2


def test_a_silent_helseid_blocks_no_thread_beyond_its_deadline(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_always("metadata", faults.Hang())
    function.set_deadline(1)
    began_at = time.monotonic()
    statuses = at_once(10, lambda: function.call().status_code)
    assert time.monotonic() - began_at < 5
    assert set(statuses) <= {503, 504}
    assert standin.count("metadata") <= 30  # at most three for each thread, whatever their deadlines
    assert standin.count("token") == 0


@pytest.mark.parametrize(
    ("fault", "code", "requests"),
    [
        (faults.Status(400, json.dumps({"error": "invalid_client"})), "helseid.refused.invalid_client", 1),
        (faults.Status(200, "<html>", (), "text/html"), "helseid.invalid_response.token_response", 1),
        (faults.Status(503), "helseid.unavailable.server_error", 3),
    ],
    ids=["refused", "invalid", "unavailable"],
)
def test_a_failure_goes_to_every_thread_that_waited_for_it(
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


def test_a_failure_is_not_cached(standin: StandIn, function: Function) -> None:
    refusal = faults.Status(400, json.dumps({"error": "invalid_client"}), (), "application/json")
    standin.helseid.fail_next("token", refusal)
    assert [function.call().status_code for _ in range(2)] == [502, 200]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 1}


def test_an_organization_does_not_wait_for_anothers_token(standin: StandIn, function: Function) -> None:
    function.call()
    gate = Gate()
    standin.helseid.fail_next("token", gate)
    with ThreadPoolExecutor(2) as pool:
        delayed = pool.submit(function.call, OTHER_UNIT)
        until(lambda: standin.count("token") == 3)
        free = pool.submit(function.call, {"organization": {"parent": PARENT}})
        assert free.result(timeout=30).status_code == 200
        assert not delayed.done()
        gate.opened.set()
        assert delayed.result(timeout=30).status_code == 200
    assert made(standin) == {"metadata": 1, "token": 4, "api": 3}


def test_eight_organizations_at_once_get_a_token_each(standin: StandIn, function: Function) -> None:
    children = [f"99997777{digit}" for digit in range(8)]
    barrier = threading.Barrier(8)

    def call(child: str) -> Any:
        barrier.wait(timeout=30)
        return function.call({"organization": {"parent": PARENT, "child": child}}).json

    with ThreadPoolExecutor(8) as pool:
        reports: list[Future[Any]] = [pool.submit(call, child) for child in children]
        seen = [report.result(timeout=30)["api"]["body"]["childOrganizationNumber"] for report in reports]
    assert seen == children
    assert (standin.count("metadata"), standin.count("api")) == (1, 8)
    assert 9 <= standin.count("token") <= 16


def test_of_101_tokens_the_longest_unused_is_dropped(
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


def test_the_default_organization_by_name_shares_its_token(standin: StandIn, function: Function) -> None:
    function.call()
    function.call({"organization": {"parent": PARENT, "child": CHILD}})
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}
