from __future__ import annotations

import pytest

from helseid_fn.api.failure_ids import read_failure_ids
from tests.support.parts import make_response

UUID = "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"
SHAPES = [
    UUID,
    UUID.replace("-", ""),
    "0af7651916cd43dd",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    "0HN8K3V2J4QK1:00000002",
    "EDI-1042",
    "E_17",
    "409",
]
NOT_IDS = [
    "01017012345",
    "010170 12345",
    "0101701234520270115080000",
    "010170",
    "Ola.Nordmann",
    "ola",
    "E10.9",
    "",
    "a" * 65,
    "eyJhbGciOiJ9.e30.c2ln",
    "1\n",
]


@pytest.mark.parametrize("value", SHAPES)
@pytest.mark.parametrize("name", ["requestId", "errorCode", "eventId", "traceId"])
def test_an_id_in_the_body_is_read(name: str, value: str) -> None:
    assert read_failure_ids(make_response(409, {name: value})) == {name: value}


@pytest.mark.parametrize("value", SHAPES)
def test_an_id_in_a_header_is_read(value: str) -> None:
    response = make_response(429, b"", X_EVENT_ID=value, nhn_error_code=value)
    assert read_failure_ids(response) == {"x-event-id": value, "nhn-error-code": value}


@pytest.mark.parametrize("value", NOT_IDS)
def test_what_has_no_id_s_shape_is_not_read(value: str) -> None:
    assert read_failure_ids(make_response(400, {"requestId": value}, X_EVENT_ID=value)) == {}


@pytest.mark.parametrize("body", [b"", b"<html>", [UUID], {"requestId": [UUID]}, {"requestId": None}, {"personId": UUID}])
def test_other_bodies_have_no_ids(body: object) -> None:
    assert read_failure_ids(make_response(400, body)) == {}


@pytest.mark.parametrize("before", ["", "urn:uuid:", "/api/messages/", "/patients/01017012345/errors/"])
def test_the_id_at_an_instance_s_end_is_read(before: str) -> None:
    assert read_failure_ids(make_response(409, {"instance": f"{before}{UUID}"})) == {"instance": UUID}


@pytest.mark.parametrize(
    "instance", ["/patients/01017012345", "/patients/ola", "/orders/17", "/orders/E-17", f"/{UUID}/ola", f"{UUID}?ola", "", 7]
)
def test_an_instance_that_may_be_a_person_is_not_read(instance: object) -> None:
    assert read_failure_ids(make_response(409, {"instance": instance})) == {}


@pytest.mark.parametrize("name", ["instance", "requestId"])
def test_what_the_call_was_about_is_not_its_failure_s_id(name: str) -> None:
    response = make_response(404, {name: UUID})
    assert read_failure_ids(response, f"https://api.example.no/Patient/{UUID.upper()}?x=1") == {}


def test_a_code_may_be_a_number() -> None:
    assert read_failure_ids(make_response(400, {"errorCode": 17})) == {"errorCode": "17"}


def test_an_identity_number_as_a_number_is_not_read() -> None:
    assert read_failure_ids(make_response(400, {"errorCode": 1017012345})) == {}


@pytest.mark.parametrize("status", [200, 204, 304])
def test_a_success_has_no_ids(status: int) -> None:
    assert read_failure_ids(make_response(status, {"requestId": UUID}, X_EVENT_ID=UUID)) == {}
