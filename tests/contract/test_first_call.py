"""What the first invocations ask of whom, and what they answer."""

from collections.abc import Callable
from typing import Any

import pytest

from standin import SAMPLE_AUDIENCE, SAMPLE_SCOPE, StandIn
from tests.support.deployment import (
    CHILD,
    OTHER_CHILD,
    OTHER_UNIT,
    PARENT,
    Function,
    assertions,
    client_of,
    every_host,
    made,
    one_key,
    proofs,
)

pytestmark = every_host

OTHER_SCOPE = f"{SAMPLE_AUDIENCE}/other"
JOURNAL_ID = "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"
MULTI_TENANT, SINGLE_TENANT = "urn:oid:1.0.6523", "urn:oid:2.16.578.1.12.4.1.4.101"


def details(system: str, value: str) -> dict[str, Any]:
    identifier = {"system": system, "type": "ENH", "value": value}
    return {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": identifier}}}


def test_the_first_call_makes_one_metadata_two_token_and_one_api_request(standin: StandIn, function: Function) -> None:
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_the_token_requests_of_the_first_call_are_a_nonce_round_and_a_success(standin: StandIn, function: Function) -> None:
    function.call()
    answers = [(each.status, each.answer_json.get("error")) for each in standin.exchanges("token")]
    assert answers == [(400, "use_dpop_nonce"), (200, None)]


def test_later_calls_make_only_the_api_request(standin: StandIn, function: Function) -> None:
    function.call()
    standin.reset_record()
    assert [function.call().status_code for _ in range(3)] == [200, 200, 200]
    assert made(standin) == {"api": 3}


@one_key
def test_a_post_without_a_body_does_what_a_get_does(standin: StandIn, function: Function) -> None:
    assert function.call(method="POST").status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}
    assert standin.exchanges("api")[0].method == "GET"


def test_the_first_answer_is_the_report_and_nothing_else(standin: StandIn, function: Function) -> None:
    answer = function.call().json
    assert isinstance(answer, dict)
    assert 590 <= answer["token"].pop("expires_in_seconds") <= 600
    assert isinstance(answer.pop("duration_ms"), int)
    assert len(answer.pop("invocation")) == 36
    assert answer == {
        "status": "ok",
        "api": {"status": 200, "body": standin.exchanges("api")[0].answer_json},
        "token": {"held": False, "scope": SAMPLE_SCOPE},
        "organization": {"parent": PARENT, "child": CHILD},
        "requests": {"secret_store": 1, "helseid": 3, "api": 1},
    }
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_a_later_answer_tells_that_the_token_was_held_and_what_was_asked(standin: StandIn, function: Function) -> None:
    function.call()
    answer = function.call().json
    assert answer is not None
    assert (answer["token"]["held"], answer["requests"]) == (True, {"secret_store": 0, "helseid": 0, "api": 1})
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_a_second_token_reuses_the_live_nonce(standin: StandIn, function: Function) -> None:
    function.call()
    standin.reset_record()
    assert function.call(OTHER_UNIT).status_code == 200
    assert made(standin) == {"token": 1, "api": 1}


def test_another_organization_gets_another_token_with_the_same_nonce(standin: StandIn, function: Function) -> None:
    function.call()
    answer = function.call(OTHER_UNIT).json
    assert answer is not None
    assert answer["api"]["body"]["childOrganizationNumber"] == OTHER_CHILD
    tokens = {each.values("Authorization")[0] for each in standin.exchanges("api")}
    nonces = [proof.get("nonce") for proof in proofs(standin, "token")]
    assert (len(tokens), nonces[0], nonces[1] == nonces[2]) == (2, None, True)
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


def test_a_subset_of_the_scopes_gets_a_token_of_its_own(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(jwk, scopes=(SAMPLE_SCOPE, OTHER_SCOPE)))
    function = deploy(standin)
    answers = [function.call().json, function.call({"scope": SAMPLE_SCOPE}).json]
    both = f"{SAMPLE_SCOPE} {OTHER_SCOPE}"
    assert [answer["token"]["scope"] for answer in answers if answer] == [both, SAMPLE_SCOPE]
    assert [each.form["scope"] for each in standin.exchanges("token")] == [both, both, SAMPLE_SCOPE]
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


def test_an_issuer_with_a_path_is_signed_in_to(start_standin: Callable[..., StandIn], deploy: Callable[..., Function]) -> None:
    standin = start_standin(issuer_path="/conformance/client-1")
    assert deploy(standin).call().status_code == 200
    assert standin.exchanges("metadata")[0].target == "/conformance/client-1/.well-known/openid-configuration"
    assert {assertion["aud"] for assertion in assertions(standin)} == {standin.issuer}
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@pytest.mark.parametrize(
    ("client", "settings", "expected"),
    [
        ({"tenancy": "multi-tenant"}, {"PARENT": PARENT}, details(MULTI_TENANT, f"NO:ORGNR:{PARENT}")),
        (
            {"tenancy": "multi-tenant"},
            {"PARENT": PARENT, "CHILD": CHILD},
            details(MULTI_TENANT, f"NO:ORGNR:{PARENT}:{CHILD}"),
        ),
        ({"tenancy": "single-tenant"}, {"CHILD": CHILD}, details(SINGLE_TENANT, CHILD)),
        ({"tenancy": "single-tenant"}, {}, None),
        ({"tenancy": "none"}, {}, None),
    ],
    ids=["multi-tenant parent", "multi-tenant child", "single-tenant child", "single-tenant", "no tenancy"],
)
@one_key
def test_each_kind_of_client_names_its_organization_as_helseid_wants_it(
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    jwk: dict[str, Any],
    client: dict[str, str],
    settings: dict[str, str],
    expected: object,
) -> None:
    standin = start_standin(client_of(jwk, **client))
    named = {f"HELSEID_{role}_ORGANIZATION": settings.get(role, "") for role in ("PARENT", "CHILD")}
    assert deploy(standin, **named).call().status_code == 200
    assert [assertion.get("assertion_details") for assertion in assertions(standin)] == [expected, expected]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@one_key
def test_an_sfm_journal_id_stands_beside_the_organization(standin: StandIn, deploy: Callable[..., Function]) -> None:
    assert deploy(standin, HELSEID_SFM_JOURNAL_ID=JOURNAL_ID).call().status_code == 200
    journal = {"type": "nhn:sfm:journal-id", "value": {"journal_id": JOURNAL_ID}}
    named = assertions(standin)[-1]["assertion_details"]
    assert named == [details(MULTI_TENANT, f"NO:ORGNR:{PARENT}:{CHILD}"), journal]
    assert standin.exchanges("api")[0].claims["token"]["nhn:sfm:journal-id"] == JOURNAL_ID
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@one_key
def test_importing_the_function_asks_nobody_for_anything(standin: StandIn, deploy: Callable[..., Function]) -> None:
    deploy(standin)
    assert made(standin) == {}
