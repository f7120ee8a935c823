from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from helseid_fn.errors import InvalidResponse, Refused
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.token_response import Grant, Token, is_token_error, parse_grant
from tests.support.parts import NOW, make_response

REQUESTED = frozenset({"nhn:a/b", "nhn:c/d"})
GOOD = {"access_token": "eyJh.eyJi.c2ln", "token_type": "DPoP", "expires_in": 600, "scope": "nhn:a/b nhn:c/d"}
ABSENT = object()


def changed(**members: object) -> dict[str, object]:
    return {name: value for name, value in {**GOOD, **members}.items() if value is not ABSENT}


def grant(**members: object) -> Grant:
    return parse_grant(make_response(200, changed(**members)), REQUESTED)


def test_reads_a_grant() -> None:
    assert grant() == Grant("eyJh.eyJi.c2ln", REQUESTED, 600)


def test_unknown_members_are_ignored() -> None:
    assert grant(refresh_token="x", id_token=[1]) == grant()


@pytest.mark.parametrize("token_type", ["DPoP", "dpop", "DPOP"])
def test_the_token_type_is_dpop_in_any_case(token_type: str) -> None:
    assert grant(token_type=token_type) == grant()


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "", "DPoP ", "N_A", None, ["DPoP"], ABSENT])
def test_a_bearer_token_is_not_used(token_type: object) -> None:
    with pytest.raises(InvalidResponse, match="token_type is not DPoP") as raised:
        grant(token_type=token_type)
    assert raised.value.code == "helseid.invalid_response.token_type"


@pytest.mark.parametrize("value", ["a", "eyJh.eyJi.c2ln", "AZaz09-._~+/==", "x" * 10_000])
def test_takes_a_token_that_fits_the_authorization_header(value: str) -> None:
    assert grant(access_token=value).value == value


WRONG = [
    ("access_token", ABSENT),
    ("access_token", None),
    ("access_token", ""),
    ("access_token", 7),
    ("access_token", ["a"]),
    ("access_token", "a b"),
    ("access_token", "a\r\nX-Evil: 1"),
    ("access_token", "a\n"),
    ("access_token", "a,b"),
    ("access_token", "ælv"),
    ("access_token", "=a"),
    ("expires_in", ABSENT),
    ("expires_in", None),
    ("expires_in", "600"),
    ("expires_in", True),
    ("expires_in", False),
    ("expires_in", 0),
    ("expires_in", -1),
    ("expires_in", 600.0),
    ("expires_in", 10**400),
    ("expires_in", [600]),
    ("scope", 7),
    ("scope", ["nhn:a/b", "nhn:c/d"]),
    ("scope", {}),
]


@pytest.mark.parametrize(
    ("name", "value"), WRONG, ids=[f"{name} {'absent' if value is ABSENT else repr(value)}" for name, value in WRONG]
)
def test_names_the_member_that_is_wrong(name: str, value: object) -> None:
    with pytest.raises(InvalidResponse, match=f"no usable {name}") as raised:
        grant(**{name: value})
    assert raised.value.code == "helseid.invalid_response.token_response"


def test_a_wrong_token_is_not_shown() -> None:
    with pytest.raises(InvalidResponse) as raised:
        grant(access_token="HUSH HUSH")
    assert "HUSH" not in str(raised.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"eyJh.eyJi.c2ln"'])
def test_a_response_that_is_no_json_object_has_no_token(body: bytes) -> None:
    with pytest.raises(InvalidResponse, match="no usable access_token"):
        parse_grant(make_response(200, body), REQUESTED)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (201, "helseid.invalid_response.token_response"),
        (204, "helseid.invalid_response.token_response"),
        (302, "helseid.invalid_response.redirect"),
        (307, "helseid.invalid_response.redirect"),
    ],
)
def test_another_status_than_200_gives_no_token(status: int, code: str) -> None:
    with pytest.raises(InvalidResponse, match=f"responded with {status}") as raised:
        parse_grant(make_response(status, GOOD), REQUESTED)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        pytest.param("nhn:a/b nhn:c/d", REQUESTED, id="all"),
        pytest.param("nhn:c/d  nhn:a/b nhn:a/b", REQUESTED, id="in another order, twice"),
        pytest.param("nhn:a/b nhn:c/d nhn:e/f", REQUESTED | {"nhn:e/f"}, id="more than all"),
        pytest.param(ABSENT, REQUESTED, id="absent: what was requested"),
        pytest.param(None, REQUESTED, id="null: what was requested"),
    ],
)
def test_reads_the_granted_scopes(scope: object, granted: frozenset[str]) -> None:
    assert grant(scope=scope).scopes == granted


@pytest.mark.parametrize(
    ("members", "missing"),
    [
        pytest.param({"scope": "nhn:a/b"}, "nhn:c/d", id="one is missing"),
        pytest.param({"scope": ""}, "nhn:a/b nhn:c/d", id="all are missing"),
        pytest.param({"scope": "nhn:a/b nhn:c/D"}, "nhn:c/d", id="in another case"),
        pytest.param({"rejected_scope": "nhn:c/d"}, "nhn:c/d", id="rejected although granted"),
        pytest.param({"scope": "nhn:a/b", "rejected_scope": "nhn:c/d"}, "nhn:c/d", id="rejected and not granted"),
        pytest.param({"scope": ABSENT, "rejected_scope": "nhn:a/b"}, "nhn:a/b", id="rejected and scope absent"),
    ],
)
def test_a_missing_scope_is_named(members: dict[str, Any], missing: str) -> None:
    with pytest.raises(Refused, match=rf"the scope {missing}\.") as raised:
        grant(**members)
    assert raised.value.code == "helseid.refused.scope_not_granted"


@pytest.mark.parametrize("rejected", [None, "", "nhn:other/one"])
def test_a_scope_that_was_not_requested_may_be_rejected(rejected: object) -> None:
    assert grant(rejected_scope=rejected) == grant()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(400, {"error": "invalid_client"}, True, id="400 with an error"),
        pytest.param(401, b"", True, id="401 with nothing"),
        pytest.param(499, b"<html>", True, id="499 with HTML"),
        pytest.param(200, {"error": "invalid_scope"}, True, id="200 with an error"),
        pytest.param(200, GOOD, False, id="200 with a token"),
        pytest.param(302, b"", False, id="a redirect"),
    ],
)
def test_recognizes_an_oauth_error(status: int, body: object, *, expected: bool) -> None:
    assert is_token_error(make_response(status, body)) is expected


def make_token(lifetime_seconds: int = 600) -> Token:
    return Token("HUSH", generate_proof_key(), REQUESTED, lifetime_seconds, NOW, "kid", "thumbprint", "jti")


def test_a_token_expires_its_lifetime_after_its_request() -> None:
    assert make_token(600).expires_at == NOW + 600


@pytest.mark.parametrize("shown", [grant(access_token="HUSH"), make_token()], ids=["grant", "token"])
def test_no_token_shows_its_value(shown: object) -> None:
    assert "HUSH" not in repr(shown)


def test_a_lifetime_starts_at_the_whole_second_of_the_request() -> None:
    """HelseID counts whole seconds, so that a token may end up to a second before its lifetime is over."""
    token = dataclasses.replace(make_token(5), requested_at=NOW + 0.9)
    assert token.expires_at == NOW + 5
