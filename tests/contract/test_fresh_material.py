"""Nothing signed is ever sent twice, and each signature has the claims that HelseID and the API expect."""

import base64
import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

from helseid_fn.context import Context
from helseid_fn.function.invocation import parse_invocation
from helseid_fn.keys.signing_key import generate_proof_key
from standin import StandIn, faults
from standin.jose import thumbprint
from tests.conftest import MovableClock
from tests.support.deployment import (
    CHILD,
    CLIENT_ID,
    OTHER_UNIT,
    PARENT,
    Function,
    assertions,
    every_algorithm,
    made,
    proofs,
)
from tests.support.happenings import Before


def identifiers(standin: StandIn) -> list[str]:
    """List the jti of every assertion and every proof that arrived."""
    signed = [*assertions(standin), *proofs(standin, "token"), *proofs(standin, "api")]
    return [each["jti"] for each in signed]


@every_algorithm
def test_a_nonce_retry_has_a_fresh_assertion_and_proof(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock
) -> None:
    standin = start_standin(clock=clock)
    standin.helseid.fail_next("token", Before(lambda: clock.move(1)))
    assert deploy(standin, now=clock).call().status_code == 200
    for first, second in (assertions(standin), proofs(standin, "token")):
        assert first["jti"] != second["jti"]
        assert second["iat"] == first["iat"] + 1
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@every_algorithm
def test_a_retry_at_helseid_has_a_fresh_assertion_and_proof(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_next("token", faults.Status(503, handled=True), after=1)
    standin.helseid.fail_next("token", faults.Reset(handled=True))
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 4, "api": 1}
    jtis = [each["jti"] for each in (*assertions(standin), *proofs(standin, "token"))]
    assert len(set(jtis)) == 8


def test_a_retry_at_the_api_has_a_fresh_proof(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", faults.Status(503, handled=True))
    standin.api.fail_next("api", faults.Reset(handled=True))
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 2, "api": 3}
    assert len({proof["jti"] for proof in proofs(standin, "api")}) == 3


def test_no_jti_is_used_twice_over_many_calls(standin: StandIn, function: Function) -> None:
    for number in range(12):
        if number % 3 == 0:
            standin.revoke_tokens()
        if number % 4 == 0:
            standin.rotate_nonces("helseid")
        standin.api.settings.nonce_required = number > 6
        assert function.call(OTHER_UNIT if number % 2 else None).status_code == 200
    found = identifiers(standin)
    assert len(found) == 2 * standin.count("token") + standin.count("api")
    assert len(found) == len(set(found))


@every_algorithm
def test_an_assertion_has_these_members_and_no_others(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function], clock: MovableClock, jwk: dict[str, Any]
) -> None:
    standin = start_standin(clock=clock)
    deploy(standin, now=clock).call()
    assertion = assertions(standin)[-1]
    assert len(assertion.pop("jti")) >= 22  # 128 bits in base64url
    # As late as HelseID's limit of 10 s allows for a clock that is as much ahead as another may be behind.
    assert (assertion.pop("nbf") - clock.now, assertion.pop("exp") - clock.now) == (-5, 5)
    identifier = {"system": "urn:oid:1.0.6523", "type": "ENH", "value": f"NO:ORGNR:{PARENT}:{CHILD}"}
    assert assertion == {
        "header": {"typ": "client-authentication+jwt", "alg": jwk["alg"], "kid": jwk["kid"]},
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": standin.issuer,
        "iat": int(clock.now),
        "assertion_details": {
            "type": "helseid_authorization",
            "practitioner_role": {"organization": {"identifier": identifier}},
        },
    }
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_the_requests_have_the_form_of_their_kind(standin: StandIn, function: Function) -> None:
    function.call()
    exchange = standin.exchanges("token")[-1]
    assert set(exchange.form) == {"grant_type", "client_id", "client_assertion_type", "client_assertion", "scope"}
    assert exchange.form["client_id"] == CLIENT_ID
    assert exchange.values("Content-Type") == ["application/x-www-form-urlencoded"]
    assert [assertion["aud"] for assertion in assertions(standin)] == [standin.issuer] * 2
    schemes = [[value.partition(" ")[0] for value in each.values("Authorization")] for each in standin.received]
    assert schemes == [[], [], [], ["DPoP"]]
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_a_proof_has_the_public_half_of_a_p256_key_alone(standin: StandIn, function: Function) -> None:
    function.call()
    for proof in (*proofs(standin, "token"), *proofs(standin, "api")):
        header = proof["header"]
        assert set(header) == {"typ", "alg", "jwk"}
        assert (header["typ"], header["alg"], set(header["jwk"])) == ("dpop+jwt", "ES256", {"kty", "crv", "x", "y"})
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


def test_a_proof_is_for_one_method_one_url_and_one_token(standin: StandIn, function: Function) -> None:
    function.call()
    at_helseid, at_api = proofs(standin, "token")[-1], proofs(standin, "api")[-1]
    assert (at_helseid["htm"], at_helseid["htu"], "ath" in at_helseid) == ("POST", standin.token_endpoint, False)
    token = standin.exchanges("api")[0].values("Authorization")[0].removeprefix("DPoP ")
    ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    assert (at_api["htm"], at_api["htu"], at_api["ath"]) == ("GET", standin.api_url, ath)
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}


@every_algorithm
def test_every_token_has_a_fresh_proof_key(standin: StandIn, function: Function, jwk: dict[str, Any]) -> None:
    function.call()
    function.call(OTHER_UNIT)
    keys = [thumbprint(proof["header"]["jwk"]) for proof in proofs(standin, "token")]
    assert (keys[0] == keys[1], keys[1] != keys[2]) == (True, True)
    assert thumbprint(jwk) not in keys
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


def test_a_token_keeps_the_key_it_is_bound_to(standin: StandIn, function: Function) -> None:
    function.call()
    function.call(OTHER_UNIT)
    function.call()
    for exchange in standin.exchanges("api"):
        bound_to = exchange.claims["token"]["cnf"]["jkt"]
        assert thumbprint(exchange.claims["proof"]["header"]["jwk"]) == bound_to
    assert made(standin) == {"metadata": 1, "token": 3, "api": 3}


def test_the_api_refuses_a_proof_by_another_key(standin: StandIn, function: Function) -> None:
    app = function.app
    invocation, ctx = parse_invocation({}, app.settings), Context(25)
    tokens = app.api._tokens
    token = tokens.get(invocation.organization, invocation.scopes, ctx)
    stolen = dataclasses.replace(token, proof_key=generate_proof_key())
    assert app.api._send(invocation.request, {}, stolen, ctx, stream=False).response.status == 401
    refusal = standin.exchanges("api")[0].refusal
    assert refusal is not None
    assert refusal.detail == "the proof's key is not the one the token is bound to"
    assert made(standin) == {"metadata": 1, "token": 2, "api": 1}
