"""The calls, over a transport of this file's own; what an API thinks of them stands in the contract tests."""

from __future__ import annotations

from typing import Any

import pytest

from helseid_fn.api.client import Api
from helseid_fn.api.request import ApiRequest
from helseid_fn.api.response import ApiAnswer
from helseid_fn.context import Journal
from helseid_fn.errors import Party, Unreachable
from helseid_fn.http.messages import Answer, Build, Message
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.dpop import access_token_hash
from helseid_fn.oauth.token_response import Token
from tests.support.parts import NOW, make_answer, make_deadline, read_jws

URL = "https://api.example.no/a?q=1"
TOKEN = Token("the-token", generate_proof_key(), frozenset({"nhn:a/b"}), 600, NOW, None, "x", "y")


class FakeTransport:
    """Gives one answer, and keeps the messages that were built for it."""

    def __init__(self, answer: Answer | None = None, *, echo: bool = False) -> None:
        self.messages: list[Message] = []
        self.options: dict[str, Any] = {}
        self._answer = answer or make_answer(200, {})
        self._echo = echo

    def send(self, party: Party, _method: str, url: str, build: Build, **options: Any) -> Answer:
        assert party is Party.API
        self.options = options
        self.messages += [build(url, None), build(url, "the-nonce")]
        if self._echo:
            text = " ".join(value for message in self.messages for value in message.headers.values())
            return make_answer(self._answer.status, text.encode(), Content_Type="text/plain")
        return self._answer


def call(transport: FakeTransport, request: ApiRequest | None = None) -> ApiAnswer:
    ids = iter(("jti-1", "jti-2"))
    api = Api(transport, now=lambda: NOW, new_id=lambda: next(ids))  # type: ignore[arg-type]
    return api.call(request or ApiRequest("GET", URL), TOKEN, make_deadline(), Journal())


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


def test_the_proof_is_by_the_key_that_the_token_is_bound_to() -> None:
    transport = FakeTransport()
    call(transport)
    assert read_jws(transport.messages[0].headers["DPoP"])[0]["jwk"] == TOKEN.proof_key.public_jwk


def test_every_attempt_carries_a_proof_of_its_own() -> None:
    transport = FakeTransport()
    call(transport)
    claims = [read_jws(message.headers["DPoP"])[1] for message in transport.messages]
    assert [(each["jti"], each.get("nonce")) for each in claims] == [("jti-1", None), ("jti-2", "the-nonce")]


def test_the_caller_s_headers_and_body_go_along() -> None:
    transport = FakeTransport()
    call(transport, ApiRequest("POST", URL, {"Accept": "text/plain", "X-Own": "a"}, b"{}"))
    message = transport.messages[0]
    assert (message.headers["Accept"], message.headers["X-Own"], message.body) == ("text/plain", "a", b"{}")


@pytest.mark.parametrize(("method", "idempotent"), [("GET", True), ("POST", False)])
def test_only_what_is_idempotent_may_be_sent_again(method: str, *, idempotent: bool) -> None:
    transport = FakeTransport()
    call(transport, ApiRequest(method, URL))
    assert transport.options["idempotent"] is idempotent


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("number", [0, 1], ids=["the first attempt's", "the second attempt's"])
def test_what_the_api_echoes_of_our_secrets_is_elided(status: int, number: int) -> None:
    transport = FakeTransport(make_answer(status), echo=True)
    body = call(transport).body
    secrets = ("the-token", transport.messages[number].headers["DPoP"])
    assert ([each for each in secrets if each in body], "[elided]" in body) == ([], True)


def test_what_an_unavailable_api_echoes_is_elided() -> None:
    with pytest.raises(Unreachable) as raised:
        call(FakeTransport(make_answer(503), echo=True))
    assert raised.value.api_answer is not None
    assert "the-token" not in raised.value.api_answer["body"]
