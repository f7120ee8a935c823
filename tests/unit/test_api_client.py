"""Calls over a fake transport; the contract tests check that an API accepts them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from helseid_fn.api.client import ApiClient, ApiResult
from helseid_fn.api.request import ApiRequest
from helseid_fn.context import Context
from helseid_fn.errors import Party, Refused, Unavailable
from helseid_fn.http.messages import Build, Message, Response
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.dpop import access_token_hash
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from tests.support.parts import NOW, make_context, make_response, read_jws

URL = "https://api.example.no/a?q=1"
ORGANIZATION, SCOPES = Organization("999977774"), frozenset({"nhn:a/b"})
TOKEN, NEW_TOKEN = (
    Token(value, generate_proof_key(), SCOPES, 600, NOW, None, "x", "y") for value in ("the-token", "the-new-token")
)
REJECTED = {"WWW_Authenticate": 'DPoP error="invalid_token"'}


class FakeTokens:
    """Returns one token, and another when it is rejected."""

    def __init__(self) -> None:
        self.rejected: list[Token | None] = []
        self.rejected_anew: list[Token] = []

    def get(
        self,
        organization: Organization,
        scopes: frozenset[str],
        ctx: Context,
        *,
        rejected: Token | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Token:
        del ctx
        if meanwhile is not None:
            meanwhile()
        assert (organization, scopes) == (ORGANIZATION, SCOPES)
        self.rejected.append(rejected)
        return TOKEN if rejected is None else NEW_TOKEN

    def may_replace(self, token: Token) -> bool:
        return token not in self.rejected_anew

    def note_rejected_anew(self, token: Token) -> None:
        self.rejected_anew.append(token)


class FakeTransport:
    """Returns one response, or several in turn, and records the messages that were built for it."""

    def __init__(self, *responses: Response, echo: bool = False) -> None:
        self.messages: list[Message] = []
        self.options: dict[str, Any] = {}
        self.connected_early: list[tuple[Party, str]] = []
        self._responses = [*responses] or [make_response(200, {}, Content_Type="application/json")]
        self._echo = echo

    def connect_early(self, party: Party, url: str, **_options: Any) -> None:
        self.connected_early.append((party, url))

    def send(self, party: Party, _method: str, url: str, build: Build, **options: Any) -> Response:
        assert party is Party.API
        self.options = options
        self.messages += [build(url, None), build(url, "the-nonce")]
        response = self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]
        if self._echo:
            text = " ".join(value for message in self.messages for value in message.headers.values())
            return make_response(response.status, text.encode(), Content_Type="text/plain")
        return response


def call(transport: FakeTransport, request: ApiRequest | None = None, tokens: FakeTokens | None = None) -> ApiResult:
    ids = (f"jti-{number}" for number in count(1))
    api = ApiClient(tokens or FakeTokens(), transport, now=lambda: NOW, new_id=lambda: next(ids))  # type: ignore[arg-type]
    return api.call(request or ApiRequest("GET", URL), ORGANIZATION, SCOPES, make_context())


def test_returns_the_response_and_its_token() -> None:
    result = call(FakeTransport(make_response(201, {"a": 1}, Content_Type="application/json")))
    assert (result.response.status, result.response.body, result.token) == (201, {"a": 1}, TOKEN)


def test_a_rejected_token_is_replaced_and_the_call_repeated() -> None:
    transport, tokens = FakeTransport(make_response(401, b"", **REJECTED), make_response(204, b"")), FakeTokens()
    result = call(transport, tokens=tokens)
    assert (result.response.status, result.token, tokens.rejected) == (204, NEW_TOKEN, [None, TOKEN])
    assert [message.headers["Authorization"] for message in transport.messages[::2]] == ["DPoP the-token", "DPoP the-new-token"]
    assert len({read_jws(message.headers["DPoP"])[1]["jti"] for message in transport.messages}) == 4


def test_a_token_that_is_rejected_twice_is_a_refusal() -> None:
    transport, tokens = FakeTransport(make_response(401, b"", **REJECTED)), FakeTokens()
    with pytest.raises(Refused) as raised:
        call(transport, tokens=tokens)
    assert (raised.value.code, tokens.rejected) == ("api.refused.invalid_token", [None, TOKEN])


@pytest.mark.parametrize(("status", "challenge"), [(401, "DPoP"), (403, 'DPoP error="invalid_token"'), (404, "")])
def test_another_refusal_is_not_repeated(status: int, challenge: str) -> None:
    tokens = FakeTokens()
    with pytest.raises(Refused):
        call(FakeTransport(make_response(status, b"", WWW_Authenticate=challenge)), tokens=tokens)
    assert tokens.rejected == [None]


def test_a_call_carries_the_token_and_a_proof() -> None:
    transport = FakeTransport()
    call(transport)
    headers = dict(transport.messages[0].headers)
    assert (headers.pop("Authorization"), bool(headers.pop("DPoP")), headers) == (
        "DPoP the-token",
        True,
        {"Accept": "application/json"},
    )


def test_the_proof_is_bound_to_the_call_and_the_token() -> None:
    transport = FakeTransport()
    call(transport, ApiRequest("POST", URL))
    assert read_jws(transport.messages[0].headers["DPoP"])[1] == {
        "jti": "jti-1",
        "htm": "POST",
        "htu": "https://api.example.no/a",
        "iat": int(NOW),
        "ath": access_token_hash("the-token"),
    }


def test_the_api_is_connected_while_a_token_is_fetched() -> None:
    transport = FakeTransport()
    call(transport)
    assert transport.connected_early == [(Party.API, URL)]


def test_the_proof_is_signed_with_the_token_s_key() -> None:
    transport = FakeTransport()
    call(transport)
    assert read_jws(transport.messages[0].headers["DPoP"])[0]["jwk"] == TOKEN.proof_key.public_jwk


def test_every_attempt_has_its_own_proof() -> None:
    transport = FakeTransport()
    call(transport)
    claims = [read_jws(message.headers["DPoP"])[1] for message in transport.messages]
    assert [(each["jti"], each.get("nonce")) for each in claims] == [("jti-1", None), ("jti-2", "the-nonce")]


def test_the_caller_s_headers_and_body_are_sent() -> None:
    transport = FakeTransport()
    call(transport, ApiRequest("POST", URL, {"Accept": "text/plain", "X-Own": "a"}, b"{}"))
    message = transport.messages[0]
    assert (message.headers["Accept"], message.headers["X-Own"], message.body) == ("text/plain", "a", b"{}")


@pytest.mark.parametrize(("method", "idempotent"), [("GET", True), ("POST", False)])
def test_only_what_is_idempotent_may_be_sent_again(method: str, *, idempotent: bool) -> None:
    transport = FakeTransport()
    call(transport, ApiRequest(method, URL))
    assert transport.options["idempotent"] is idempotent


@pytest.mark.parametrize("number", [0, 1], ids=["the first attempt's", "the second attempt's"])
@pytest.mark.parametrize("status", [200, 400, 503])
def test_an_echo_of_our_secrets_is_redacted(status: int, number: int) -> None:
    transport = FakeTransport(make_response(status), echo=True)
    if status == 200:
        body = call(transport).response.body
    else:
        with pytest.raises((Refused, Unavailable)) as raised:
            call(transport)
        body = (raised.value.api_response or {})["body"]
    secrets = ("the-token", transport.messages[number].headers["DPoP"])
    assert ([each for each in secrets if each in body], "[redacted]" in body) == ([], True)
