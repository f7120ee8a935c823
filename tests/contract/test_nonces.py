"""Nonces are learned from every response, belong to one server, and cost at most one more request."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from helseid_fn.context import Context
from helseid_fn.function.invocation import parse_invocation
from standin import StandIn, faults
from standin.wire import Wire
from tests.conftest import MovableClock
from tests.support.deployment import OTHER_UNIT, Function, at_once, made, proofs
from tests.support.happenings import WithHeaders

LEARNED = "learned-from-this-response"
LEARN = WithHeaders((("DPoP-Nonce", LEARNED),))
ASKS = {
    "token": faults.Status(400, json.dumps({"error": "use_dpop_nonce"}), (("DPoP-Nonce", LEARNED),), "application/json"),
    "api": faults.Status(401, b"", (("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'), ("DPoP-Nonce", LEARNED))),
}
ASKS_WITHOUT_NONCE = {
    "token": faults.Status(400, json.dumps({"error": "use_dpop_nonce"}), (), "application/json"),
    "api": faults.Status(401, b"", (("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'),)),
}
PARTIES = {"token": "helseid", "api": "api"}


def fail_always(standin: StandIn, kind: str, fault: faults.Fault) -> None:
    party = standin.helseid if kind == "token" else standin.api
    party.fail_always(kind, fault)


def nonces(standin: StandIn, kind: str) -> list[Any]:
    return [proof.get("nonce") for proof in proofs(standin, kind)]


def test_the_nonce_of_a_400_is_sent_in_the_next_proof(standin: StandIn, function: Function) -> None:
    function.call()
    given = dict(standin.exchanges("token")[0].response_headers)["DPoP-Nonce"]
    assert nonces(standin, "token") == [None, given]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_learns_a_nonce_from_a_200_of_helseid(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_next("token", LEARN, after=1)
    function.call()
    function.call(OTHER_UNIT)
    assert nonces(standin, "token")[2] == LEARNED
    assert made(standin) == {"metadata": 1, "token": 4, "api": 2}


def test_learns_a_nonce_from_the_metadata_of_the_same_origin(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_next("metadata", LEARN)
    function.call()
    assert nonces(standin, "token")[0] == LEARNED
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_learns_a_nonce_from_a_200_of_the_api(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", LEARN)
    function.call()
    function.call()
    assert nonces(standin, "api") == [None, LEARNED]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_learns_a_nonce_from_a_401_of_the_api_and_keeps_it(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function]
) -> None:
    standin = start_standin(api_nonce=True)
    function = deploy(standin)
    assert [function.call().status_code for _ in range(2)] == [200, 200]
    given = dict(standin.exchanges("api")[0].response_headers)["DPoP-Nonce"]
    assert nonces(standin, "api") == [None, given, given]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 3}


def test_learns_a_nonce_from_a_401_that_rejects_the_token(standin: StandIn, function: Function) -> None:
    headers = (("WWW-Authenticate", 'DPoP error="invalid_token"'), ("DPoP-Nonce", LEARNED))
    standin.api.fail_next("api", faults.Status(401, b"", headers))
    assert function.call().status_code == 200
    assert nonces(standin, "api") == [None, LEARNED]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


def test_learns_a_nonce_from_a_500(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", faults.Status(500, b"", (("DPoP-Nonce", LEARNED),)))
    assert function.call().status_code == 200
    assert nonces(standin, "api") == [None, LEARNED]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_nonces_of_two_servers_do_not_mix(start_standin: Callable[..., StandIn], deploy: Callable[..., Function]) -> None:
    standin = start_standin(api_nonce=True)
    function = deploy(standin)
    function.call()
    function.call(OTHER_UNIT)
    at_helseid, at_api = set(nonces(standin, "token")), set(nonces(standin, "api"))
    assert at_helseid & at_api == {None}
    assert (len(at_helseid), len(at_api)) == (2, 2)
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


@pytest.mark.parametrize("kind", ["token", "api"])
def test_a_server_that_always_wants_a_nonce_is_called_twice(standin: StandIn, function: Function, kind: str) -> None:
    fail_always(standin, kind, ASKS[kind])
    response = function.call()
    assert (response.status_code, response.json and response.json["code"]) == (502, f"{PARTIES[kind]}.invalid_response.nonce")
    assert standin.count(kind) == 2


def asks_with(kind: str, nonce: str) -> faults.Status:
    fault = ASKS[kind]
    headers = tuple((name, nonce if name == "DPoP-Nonce" else value) for name, value in fault.headers)
    return dataclasses.replace(fault, headers=headers)


@dataclasses.dataclass
class AsksAnew:
    """Asks for another nonce each time, as servers do that do not share theirs."""

    kind: str
    count: int = 0

    def carry_out(self, wire: Wire, handle: faults.Handle, deliver: faults.Deliver) -> None:
        self.count += 1
        asks_with(self.kind, f"n{self.count}").carry_out(wire, handle, deliver)


@pytest.mark.parametrize("kind", ["token", "api"])
def test_two_servers_that_share_no_nonces_cost_two_rounds(standin: StandIn, function: Function, kind: str) -> None:
    standin.api.settings.nonce_required = True
    (standin.helseid if kind == "token" else standin.api).fail_next(kind, asks_with(kind, "n1"))
    assert function.call().status_code == 200
    assert nonces(standin, kind)[:2] == [None, "n1"]
    assert standin.count(kind) == 3


@pytest.mark.parametrize("kind", ["token", "api"])
def test_a_server_with_a_new_nonce_each_time_is_unavailable(standin: StandIn, function: Function, kind: str) -> None:
    fail_always(standin, kind, AsksAnew(kind))
    response = function.call()
    problem = response.json or {}
    assert (response.status_code, problem["code"]) == (503, f"{PARTIES[kind]}.unavailable.nonce")
    assert nonces(standin, kind) == [None, "n1", "n2"]


def test_a_post_to_a_server_with_ever_new_nonces_may_be_repeated(standin: StandIn, deploy: Callable[..., Function]) -> None:
    fail_always(standin, "api", AsksAnew("api"))
    problem = deploy(standin, API_METHODS="POST GET").call({"request": {"method": "POST", "json": 1}}).json or {}
    assert (problem["code"], problem["retryable"]) == ("api.unavailable.nonce", True)


@pytest.mark.parametrize("kind", ["token", "api"])
def test_a_nonce_known_from_before_may_be_asked_for_once(standin: StandIn, function: Function, kind: str) -> None:
    party = standin.helseid if kind == "token" else standin.api
    party.fail_next(kind, WithHeaders((("DPoP-Nonce", LEARNED),)), after=1 if kind == "token" else 0)
    function.call()
    party.fail_next(kind, asks_with(kind, LEARNED))
    assert function.call(OTHER_UNIT).status_code == 200


BETWEEN = {"503": faults.Status(503), "429": faults.Status(429), "reset": faults.Reset()}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
@pytest.mark.parametrize("kind", ["token", "api"])
def test_only_requests_for_a_nonce_in_a_row_are_counted(
    standin: StandIn, function: Function, kind: str, between: faults.Fault
) -> None:
    standin.api.settings.nonce_required = True
    party = standin.helseid if kind == "token" else standin.api
    for fault in (asks_with(kind, "n1"), asks_with(kind, "n2"), between, asks_with(kind, "n3")):
        party.fail_next(kind, fault)
    assert function.call().status_code == 200
    # The last one is the stand-in's own, for which it asked.
    assert nonces(standin, kind)[:-1] == [None, "n1", "n2", "n2", "n3"]


@pytest.mark.parametrize("kind", ["token", "api"])
def test_a_server_that_gives_no_nonce_is_called_once(standin: StandIn, function: Function, kind: str) -> None:
    fail_always(standin, kind, ASKS_WITHOUT_NONCE[kind])
    response = function.call()
    assert (response.status_code, response.json and response.json["code"]) == (502, f"{PARTIES[kind]}.invalid_response.nonce")
    assert standin.count(kind) == 1


@pytest.mark.parametrize("nonce", ["", "two words", 'with"quote', "x" * 4096], ids=["empty", "space", "quote", "long"])
def test_a_nonce_that_no_proof_can_have_counts_as_none(standin: StandIn, function: Function, nonce: str) -> None:
    body = json.dumps({"error": "use_dpop_nonce"})
    standin.helseid.fail_always("token", faults.Status(400, body, (("DPoP-Nonce", nonce),), "application/json"))
    response = function.call()
    assert response.json is not None
    assert response.json["code"] == "helseid.invalid_response.nonce"
    assert made(standin) == {"metadata": 1, "token": 1}


def test_a_refusal_with_a_nonce_is_final_and_its_nonce_learned(standin: StandIn, function: Function) -> None:
    refusal = json.dumps({"error": "invalid_client"})
    standin.helseid.fail_next("token", faults.Status(400, refusal, (("DPoP-Nonce", LEARNED),), "application/json"))
    problem = function.call().json or {}
    assert problem["code"] == "helseid.refused.invalid_client"
    assert made(standin) == {"metadata": 1, "token": 1}
    function.call()
    assert nonces(standin, "token")[:2] == [None, LEARNED]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 1}


def test_a_nonce_rotated_at_helseid_costs_one_round(standin: StandIn, function: Function) -> None:
    function.call()
    standin.rotate_nonces("helseid")
    standin.reset_record()
    assert function.call(OTHER_UNIT).status_code == 200
    assert made(standin) == {"token": 2, "api": 1}


def test_a_nonce_rotated_at_the_api_costs_one_round(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function]
) -> None:
    standin = start_standin(api_nonce=True)
    function = deploy(standin)
    function.call()
    standin.rotate_nonces("api")
    standin.reset_record()
    assert function.call().status_code == 200
    assert made(standin) == {"api": 2}


def test_a_nonce_that_grew_old_costs_one_round(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    function = deploy(standin, now=clock)
    function.call()
    clock.move(61)
    standin.reset_record()
    assert function.call(OTHER_UNIT).status_code == 200
    assert made(standin) == {"token": 2, "api": 1}


def test_a_nonce_round_after_a_transient_fault_still_happens(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_next("token", faults.Status(500))
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 3, "api": 1}


def test_concurrent_first_calls_all_learn_the_nonce(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function]
) -> None:
    standin = start_standin(api_nonce=True)
    function = deploy(standin)
    invocation = parse_invocation({}, function.app.settings)
    function.app.api._tokens.get(invocation.organization, invocation.scopes, Context(25))
    assert at_once(16, lambda: function.call().status_code) == [200] * 16
    assert 17 <= standin.count("api") <= 32
    assert standin.count("token") == 2


def test_concurrent_calls_with_a_dead_nonce_learn_the_new_one(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function]
) -> None:
    standin = start_standin(api_nonce=True)
    function = deploy(standin)
    function.call()
    standin.rotate_nonces("api")
    standin.reset_record()
    assert at_once(16, lambda: function.call().status_code) == [200] * 16
    assert 17 <= standin.count("api") <= 32
