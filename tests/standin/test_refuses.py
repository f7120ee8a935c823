"""Is the stand-in strict? One forged request for every check, each with a single fault."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from standin import SAMPLE_SCOPE, Client, StandIn, make_jwk, public_jwk
from standin.forger import CHILD, CLIENT_ID, NOW, PARENT, Forger, details
from standin.forgery import base64url
from standin.mutations import (
    Mutation,
    add_form,
    all_of,
    as_client,
    attribute,
    audience_in_list,
    audience_with_slash,
    claims,
    endpoint_as_audience,
    form,
    header,
    no_algorithm,
    other_htu,
    private_jwk,
    request_part,
    tampered,
    weak_client_key,
)

SINGLE_SYSTEM = "urn:oid:2.16.578.1.12.4.1.4.101"
OTHER_KEY = make_jwk("ES256", number=7)
HMAC_KEY = {"kty": "oct", "k": base64url(b"0" * 32)}
WEAK_PROOF_KEY = make_jwk("RS256", bits=1024, number=8)
MULTI = f"NO:ORGNR:{PARENT}:{CHILD}"
DETAILS = "assertion_details is empty or not an object or a list of objects"
IDENTIFIER = "helseid_authorization lacks practitioner_role.organization.identifier with system, type and value"
LISTING_PARENT = "313745392"
JOURNAL = {"type": "nhn:sfm:journal-id", "value": {"journal_id": "7a9d1c5e-0000-4000-8000-000000000000"}}

# By error code: what is forged, how, and the private detail, which names the check that refused it.
Table = dict[str, list[tuple[str, Mutation, str]]]

ASSERTIONS: Table = {
    "invalid_request": [
        ("a GET", request_part("method", "GET"), "the token request is not a POST"),
        ("a JSON body", request_part("content_type", "application/json"), "the token request is not a form"),
        ("a query", request_part("query", "?client_id=x"), "the token request has a query string"),
        ("two scopes members", add_form("scope", "x"), "the form has scope more than once"),
        (
            "a client secret",
            add_form("client_secret", "x"),
            "the token request carries a shared secret or an Authorization header",
        ),
        (
            "Basic authentication",
            lambda forged: forged.headers.append(("Authorization", "Basic eDp5")),
            "the token request carries a shared secret or an Authorization header",
        ),
    ],
    "invalid_client": [
        ("no client_id", form("client_id", None), "the form has no client_id"),
        ("an unknown client", form("client_id", "nobody"), "the client_id is not registered"),
        ("no assertion type", form("client_assertion_type", None), "the client_assertion_type is missing or not jwt-bearer"),
        (
            "a SAML assertion type",
            form("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
            "the client_assertion_type is missing or not jwt-bearer",
        ),
        ("no assertion", request_part("assertion", None), "the form has no client_assertion"),
        ("an assertion of two parts", attribute("assertion", "text", "abc.def"), "the assertion is not a well-formed JWS"),
        (
            "an assertion that is not JSON",
            attribute("assertion", "text", "YWJj.YWJj.YWJj"),
            "the assertion is not a well-formed JWS",
        ),
        ("an enormous assertion", attribute("assertion", "text", "a" * 51201), "the assertion is too long"),
        ("typ JWT", header("assertion", typ="JWT"), "the assertion's typ is not client-authentication+jwt"),
        ("no typ", header("assertion", typ=...), "the assertion's typ is not client-authentication+jwt"),
        ("a critical header member", header("assertion", crit=["exp"]), "the assertion's header has critical members"),
        ("alg none", no_algorithm, "the assertion's alg is not one HelseID accepts"),
        ("alg HS256", header("assertion", alg="HS256"), "the assertion's alg is not one HelseID accepts"),
        ("alg EdDSA", header("assertion", alg="EdDSA"), "the assertion's alg is not one HelseID accepts"),
        ("the key under another alg", header("assertion", alg="RS384"), "the assertion's alg is not the registered key's"),
        ("an unknown kid", header("assertion", kid="unknown"), "the assertion's kid is not registered for this client"),
        ("a 1024-bit key", weak_client_key, "the registered key is weak or cannot be read"),
        (
            "another's signature",
            attribute("assertion", "signature", base64url(b"1" * 64)),
            "the assertion's signature does not verify with the registered key",
        ),
        ("another's iss", claims("assertion", iss="x"), "the assertion's iss is not the client_id"),
        ("another's sub", claims("assertion", sub="x"), "the assertion's sub is not the client_id"),
        ("the endpoint as aud", endpoint_as_audience, "the assertion's aud is not the issuer"),
        ("aud with a slash", audience_with_slash, "the assertion's aud is not the issuer"),
        ("aud in a list", audience_in_list, "the assertion's aud is a list"),
        *(
            (f"{name} {what}", claims("assertion", **{name: value}), f"the assertion's {name} is missing or not an integer")
            for name in ("iat", "nbf", "exp")
            for what, value in (("missing", ...), ("as text", str(NOW)), ("as a fraction", NOW + 0.5), ("as true", True))
        ),
        ("nbf ahead", claims("assertion", nbf=NOW + 1), "the assertion's nbf is in the future"),
        ("exp now", claims("assertion", exp=NOW, iat=NOW - 5), "the assertion has expired"),
        (
            "exp 11 seconds ahead",
            claims("assertion", exp=NOW + 11, iat=NOW + 3),
            "the assertion's exp is more than 10 seconds ahead",
        ),
        ("a life of 11 seconds", claims("assertion", exp=NOW + 8, iat=NOW - 3), "the assertion lives for more than 10 seconds"),
        ("iat after exp", claims("assertion", iat=NOW + 9, exp=NOW + 8), "the assertion was issued after it expires"),
        ("no jti", claims("assertion", jti=...), "the assertion has no jti"),
        ("a short jti", claims("assertion", jti="123456789012345"), "the assertion's jti is shorter than 16 characters"),
    ],
}

ORGANIZATIONS: Table = {
    "HID-1007": [
        (
            "no organization from a multi-tenant client",
            claims("assertion", assertion_details=...),
            "a multi-tenant client must name the organization it signs in for",
        ),
        (
            "both claims",
            claims("assertion", authorization_details=details(MULTI)),
            "the assertion has both assertion_details and authorization_details",
        ),
        ("empty details", claims("assertion", assertion_details={}), DETAILS),
        ("an empty list", claims("assertion", assertion_details=[]), DETAILS),
        ("details as text", claims("assertion", assertion_details=json.dumps(details(MULTI))), DETAILS),
        (
            "an unknown type",
            claims("assertion", assertion_details={**details(MULTI), "type": "x"}),
            "assertion_details has an element of an unknown type",
        ),
        (
            "two of a type",
            claims("assertion", assertion_details=[details(MULTI), details(MULTI)]),
            "assertion_details has two elements of one type",
        ),
        (
            "no identifier",
            claims("assertion", assertion_details={"type": "helseid_authorization", "practitioner_role": {}}),
            IDENTIFIER,
        ),
        (
            "an identifier of another type",
            claims("assertion", assertion_details=details(MULTI, type_="x")),
            "the identifier's type is not ENH, or its system or value is not a string",
        ),
        (
            "the single-tenant system",
            claims("assertion", assertion_details=details(CHILD, SINGLE_SYSTEM)),
            "the identifier system of a multi-tenant client is not urn:oid:1.0.6523",
        ),
        (
            "a bare number",
            claims("assertion", assertion_details=details(PARENT)),
            "the identifier value is not NO:ORGNR:<parent>:<child>",
        ),
        (
            "a journal without an organization",
            claims("assertion", assertion_details=JOURNAL),
            "a multi-tenant client named no organization beside nhn:sfm:journal-id",
        ),
        (
            "a journal that is no UUID",
            claims("assertion", assertion_details=[details(MULTI), {**JOURNAL, "value": {"journal_id": "x"}}]),
            "nhn:sfm:journal-id lacks a value.journal_id that is a UUID",
        ),
        (
            "a journal from a single-tenant client",
            as_client("single", [details(CHILD, SINGLE_SYSTEM), JOURNAL]),
            "nhn:sfm:journal-id is for multi-tenant clients",
        ),
        (
            "the samples' old system",
            as_client("single", details(CHILD, "urn:oid:2.16.578.1.12.4.1.2.101")),
            f"the identifier system of a single-tenant client is not {SINGLE_SYSTEM}",
        ),
    ],
    "HID-1004": [
        (
            "ten digits",
            claims("assertion", assertion_details=details("NO:ORGNR:9999777740")),
            "an organization number is not nine digits",
        ),
        (
            "a child of eight digits",
            claims("assertion", assertion_details=details(f"NO:ORGNR:{PARENT}:99997777")),
            "an organization number is not nine digits",
        ),
    ],
    "HID-1001": [
        (
            "a parent that did not delegate",
            claims("assertion", assertion_details=details("NO:ORGNR:312232324")),
            "312232324 did not delegate to the supplier",
        ),
    ],
    "HID-1003": [
        (
            "a child of another parent",
            claims("assertion", assertion_details=details(f"NO:ORGNR:{LISTING_PARENT}:999977775")),
            f"999977775 is not a child of {LISTING_PARENT}",
        ),
    ],
    "HID-1005": [
        ("a parent from a single-tenant client", as_client("single", details(MULTI)), "a single-tenant client named a parent"),
    ],
    "HID-1002": [
        (
            "an unlisted child",
            as_client("single", details("999977775", SINGLE_SYSTEM)),
            "999977775 is not a child of this client",
        ),
    ],
    "HID-1006": [
        (
            "a child of a client without children",
            as_client("childless", details(CHILD, SINGLE_SYSTEM)),
            "the client has no child organizations",
        ),
    ],
    "HID-1009": [
        (
            "an organization with the authorization code flow",
            form("grant_type", "authorization_code"),
            "organization claims came with grant_type authorization_code",
        ),
    ],
    "HID-1010": [
        ("an organization from a client without tenancy", as_client("none", details(MULTI)), "the client has no tenancy"),
    ],
}

PROOFS: Table = {
    "unsupported_grant_type": [
        ("no grant_type", form("grant_type", None), "the grant_type is missing or too long"),
        ("an unknown grant", form("grant_type", "x"), "the grant_type is unknown"),
    ],
    "invalid_target": [
        (
            "two resources",
            all_of(add_form("resource", "nhn:a"), add_form("resource", "nhn:b")),
            "the form has more than one resource",
        ),
        ("a relative resource", add_form("resource", "x"), "the resource is not an absolute URI"),
        (
            "a resource without a scope",
            add_form("resource", "nhn:other"),
            "the resource is not the audience of a granted scope",
        ),
    ],
    "invalid_request": [
        ("two proofs", lambda forged: forged.headers.append(("DPoP", "x")), "the request has more than one DPoP header"),
        ("no proof", attribute("proof", "text", ""), "the request has no DPoP header"),
    ],
    "invalid_dpop_proof": [
        ("a long proof", attribute("proof", "text", "a" * 4001), "the proof is too long"),
        ("a proof of two parts", attribute("proof", "text", "abc.def"), "the proof is not a well-formed JWS"),
        ("typ JWT", header("proof", typ="JWT"), "the proof's typ is not dpop+jwt"),
        ("a critical member", header("proof", crit=["exp"]), "the proof's header has critical members"),
        ("alg HS256", header("proof", alg="HS256"), "the proof's alg is not one HelseID accepts"),
        ("no jwk", header("proof", jwk=...), "the proof has no jwk"),
        ("a private jwk", private_jwk, "the proof's jwk has private members"),
        ("a symmetric jwk", header("proof", jwk=HMAC_KEY), "the proof's jwk has private members"),
        (
            "an RSA jwk of 1024 bits",
            header("proof", jwk=public_jwk(WEAK_PROOF_KEY)),
            "the proof's jwk is weak or cannot be read",
        ),
        ("another's jwk", header("proof", jwk=public_jwk(OTHER_KEY)), "the proof's signature does not verify with its jwk"),
        ("a changed payload", tampered, "the proof's signature does not verify with its jwk"),
        ("no jti", claims("proof", jti=...), "the proof has no jti"),
        ("htm GET", claims("proof", htm="GET"), "the proof's htm is not the method"),
        ("htm in lower case", claims("proof", htm="post"), "the proof's htm is not the method"),
        ("no htu", claims("proof", htu=...), "the proof's htu is not the URL"),
        ("another path", other_htu(token="Token"), "the proof's htu is not the URL"),
        ("another scheme", other_htu(http="https"), "the proof's htu is not the URL"),
        *(
            (f"iat {what}", claims("proof", iat=value), "the proof's iat is missing or not an integer")
            for what, value in (("missing", ...), ("as text", str(NOW)), ("as a fraction", NOW + 0.5))
        ),
        ("an ath", claims("proof", ath="x"), "the proof has an ath where there is no access token"),
    ],
    "use_dpop_nonce": [
        ("no nonce", claims("proof", nonce=...), "the proof has no nonce"),
        ("another's nonce", claims("proof", nonce="x" * 32), "the nonce was not issued by this server"),
    ],
    "unauthorized_client": [
        ("another grant", form("grant_type", "refresh_token"), "the client may not use this grant_type"),
        ("a client without this grant", as_client("code", details(MULTI)), "the client may not use this grant_type"),
    ],
    "invalid_scope": [
        ("openid", form("scope", "openid"), "a machine client requested a user scope"),
        ("a foreign scope", form("scope", "nhn:msh/api"), "a scope is not granted to this client"),
        ("a long scope", form("scope", "x" * 301), "the scope is too long"),
    ],
}

CALLS: Table = {
    "invalid_token": [
        ("no token", request_part("token", None), "the call does not have exactly one Authorization header"),
        (
            "two tokens",
            lambda forged: forged.headers.append(("Authorization", "DPoP x")),
            "the call does not have exactly one Authorization header",
        ),
        ("Bearer", request_part("scheme", "Bearer"), "the Authorization scheme is not DPoP"),
        ("dpop in lower case", request_part("scheme", "dpop"), "the Authorization scheme is not DPoP"),
        ("a malformed token", attribute("token", "text", "x.y"), "the token is not a well-formed JWS"),
        ("a token under PS256", header("token", alg="PS256"), "the token's alg is not RS256"),
        ("an id token", header("token", typ="id+jwt"), "the token's typ is neither at+jwt nor JWT"),
        ("another's token", attribute("token", "key", make_jwk("RS256", number=5)), "the token's signature is not HelseID's"),
        ("another issuer", claims("token", iss="http://x"), "the token's iss is not HelseID"),
        ("another audience", claims("token", aud="nhn:x"), "the token's aud is not exactly this API"),
        ("no audience", claims("token", aud=...), "the token's aud is not exactly this API"),
        (
            "two audiences",
            claims("token", aud=["nhn:test-public-samplecode", "nhn:x"]),
            "the token's aud is not exactly this API",
        ),
        ("no exp", claims("token", exp=...), "the token has no exp"),
        ("no nbf", claims("token", nbf=...), "the token has no nbf"),
        ("an expired token", claims("token", exp=NOW), "the token has expired"),
        ("a token of tomorrow", claims("token", nbf=NOW + 1), "the token is not valid yet"),
        ("an unbound token", claims("token", cnf=...), "the token is not bound to a key"),
    ],
    "invalid_dpop_proof": [
        ("no proof", attribute("proof", "text", ""), "the call does not have exactly one DPoP header"),
        ("two proofs", lambda forged: forged.headers.append(("DPoP", "x")), "the call does not have exactly one DPoP header"),
        ("a malformed proof", attribute("proof", "text", "x.y"), "the proof is not a well-formed JWS"),
        ("no jwk", header("proof", jwk=...), "the proof's jwk is missing or has private members"),
        ("a private jwk", private_jwk, "the proof's jwk is missing or has private members"),
        ("a weak jwk", header("proof", jwk=public_jwk(WEAK_PROOF_KEY)), "the proof's jwk is weak or cannot be read"),
        (
            "another key than the token's",
            claims("token", cnf={"jkt": OTHER_KEY["kid"]}),
            "the proof's key is not the one the token is bound to",
        ),
        ("typ JWT", header("proof", typ="JWT"), "the proof's typ or alg is not one the API accepts"),
        ("a changed payload", tampered, "the proof's signature does not verify with its jwk"),
        ("no ath", claims("proof", ath=None), "the proof's ath is not the token's hash"),
        ("another's ath", claims("proof", ath="x"), "the proof's ath is not the token's hash"),
        ("no jti", claims("proof", jti=...), "the proof has no jti"),
        ("htm POST", claims("proof", htm="POST"), "the proof's htm is not the method"),
        *(
            (f"htu with {what}", other_htu(**{old: new}), "the proof's htu is not the URL, letter by letter")
            for what, old, new in (
                ("another scheme", "http:", "https:"),
                ("a slash at its end", "greetings", "greetings/"),
                ("a query", "greetings", "greetings?a=b"),
                ("an escaped letter", "greetings", "gree%74ings"),
                ("another host", "127.0.0.1", "localhost"),
            )
        ),
        *(
            (f"iat {what}", claims("proof", iat=value), "the proof's iat is not an integer near the clock")
            for what, value in (
                ("missing", ...),
                ("as text", str(NOW)),
                ("as a fraction", NOW + 0.5),
                ("7 seconds old", NOW - 7),
                ("6 seconds ahead", NOW + 6),
            )
        ),
    ],
    "insufficient_scope": [
        ("no scope", claims("token", scope=...), "the token lacks the API's scope"),
        ("another scope", claims("token", scope=["x"]), "the token lacks the API's scope"),
        ("scope as text", claims("token", scope=SAMPLE_SCOPE), "the token lacks the API's scope"),
    ],
}


def test_the_tables_cover_at_least_a_hundred_reasons() -> None:
    """Each check has its own request, so that no request is refused by another check."""
    tables = (ASSERTIONS, ORGANIZATIONS, PROOFS, CALLS)
    reasons = [detail for table in tables for kinds in table.values() for _, _, detail in kinds]
    assert len(reasons) >= 150
    assert len(set(reasons)) >= 100


def rows(table: Table) -> pytest.MarkDecorator:
    """Make a test of every row, named after what is forged."""
    cases = [
        pytest.param(mutate, error, detail, id=f"{name}: {error}")
        for error, rows in table.items()
        for name, mutate, detail in rows
    ]
    return pytest.mark.parametrize(("mutate", "error", "detail"), cases)


every_algorithm = pytest.mark.parametrize("forger", ["RS256", "PS256", "ES256"], indirect=True)
"""For checks of what the client key signs; the others run with ES256."""


@pytest.fixture(scope="module")
def forger(request: pytest.FixtureRequest) -> Iterator[Forger]:
    """Provide a stand-in with a stopped clock, with clients of every tenancy."""
    alg = getattr(request, "param", "ES256")
    keys = [public_jwk(make_jwk(alg)), public_jwk(make_jwk("RS256", bits=1024, kid="weak", number=9))]
    common: Any = {"jwks": keys, "scopes": (SAMPLE_SCOPE, "nhn:other/scope")}
    clients = [
        Client(client_id=CLIENT_ID, other_parents=(LISTING_PARENT,), children_of={LISTING_PARENT: (CHILD,)}, **common),
        Client(client_id="single", tenancy="single-tenant", **common),
        Client(client_id="childless", tenancy="single-tenant", children=(), **common),
        Client(client_id="none", tenancy="none", **common),
        Client(client_id="code", grant_types=("authorization_code",), **common),
    ]
    with StandIn(clients, clock=lambda: float(NOW)) as standin:
        yield Forger(standin, alg)


@every_algorithm
def test_a_right_token_request_gets_a_token(forger: Forger) -> None:
    """An unchanged request is accepted."""
    exchange = forger.exchange(forger.token_request())
    assert (exchange.status, exchange.refusal) == (200, None)
    assert exchange.response_json["token_type"] == "DPoP"


def test_a_right_call_is_greeted(forger: Forger) -> None:
    """An unchanged request is accepted."""
    exchange = forger.exchange(forger.call())
    assert (exchange.status, exchange.refusal) == (200, None)
    assert exchange.response_json["greeting"].startswith("Hello from the Sample API (with DPoP)!")


@pytest.mark.parametrize(
    "mutate",
    [
        pytest.param(header("assertion", kid=...), id="an assertion without kid"),
        pytest.param(claims("assertion", assertion_details=[details(MULTI)]), id="details in a list of one"),
        pytest.param(claims("assertion", assertion_details=[details(MULTI), JOURNAL]), id="an SFM journal"),
        pytest.param(claims("assertion", assertion_details=details(f"NO:ORGNR:{PARENT}:")), id="no child, with colon"),
        pytest.param(claims("assertion", assertion_details=details(f"NO:ORGNR:{PARENT}")), id="no child, no colon"),
        pytest.param(claims("assertion", assertion_details=details(f"NO:ORGNR:{LISTING_PARENT}:{CHILD}")), id="a listed child"),
        pytest.param(as_client("single", ...), id="a single-tenant client that names nobody"),
        pytest.param(as_client("single", details(CHILD, SINGLE_SYSTEM)), id="a single-tenant client's child"),
        pytest.param(claims("assertion", nbf=NOW - 5), id="nbf set back"),
        pytest.param(form("scope", None), id="no scope requested"),
        pytest.param(add_form("resource", "nhn:test-public-samplecode"), id="one resource"),
        pytest.param(other_htu(http="HTTP"), id="htu with its scheme in capitals"),
    ],
)
def test_what_helseid_allows_is_accepted(forger: Forger, mutate: Mutation) -> None:
    """Strict is not the same as narrow."""
    forged = forger.token_request()
    mutate(forged)
    exchange = forger.exchange(forged)
    assert (exchange.status, exchange.refusal) == (200, None)


@every_algorithm
@rows(ASSERTIONS)
def test_a_client_is_refused_for(forger: Forger, mutate: Mutation, error: str, detail: str) -> None:
    """The response does not contain the cause; only the record does."""
    forged = forger.token_request()
    mutate(forged)
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert (exchange.status, exchange.refusal.error, exchange.refusal.detail) == (400, error, detail)
    if error == "invalid_client":
        assert exchange.response_json == {"error": "invalid_client"}


@rows(ORGANIZATIONS)
def test_an_organization_is_refused_for(forger: Forger, mutate: Mutation, error: str, detail: str) -> None:
    """HelseID's own code is in the description."""
    forged = forger.token_request()
    mutate(forged)
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert (exchange.status, exchange.refusal.detail) == (400, detail)
    assert exchange.response_json["error_description"].startswith(error)


@rows(PROOFS)
def test_a_token_request_is_refused_for(forger: Forger, mutate: Mutation, error: str, detail: str) -> None:
    """A nonce is offered if and only if one is required."""
    forged = forger.token_request()
    mutate(forged)
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert (exchange.status, exchange.refusal.error, exchange.refusal.detail) == (400, error, detail)
    assert any(name == "DPoP-Nonce" for name, _ in exchange.response_headers) == (error == "use_dpop_nonce")


@rows(CALLS)
def test_a_call_is_refused_for(forger: Forger, mutate: Mutation, error: str, detail: str) -> None:
    """The API names the error in its challenge (RFC 9449 section 7.1)."""
    forged = forger.call()
    mutate(forged)
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert (exchange.refusal.error, exchange.refusal.detail) == (error, detail)
    assert exchange.status == (403 if error == "insufficient_scope" else 401)
    assert dict(exchange.response_headers)["WWW-Authenticate"].startswith(f'DPoP error="{error}"')


def test_an_assertion_is_accepted_once(forger: Forger) -> None:
    """The same jti in an otherwise new assertion is a replay."""
    forged = forger.token_request()
    forger.exchange(forged)
    again = forger.token_request()
    assert again.assertion
    assert forged.assertion
    again.assertion.claims["jti"] = forged.assertion.claims["jti"]
    exchange = forger.exchange(again)
    assert exchange.refusal
    assert exchange.refusal.detail == "the assertion's jti was used before"


def test_a_nonce_round_uses_up_the_assertion(forger: Forger) -> None:
    """HelseID announced that every token request needs an assertion of its own, including a repeated one."""
    forged = forger.token_request()
    nonce = forged.proof.claims.pop("nonce")
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert exchange.refusal.error == "use_dpop_nonce"
    forged.proof.claims["nonce"] = nonce
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert exchange.refusal.detail == "the assertion's jti was used before"


@pytest.mark.parametrize("kind", ["token", "api"])
def test_a_proof_is_accepted_once(forger: Forger, kind: str) -> None:
    """The same jti in an otherwise new request is a replay, at HelseID and at the API."""
    make = forger.token_request if kind == "token" else forger.call
    first, second = make(), make()
    second.proof.claims["jti"] = first.proof.claims["jti"]
    assert forger.exchange(first).status == 200
    exchange = forger.exchange(second)
    assert exchange.refusal
    assert (exchange.refusal.error, exchange.refusal.detail) == (
        "invalid_dpop_proof",
        "the proof's jti was used before",
    )


def test_a_corrected_proof_is_accepted(forger: Forger) -> None:
    """A proof that failed an earlier check does not use up its jti."""
    forged = forger.token_request()
    forged.proof.claims["htm"] = "GET"
    assert forger.exchange(forged).status == 400
    again = forger.token_request()
    again.proof.claims["jti"] = forged.proof.claims["jti"]
    assert forger.exchange(again).status == 200


def test_a_nonce_lives_for_a_minute(forger: Forger) -> None:
    """It may be used often until then (Duende's default)."""
    forged = forger.token_request()
    nonce = forged.proof.claims["nonce"]
    assert forger.standin.helseid.nonces.refusal(nonce) is None
    forger.standin.clock.move(61)
    try:
        assert forger.standin.helseid.nonces.refusal(nonce) == "the nonce is older than a minute"
    finally:
        forger.standin.clock.move(-61)


def test_a_rotated_nonce_is_requested_anew(forger: Forger) -> None:
    """A nonce made before the rotation is stale, whatever its age."""
    forged = forger.token_request()
    forger.standin.rotate_nonces("helseid")
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert exchange.refusal.error == "use_dpop_nonce"


def test_a_revoked_token_is_refused(forger: Forger) -> None:
    """Only tokens issued before the revocation are."""
    issued = forger.exchange(forger.token_request()).response_json["access_token"]
    forger.standin.revoke_tokens()
    forged = forger.call()
    assert forged.token
    forged.token.text = issued
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert exchange.refusal.detail == "the token was revoked"


def test_the_api_can_ask_for_a_nonce(forger: Forger) -> None:
    """An API may have its own nonces, which are not HelseID's (RFC 9449 section 9)."""
    forger.standin.api.settings.nonce_required = True
    try:
        exchange = forger.exchange(forger.call())
        assert exchange.refusal
        assert (exchange.status, exchange.refusal.error) == (401, "use_dpop_nonce")
        forged = forger.call()
        forged.proof.claims["nonce"] = dict(exchange.response_headers)["DPoP-Nonce"]
        assert forger.exchange(forged).status == 200
        forged = forger.call()
        forged.proof.claims["nonce"] = forger.standin.helseid.nonces.make()
        assert forger.exchange(forged).status == 401
    finally:
        forger.standin.api.settings.nonce_required = False
