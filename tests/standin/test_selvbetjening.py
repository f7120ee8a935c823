"""Is the stand-in's Selvbetjening strict, and does its HelseID know the keys that were registered there?"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from standin import SAMPLE_SCOPE, SELVBETJENING_SCOPE, Client, StandIn, faults, make_jwk, public_jwk
from standin.events import event
from standin.forger import CLIENT_ID, NOW, Forger
from standin.forgery import Forged
from standin.mutations import Mutation, attribute, claims, form, header, other_htu, private_jwk, request_part
from standin.narration import narrate

NEW = make_jwk("ES256", number=3)
OTHER = make_jwk("ES256", number=4)
PUBLIC = public_jwk(NEW)
RSA = make_jwk("PS256", number=3)
WEAK = make_jwk("RS256", bits=1024, kid="weak", number=9)
WEEK_SECONDS = 7 * 86400


def without(name: str) -> dict[str, Any]:
    return {member: value for member, value in PUBLIC.items() if member != name}


@pytest.fixture
def forger() -> Iterator[Forger]:
    """Provide a stand-in with a stopped clock, with a client that may register keys and one that may not."""
    jwks = [public_jwk(make_jwk("ES256"))]
    clients = [Client(client_id=CLIENT_ID, jwks=jwks), Client(client_id="other", jwks=jwks, scopes=(SAMPLE_SCOPE,))]
    with StandIn(clients, clock=lambda: float(NOW)) as standin:
        yield Forger(standin, "ES256")


def register(forger: Forger, content: Any = PUBLIC) -> Any:
    return forger.exchange(forger.registration(content))


def sign_in(forger: Forger, key: dict[str, Any]) -> str:
    """Return the result of a token request with this key: the token's scheme, or the private reason for its refusal."""
    exchange = forger.exchange(forger.token_request(key))
    return exchange.refusal.detail if exchange.refusal else exchange.response_json["token_type"]


@pytest.mark.parametrize("content", [PUBLIC, json.dumps(PUBLIC), public_jwk(RSA)], ids=["object", "string", "RSA"])
def test_a_registered_key_signs_in_beside_the_one_before(forger: Forger, content: Any) -> None:
    key = RSA if content == public_jwk(RSA) else NEW
    exchange = register(forger, content)
    assert (exchange.status, exchange.response_json) == (200, {"expiration": "2027-07-14T08:00:00Z"})
    assert [sign_in(forger, each) for each in (key, forger.client_key, key)] == ["DPoP"] * 3
    assert forger.standin.signing_kids() == [key["kid"], forger.client_key["kid"], key["kid"]]


def test_a_key_that_was_not_registered_does_not_sign_in(forger: Forger) -> None:
    register(forger)
    assert sign_in(forger, OTHER) == "the assertion's kid is not registered for this client"


def test_the_keys_are_listed_with_their_origin_and_expiry(forger: Forger) -> None:
    register(forger)
    listed = forger.exchange(forger.listing()).response_json
    first, second = public_jwk(forger.client_key), PUBLIC
    assert listed == [
        {"expiration": None, "kid": first["kid"], "jwkThumbprint": first["kid"], "origin": "Gui", "publicJwk": first},
        {
            "expiration": "2027-07-14T08:00:00Z",
            "kid": second["kid"],
            "jwkThumbprint": second["kid"],
            "origin": "Api",
            "publicJwk": second,
        },
    ]


def test_a_registered_key_is_observed(forger: Forger) -> None:
    register(forger)
    given, registered = forger.standin.registered_keys(CLIENT_ID)
    assert (given.origin, given.posted) == ("Gui", 0)
    assert (registered.kid, registered.thumbprint, registered.origin, registered.posted) == (NEW["kid"], NEW["kid"], "Api", 1)
    assert len(forger.standin.registered_keys()) == 3


@pytest.mark.parametrize(
    ("error", "status", "content", "detail"),
    [
        *(
            ("private_key", 400, content, f"the posted key has private members: {members}")
            for content, members in (
                (NEW, "d"),
                (json.dumps(NEW), "d"),
                (RSA, "d, dp, dq, p, q, qi"),
                ({"kty": "oct", "k": "x"}, "k"),
            )
        ),
        *(
            ("invalid_json", 400, content, "the body contains no JSON object")
            for content in (None, [PUBLIC], "not a key", json.dumps([PUBLIC]), json.dumps(json.dumps(PUBLIC)))
        ),
        *(("invalid_key", 400, without(name), f"the posted key has no {name}") for name in ("kty", "kid", "alg", "use")),
        ("invalid_key", 400, {**PUBLIC, "use": "enc"}, "the posted key's use is not sig"),
        ("invalid_key", 400, public_jwk(WEAK), "the posted key is weak or cannot be read"),
        ("invalid_key", 400, {**PUBLIC, "x": "AAAA"}, "the posted key is weak or cannot be read"),
        ("invalid_key", 400, {**PUBLIC, "crv": "secp256k1"}, "the posted key is weak or cannot be read"),
        ("invalid_key", 400, {**PUBLIC, "alg": "ES384"}, "the posted key's alg does not match its type"),
        ("invalid_key", 400, {**PUBLIC, "alg": "RS256"}, "the posted key's alg does not match its type"),
        ("invalid_key", 400, {**public_jwk(RSA), "alg": "HS256"}, "the posted key's alg does not match its type"),
        ("duplicate_kid", 409, {**public_jwk(OTHER), "kid": make_jwk("ES256")["kid"]}, "the posted key's kid is already used"),
        ("duplicate_key", 409, public_jwk(make_jwk("ES256")), "the posted key is already registered"),
        (
            "duplicate_key",
            409,
            {**public_jwk(make_jwk("ES256")), "kid": "another"},
            "the posted key is already registered",
        ),
    ],
)
def test_a_key_is_refused(forger: Forger, error: str, status: int, content: Any, detail: str) -> None:
    """With a problem document that does not repeat the posted key; nothing is registered."""
    exchange = register(forger, content)
    assert exchange.refusal
    assert (exchange.refusal.error, exchange.refusal.detail) == (error, detail)
    assert dict(exchange.response_headers)["Content-Type"].startswith("application/problem+json")
    problem = exchange.response_json
    assert (problem["status"], exchange.status, set(problem)) == (
        status,
        status,
        {"type", "title", "status", "detail", "instance"},
    )
    assert [key.origin for key in forger.standin.registered_keys(CLIENT_ID)] == ["Gui"]


def test_a_form_is_refused_as_no_json(forger: Forger) -> None:
    forged = forger.registration(PUBLIC)
    forged.content_type = "application/x-www-form-urlencoded"
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert (exchange.status, exchange.refusal.error) == (415, "unsupported_media_type")


def test_a_received_private_key_is_a_secret(forger: Forger) -> None:
    jwk = make_jwk("ES256", fresh=True)
    exchange = register(forger, jwk)
    assert jwk["d"] in forger.standin.secrets()
    shown = event(exchange)
    assert shown["key"] == {"kid": jwk["kid"], "thumbprint": jwk["kid"], "form": "object", "private": True}
    assert "WITH ITS PRIVATE MEMBERS" in narrate(exchange)
    assert jwk["d"] not in json.dumps(shown) + narrate(exchange)


def test_a_narrated_registration_shows_no_credentials(forger: Forger) -> None:
    exchange = register(forger)
    shown = event(exchange)
    assert (shown["party"], shown["kind"], shown["key"]["private"]) == ("selvbetjening", "register", False)
    assert f"registers key ES256 {NEW['kid'][:11]}" in narrate(exchange)
    assert "the key expires at 2027-07-14T08:00:00Z" in narrate(exchange)
    assert not [secret for secret in forger.standin.secrets() if secret in json.dumps(shown) + narrate(exchange)]


CALLERS: list[tuple[str, int, Mutation, str]] = [
    ("invalid_token", 401, request_part("token", None), "the call does not have exactly one Authorization header"),
    ("invalid_token", 401, request_part("scheme", "Bearer"), "the Authorization scheme is not DPoP"),
    ("invalid_token", 401, claims("token", aud="nhn:test-public-samplecode"), "the token's aud is not exactly this API"),
    ("invalid_token", 401, claims("token", exp=NOW), "the token has expired"),
    ("invalid_token", 401, claims("token", cnf=...), "the token is not bound to a key"),
    ("invalid_dpop_proof", 401, attribute("proof", "text", ""), "the call does not have exactly one DPoP header"),
    ("invalid_dpop_proof", 401, private_jwk, "the proof's jwk is missing or has private members"),
    ("invalid_dpop_proof", 401, header("proof", typ="JWT"), "the proof's typ or alg is not one the API accepts"),
    ("invalid_dpop_proof", 401, claims("proof", ath="x"), "the proof's ath is not the token's hash"),
    ("invalid_dpop_proof", 401, claims("proof", htm="PUT"), "the proof's htm is not the method"),
    ("invalid_dpop_proof", 401, other_htu(v1="v2"), "the proof's htu is not the URL, letter by letter"),
    ("invalid_dpop_proof", 401, claims("proof", iat=NOW - 7), "the proof's iat is not an integer near the clock"),
    ("insufficient_scope", 403, claims("token", scope=[SAMPLE_SCOPE]), "the token lacks the API's scope"),
]


@pytest.mark.parametrize("make", [lambda forger: forger.registration(PUBLIC), Forger.listing], ids=["register", "list"])
@pytest.mark.parametrize(("error", "status", "mutate", "detail"), CALLERS)
def test_a_caller_is_refused(
    forger: Forger, make: Callable[[Forger], Forged], error: str, status: int, mutate: Mutation, detail: str
) -> None:
    """As every API behind HelseID does; nothing is registered."""
    forged = make(forger)
    mutate(forged)
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert (exchange.refusal.error, exchange.status, exchange.refusal.detail) == (error, status, detail)
    assert dict(exchange.response_headers)["WWW-Authenticate"].startswith(f'DPoP error="{error}"')
    assert len(forger.standin.registered_keys(CLIENT_ID)) == 1


def test_selvbetjening_accepts_a_proof_once(forger: Forger) -> None:
    first, second = forger.listing(), forger.listing()
    second.proof.claims["jti"] = first.proof.claims["jti"]
    assert [forger.exchange(each).status for each in (first, second)] == [200, 401]


def test_a_revoked_token_registers_nothing(forger: Forger) -> None:
    forged = forger.token_request()
    form("scope", SELVBETJENING_SCOPE)(forged)
    issued = forger.exchange(forged).response_json["access_token"]
    forger.standin.revoke_tokens()
    forged = forger.registration(PUBLIC)
    attribute("token", "text", issued)(forged)
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert (exchange.status, exchange.refusal.detail) == (401, "the token was revoked")


def test_selvbetjening_can_ask_for_a_nonce_of_its_own(forger: Forger) -> None:
    forger.standin.selvbetjening.settings.nonce_required = True
    asked = forger.exchange(forger.registration(PUBLIC))
    nonce = dict(asked.response_headers)["DPoP-Nonce"]
    statuses = [asked.status]
    for given in (nonce, forger.standin.helseid.nonces.make()):
        forged = forger.registration(PUBLIC)
        claims("proof", nonce=given)(forged)
        statuses.append(forger.exchange(forged).status)
    forger.standin.rotate_nonces("selvbetjening")
    forged = forger.registration(public_jwk(OTHER))
    claims("proof", nonce=nonce)(forged)
    assert [*statuses, forger.exchange(forged).status] == [401, 200, 401, 401]


def test_a_client_that_helseid_does_not_know_has_no_keys(forger: Forger) -> None:
    forged = forger.listing()
    claims("token", client_id="nobody")(forged)
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert (exchange.status, exchange.refusal.detail) == (403, "the token's client_id is not registered")


def test_the_scope_is_granted_to_clients_that_have_it(forger: Forger) -> None:
    forged = forger.token_request()
    form("scope", SELVBETJENING_SCOPE)(forged)
    assert forger.exchange(forged).response_json["scope"] == SELVBETJENING_SCOPE
    forged = forger.token_request()
    for mutate in (
        form("scope", SELVBETJENING_SCOPE),
        form("client_id", "other"),
        claims("assertion", iss="other", sub="other"),
    ):
        mutate(forged)
    assert forger.exchange(forged).response_json == {"error": "invalid_scope"}


def test_a_token_of_helseid_registers_a_key(forger: Forger) -> None:
    """Only the client is forged."""
    forged = forger.token_request()
    form("scope", SELVBETJENING_SCOPE)(forged)
    issued = forger.exchange(forged).response_json["access_token"]
    forged = forger.registration(PUBLIC)
    attribute("token", "text", issued)(forged)
    assert forger.exchange(forged).status == 200
    assert forger.standin.registered_keys(CLIENT_ID)[1].kid == NEW["kid"]


@pytest.mark.parametrize(("method", "path", "status"), [("PUT", "", 405), ("GET", "s", 404), ("POST", "/1", 404)])
def test_nothing_else_is_served(forger: Forger, method: str, path: str, status: int) -> None:
    forged = forger.listing()
    forged.method, forged.url = method, forged.url + path
    assert forger.exchange(forged).status == status


def test_a_new_key_is_valid_after_a_delay(forger: Forger) -> None:
    forger.standin.selvbetjening.settings.activation_seconds = 20
    register(forger)
    assert sign_in(forger, NEW) == "the registered key is not active yet"
    forger.standin.clock.move(19.9)
    assert sign_in(forger, NEW) == "the registered key is not active yet"
    forger.standin.clock.move(0.1)
    assert sign_in(forger, NEW) == "DPoP"


def test_a_clients_first_keys_are_valid_at_any_time(forger: Forger) -> None:
    forger.standin.clock.move(-3600)
    assert sign_in(forger, forger.client_key) == "DPoP"


def test_a_key_is_valid_until_it_expires(forger: Forger) -> None:
    forger.standin.selvbetjening.settings.lifetime_seconds = WEEK_SECONDS
    assert register(forger).response_json == {"expiration": "2027-01-22T08:00:00Z"}
    forger.standin.clock.move(WEEK_SECONDS - 1)
    assert sign_in(forger, NEW) == "DPoP"
    forger.standin.clock.move(1)
    assert [sign_in(forger, key) for key in (NEW, forger.client_key)] == ["the registered key has expired", "DPoP"]


@pytest.mark.parametrize("setting", ["lifetime_seconds", "activation_seconds"])
def test_a_refusal_does_not_say_why_a_key_is_invalid(forger: Forger, setting: str) -> None:
    setattr(forger.standin.selvbetjening.settings, setting, 0 if setting == "lifetime_seconds" else 1)
    register(forger)
    exchange = forger.exchange(forger.token_request(NEW))
    assert (exchange.status, exchange.response_json) == (400, {"error": "invalid_client"})


def test_an_invalid_key_is_not_tried_without_a_kid(forger: Forger) -> None:
    forger.standin.selvbetjening.settings.lifetime_seconds = 0
    register(forger)
    forged = forger.token_request(NEW)
    header("assertion", kid=...)(forged)
    exchange = forger.exchange(forged)
    assert exchange.refusal
    assert exchange.refusal.detail == "the assertion's signature does not verify with the registered key"


def test_any_key_can_be_made_to_expire(forger: Forger) -> None:
    forger.standin.expire_key(forger.client_key["kid"], in_seconds=60)
    assert sign_in(forger, forger.client_key) == "DPoP"
    listed = forger.exchange(forger.listing()).response_json
    assert listed[0]["expiration"] == "2027-01-15T08:01:00Z"
    forger.standin.clock.move(60)
    assert sign_in(forger, forger.client_key) == "the registered key has expired"
    with pytest.raises(KeyError, match="nobody"):
        forger.standin.expire_key("nobody")


def test_the_same_key_again_is_refused_and_counted(forger: Forger) -> None:
    assert [register(forger).status for _ in range(3)] == [200, 409, 409]
    assert [key.posted for key in forger.standin.registered_keys(CLIENT_ID)] == [0, 3]


def test_the_same_key_again_can_be_accepted(forger: Forger) -> None:
    forger.standin.selvbetjening.settings.duplicates = "accept"
    first = register(forger)
    forger.standin.clock.move(3600)
    again = register(forger)
    assert (again.status, again.response_json) == (200, first.response_json)
    assert [key.posted for key in forger.standin.registered_keys(CLIENT_ID)] == [0, 2]


@pytest.mark.parametrize(("accepted", "refused"), [("object", "string"), ("string", "object")])
def test_one_form_of_the_body_can_be_refused(forger: Forger, accepted: Any, refused: str) -> None:
    forger.standin.selvbetjening.settings.body_form = accepted
    contents = {"object": PUBLIC, "string": json.dumps(PUBLIC)}
    exchange = register(forger, contents[refused])
    assert exchange.refusal
    assert (exchange.status, exchange.refusal.detail) == (400, f"the key came as a JSON {refused}")
    assert register(forger, contents[accepted]).status == 200


@pytest.mark.parametrize("fault", [faults.Reset, faults.Close], ids=["reset", "close"])
@pytest.mark.parametrize("handled", [False, True], ids=["before", "after"])
def test_the_response_to_a_registration_can_be_lost(
    forger: Forger, fault: Callable[..., faults.Fault], *, handled: bool
) -> None:
    forger.standin.selvbetjening.fail_next("register", fault(handled=handled))
    with pytest.raises(OSError):  # noqa: PT011  # a reset connection or one that ended, each in its own words
        register(forger)
    assert forger.standin.exchanges("register")[0].status is None
    assert len(forger.standin.registered_keys(CLIENT_ID)) == (2 if handled else 1)
    assert register(forger).status == (409 if handled else 200)


@pytest.mark.parametrize("status", [400, 409, 500, 503])
@pytest.mark.parametrize("handled", [False, True], ids=["before", "after"])
def test_a_problem_can_be_planned(forger: Forger, status: int, *, handled: bool) -> None:
    forger.standin.selvbetjening.fail_next("register", faults.Problem(status, "as planned", handled=handled))
    exchange = register(forger)
    assert (exchange.status, exchange.response_json["detail"]) == (status, "as planned")
    assert len(forger.standin.registered_keys(CLIENT_ID)) == (2 if handled else 1)


def test_a_client_registered_anew_has_its_own_keys_alone(forger: Forger) -> None:
    register(forger)
    forger.standin.register(Client(client_id=CLIENT_ID, jwks=[public_jwk(OTHER)]))
    assert sign_in(forger, NEW) == "the assertion's kid is not registered for this client"
    assert sign_in(forger, OTHER) == "DPoP"
