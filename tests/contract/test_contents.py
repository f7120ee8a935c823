"""Bodies that are not JSON, to the API and from it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from standin import StandIn
from standin.faults import Deliver, Handle
from standin.messages import Response
from standin.wire import Wire
from tests.support.deployment import Function, LambdaContext, every_host, fragments_of

Deploying = Callable[..., Function]


@dataclass(frozen=True)
class Body:
    """Responds with this body."""

    content: bytes
    content_type: str

    def carry_out(self, wire: Wire, _handle: Handle, deliver: Deliver) -> None:
        wire.send(deliver(Response(200, (("Content-Type", self.content_type),), self.content)))


PDF = b"%PDF-1.7\x00\xff"


def post(function: Function, **request: Any) -> Any:
    return function.call({"request": {"method": "POST", "path": "orders", **request}})


@pytest.fixture
def function(standin: StandIn, deploy: Deploying) -> Function:
    """Deploy the function so that it may post."""
    return deploy(standin, API_URL=standin.api_base, API_METHODS="GET POST")


@every_host
def test_content_arrives_as_it_is(standin: StandIn, function: Function) -> None:
    headers = {"content-type": "application/pdf"}
    assert post(function, content=base64.b64encode(PDF).decode(), headers=headers).status_code == 200
    assert standin.exchanges("api")[-1].body == PDF


@pytest.mark.parametrize(
    "request_",
    [
        {"content": "PDF"},
        {"content": "!", "headers": {"content-type": "application/pdf"}},
        {"content": 7, "headers": {"content-type": "application/pdf"}},
        {"content": "", "json": {}, "headers": {"content-type": "application/pdf"}},
    ],
    ids=["no type", "no base64", "no text", "json too"],
)
def test_content_that_cannot_be_sent_is_refused(function: Function, request_: dict[str, Any]) -> None:
    response = post(function, **request_)
    assert (response.status_code, response.json["code"]) == (400, "invocation.request")


def report(standin: StandIn, function: Function, body: bytes, content_type: str) -> dict[str, Any]:
    standin.api.fail_next("api", Body(body, content_type))
    api: dict[str, Any] = function.call({"request": {"path": "x"}}).json["api"]  # type: ignore[index]  # it is there
    return api


@every_host
def test_another_body_is_reported_in_base64(standin: StandIn, function: Function) -> None:
    api = report(standin, function, PDF, "application/pdf")
    assert (base64.b64decode(api["content"]), api["headers"]["content-type"]) == (PDF, "application/pdf")
    assert "body" not in api


@pytest.mark.parametrize("content_type", ["application/xml", "application/atom+xml", "text/csv"])
def test_xml_and_text_are_reported_as_text(standin: StandIn, function: Function, content_type: str) -> None:
    api = report(standin, function, b"<a/>", content_type)
    assert (api["body"], api["headers"]["content-type"]) == ("<a/>", content_type)


@every_host
def test_an_echo_in_another_body_leaks_none(standin: StandIn, function: Function) -> None:
    @dataclass(frozen=True)
    class Echo:
        """Responds with the token and the proof in a body that is no text."""

        def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
            handle()
            echoed = b"\xff".join(secret.encode() for secret in standin.secrets())
            wire.send(deliver(Response(200, (("Content-Type", "application/octet-stream"),), b"\x00" + echoed)))

    standin.api.fail_next("api", Echo())
    content = base64.b64decode(function.call({"request": {"path": "x"}}).json["api"]["content"])  # type: ignore[index]  # it is there
    sent = [value for name in ("Authorization", "DPoP") for value in standin.exchanges("api")[-1].values(name)]
    assert not [piece for value in sent for piece in fragments_of([value.removeprefix("DPoP ")]) if piece.encode() in content]


def test_text_that_is_not_in_its_charset_is_reported_in_base64(standin: StandIn, function: Function) -> None:
    assert base64.b64decode(report(standin, function, b"\xff", "text/plain")["content"]) == b"\xff"


def test_what_a_host_cannot_carry_in_base64_is_too_large(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", Body(bytes(5 << 20), "application/pdf"))
    assert function.module.lambda_handler({}, LambdaContext())["code"] == "api.invalid_response.too_large"


def test_the_largest_content_fits_into_an_invocation(standin: StandIn, deploy: Deploying) -> None:
    function = deploy(standin, API_URL=standin.api_base, API_METHODS="POST", API_MAX_MEGABYTES="1")
    standin.api.fail_next("api", Body(b"", "application/json"))  # its echo would be larger still
    content = base64.b64encode(bytes(1 << 20)).decode()
    assert post(function, content=content, headers={"content-type": "application/pdf"}).status_code == 200
    assert len(standin.exchanges("api")[-1].body) == 1 << 20


def test_fhir_is_reported_as_json(standin: StandIn, function: Function) -> None:
    assert report(standin, function, b'{"a": 1}', "application/fhir+json")["body"] == {"a": 1}


def test_a_web_page_is_still_an_error(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", Body(b"<html>", "text/html"))
    assert function.call({"request": {"path": "x"}}).json["code"] == "api.invalid_response.body"  # type: ignore[index]  # it is there
