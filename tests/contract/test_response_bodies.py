"""Bodies that are packed, too large, broken or cut short, where they matter and where they do not."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from standin import StandIn, faults
from standin.faults import Deliver, Handle
from standin.wire import Wire
from tests.support.deployment import OTHER_UNIT, Function, made

KINDS = ("metadata", "token", "api")
PARTIES = {"metadata": "helseid", "token": "helseid", "api": "api"}
POST = {"request": {"method": "POST", "path": "orders", "json": {"quantity": 1}}}
GZIP = (("Content-Encoding", "gzip"),)
OVER_THE_LIMIT = b'"' + b"a" * (11 << 20) + b'"'


@dataclass(frozen=True)
class Encoded:
    """Sends the real response with its body encoded, under this label."""

    encode: Callable[[bytes], bytes]
    label: str = "gzip"

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        response = handle()
        headers = (*response.headers, ("Content-Encoding", self.label))
        wire.send(deliver(replace(response, headers=headers, body=self.encode(response.body))))


@dataclass(frozen=True)
class CutStatus:
    """Announces ten bytes more than it sends."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()

    def carry_out(self, wire: Wire, _handle: Handle, _deliver: Deliver) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        wire.send(f"HTTP/1.1 {self.status} No\r\nContent-Length: 12\r\n{lines}\r\nno".encode())
        wire.close()


UNREAD = {
    "labelled gzip": lambda status, headers: faults.Status(status, b"", (*headers, *GZIP)),
    "gzip": lambda status, headers: faults.Status(status, gzip.compress(b"{}"), (*headers, *GZIP)),
    "br": lambda status, headers: faults.Status(status, b"\x0b\x02\x80{}\x03", (*headers, ("Content-Encoding", "br"))),
    "broken gzip": lambda status, headers: faults.Status(status, b"\x1f\x8bno", (*headers, *GZIP)),
    "over the limit": lambda status, headers: faults.Status(status, OVER_THE_LIMIT, headers),
    "cut short": CutStatus,
}
unread = pytest.mark.parametrize("respond", UNREAD.values(), ids=UNREAD)


def party_of(standin: StandIn, kind: str) -> Any:
    return standin.api if kind == "api" else standin.helseid


def code_of(function: Function) -> tuple[int, str]:
    response = function.call()
    return response.status_code, (response.json or {})["code"]


@unread
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("kind", KINDS)
def test_a_transient_status_is_retried_whatever_its_body(
    standin: StandIn, deploy: Callable[..., Function], kind: str, status: int, respond: Callable[..., Any]
) -> None:
    pauses: list[float] = []
    function = deploy(standin, sleep=pauses.append)
    party_of(standin, kind).fail_next(kind, respond(status, (("Retry-After", "2"),)))
    assert function.call().status_code == 200
    assert pauses == [2]


@unread
def test_a_lasting_503_is_unavailable_whatever_its_body(
    standin: StandIn, function: Function, respond: Callable[..., Any]
) -> None:
    standin.api.fail_always("api", respond(503, ()))
    assert code_of(function) == (503, "api.unavailable.server_error")
    assert standin.count("api") == 3


@unread
def test_a_post_is_sent_again_after_any_429(
    standin: StandIn, deploy: Callable[..., Function], respond: Callable[..., Any]
) -> None:
    function = deploy(standin, API_METHODS="GET POST")
    standin.api.fail_next("api", respond(429, ()))
    assert function.call(POST).status_code == 200
    assert standin.count("api") == 2


@unread
def test_a_challenge_for_a_nonce_is_followed_whatever_its_body(
    standin: StandIn, function: Function, respond: Callable[..., Any]
) -> None:
    headers = (("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'), ("DPoP-Nonce", "n1"))
    standin.api.fail_next("api", respond(401, headers))
    assert function.call().status_code == 200
    assert [exchange.claims["proof"].get("nonce") for exchange in standin.exchanges("api")][-1] == "n1"


@unread
def test_a_rejected_token_is_renewed_whatever_the_body(
    standin: StandIn, function: Function, respond: Callable[..., Any]
) -> None:
    standin.api.fail_next("api", respond(401, (("WWW-Authenticate", 'DPoP error="invalid_token"'),)))
    assert function.call().status_code == 200
    assert made(standin) == {"metadata": 1, "token": 3, "api": 2}


@pytest.mark.parametrize("respond", [UNREAD["br"], UNREAD["broken gzip"], UNREAD["over the limit"]], ids=["br", "gzip", "size"])
def test_a_refusal_keeps_its_code_whatever_its_body(standin: StandIn, function: Function, respond: Callable[..., Any]) -> None:
    standin.api.fail_next("api", respond(404, ()))
    problem = function.call().json or {}
    assert (problem["code"], problem["api"]["body"]) == ("api.refused.not_found", None)
    assert standin.count("api") == 1


def test_a_post_refused_with_half_a_body_is_a_refusal(standin: StandIn, deploy: Callable[..., Function]) -> None:
    standin.api.fail_always("api", CutStatus(400))
    problem = deploy(standin, API_METHODS="GET POST").call(POST).json or {}
    assert (problem["code"], problem["retryable"]) == ("api.refused.other", False)
    assert standin.count("api") == 1


@pytest.mark.parametrize("label", ["gzip", "x-gzip", "GZIP", "identity, gzip"])
@pytest.mark.parametrize("kind", KINDS)
def test_gzip_is_unpacked_although_not_requested(standin: StandIn, function: Function, kind: str, label: str) -> None:
    party_of(standin, kind).fail_always(kind, Encoded(gzip.compress, label))
    assert (function.call().json or {})["api"]["body"]["childOrganizationNumber"] == "999977776"


def test_gzip_of_very_many_members_is_unpacked_whole(standin: StandIn, function: Function) -> None:
    def pack(body: bytes) -> bytes:
        return b"".join(gzip.compress(body[at : at + 1]) for at in range(len(body))) + gzip.compress(b" ") * 1000

    standin.api.fail_next("api", Encoded(pack))
    assert (function.call().json or {})["api"]["body"]["childOrganizationNumber"] == "999977776"


def test_a_body_that_was_unpacked_but_kept_its_label_is_read(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", Encoded(lambda body: body))
    assert (function.call().json or {})["api"]["body"]["childOrganizationNumber"] == "999977776"


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda _body: gzip.compress(json.dumps([f"{each:09}" for each in range(900_000)]).encode()), id="large"),
        pytest.param(lambda _body: gzip.compress(bytes(1 << 30)), id="a bomb"),
        pytest.param(lambda _body: gzip.compress(b'"' + b"a" * (2 << 20) + b'"'), id="a ratio over 200"),
        pytest.param(lambda _body: gzip.compress(bytes(1 << 20)) * 100, id="many members"),
    ],
)
def test_gzip_that_unpacks_to_too_much_is_refused(
    standin: StandIn, function: Function, encode: Callable[[bytes], bytes]
) -> None:
    standin.api.fail_next("api", Encoded(encode))
    assert code_of(function) == (502, "api.invalid_response.too_large")
    assert function.call().status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_needed_body_that_is_cut_short_is_requested_again(standin: StandIn, function: Function, kind: str) -> None:
    party_of(standin, kind).fail_next(kind, CutStatus(200))
    assert function.call().status_code == 200


@pytest.mark.parametrize("kind", ["metadata", "token"])
@pytest.mark.parametrize("status", [400, 404])
def test_words_of_helseid_that_are_cut_short_are_requested_again(
    standin: StandIn, function: Function, kind: str, status: int
) -> None:
    standin.helseid.fail_next(kind, CutStatus(status))
    assert function.call().status_code == 200
    standin.helseid.fail_always("token", CutStatus(status))
    problem = function.call(OTHER_UNIT).json or {}
    assert (problem["code"], problem["retryable"]) == ("helseid.unavailable.connection_lost", True)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("metadata", 404, "metadata"),
        ("metadata", 302, "redirect"),
        ("token", 302, "redirect"),
        ("token", 201, "token_response"),
    ],
)
def test_a_wrong_status_of_helseid_is_named_whatever_its_body(
    standin: StandIn, function: Function, kind: str, status: int, code: str
) -> None:
    standin.helseid.fail_always(kind, UNREAD["br"](status, ()))
    problem = function.call().json or {}
    assert (problem["code"], str(status) in problem["detail"]) == (f"helseid.invalid_response.{code}", True)


def test_no_words_are_promised_where_none_can_be_read(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", UNREAD["br"](409, ()))
    assert (function.call().json or {})["detail"].endswith("It sent no words that can be read.")


@pytest.mark.parametrize(("kind", "limit"), [("metadata", 1), ("token", 1), ("api", 10)])
def test_a_body_over_its_partys_limit_is_refused(standin: StandIn, function: Function, kind: str, limit: int) -> None:
    party_of(standin, kind).fail_next(kind, faults.Huge((limit << 20) + 1))
    problem = function.call().json or {}
    assert problem["code"] == f"{PARTIES[kind]}.invalid_response.too_large"
    assert f"the limit of {limit} MiB" in problem["detail"]
    assert function.call(OTHER_UNIT).status_code == 200
