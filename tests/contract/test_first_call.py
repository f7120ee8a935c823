"""Which requests the first invocations make, and what the responses say."""

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
    every_algorithm,
    every_host,
    made,
    proofs,
)

pytestmark = every_host

OTHER_SCOPE = f"{SAMPLE_AUDIENCE}/other"
JOURNAL_ID = "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"
MULTI_TENANT, SINGLE_TENANT = "urn:oid:1.0.6523", "urn:oid:2.16.578.1.12.4.1.4.101"


def details(system: str, value: str) -> dict[str, Any]:
    identifier = {"system": system, "type": "ENH", "value": value}
    return {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": identifier}}}


@every_algorithm
def test_a_first_call_makes_one_nonce_round_and_a_later_one_none(standin: StandIn, function: Function) -> None:
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}
    outcomes = [(each.status, each.response_json.get("error")) for each in standin.exchanges("token")]
    assert outcomes == [(400, "use_dpop_nonce"), (200, None)]
    standin.reset_record()
    assert [function.call().status_code for _ in range(3)] == [200, 200, 200]
    assert made(standin) == {"api": 3}
    standin.reset_record()
    assert function.call(OTHER_UNIT).status_code == 200
    assert made(standin) == {"token": 1, "api": 1}, "the nonce is still alive"


def test_a_post_without_a_body_does_what_a_get_does(standin: StandIn, function: Function) -> None:
    assert function.call(method="POST").status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}
    assert standin.exchanges("api")[0].method == "GET"


def test_a_report_has_these_members_and_no_others(standin: StandIn, function: Function) -> None:
    report = function.call().json
    assert isinstance(report, dict)
    assert 590 <= report["token"].pop("expires_in_seconds") <= 600
    assert isinstance(report.pop("duration_ms"), int)
    assert len(report.pop("invocation")) == 36
    assert report == {
        "status": "ok",
        "api": {"status": 200, "body": standin.exchanges("api")[0].response_json},
        "token": {"cached": False, "scope": SAMPLE_SCOPE},
        "organization": {"parent": PARENT, "child": CHILD},
        "requests": {"secret_store": 1, "helseid": 3, "api": 1},
    }
    later = function.call().json or {}
    assert (later["token"]["cached"], later["requests"]) == (True, {"secret_store": 0, "helseid": 0, "api": 1})
    assert made(standin) == {"metadata": 1, "token": 2, "api": 2}


def test_another_organization_gets_a_token_of_its_own(standin: StandIn, function: Function) -> None:
    function.call()
    report = function.call(OTHER_UNIT).json
    assert report is not None
    assert report["api"]["body"]["childOrganizationNumber"] == OTHER_CHILD
    tokens = {each.values("Authorization")[0] for each in standin.exchanges("api")}
    nonces = [proof.get("nonce") for proof in proofs(standin, "token")]
    assert (len(tokens), nonces[0], nonces[1] == nonces[2]) == (2, None, True)
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


def test_a_subset_of_the_scopes_gets_a_token_of_its_own(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], jwk: dict[str, Any]
) -> None:
    standin = start_standin(client_of(jwk, scopes=(SAMPLE_SCOPE, OTHER_SCOPE)))
    function = deploy(standin)
    reports = [function.call().json, function.call({"scope": SAMPLE_SCOPE}).json]
    both = f"{SAMPLE_SCOPE} {OTHER_SCOPE}"
    assert [report["token"]["scope"] for report in reports if report] == [both, SAMPLE_SCOPE]
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
def test_each_kind_of_client_names_its_organization(
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


def test_an_sfm_journal_id_follows_the_organization(standin: StandIn, deploy: Callable[..., Function]) -> None:
    assert deploy(standin, HELSEID_SFM_JOURNAL_ID=JOURNAL_ID).call().status_code == 200
    journal = {"type": "nhn:sfm:journal-id", "value": {"journal_id": JOURNAL_ID}}
    named = assertions(standin)[-1]["assertion_details"]
    assert named == [details(MULTI_TENANT, f"NO:ORGNR:{PARENT}:{CHILD}"), journal]
    assert standin.exchanges("api")[0].claims["token"]["nhn:sfm:journal-id"] == JOURNAL_ID
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_importing_the_function_makes_no_request(standin: StandIn, deploy: Callable[..., Function]) -> None:
    deploy(standin)
    assert made(standin) == {}
