"""The stand-in's feed of Adresseregisteret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from standin.address_register import AddressRegister
from standin.messages import Request, Response


def ask(register: AddressRegister, target: str, method: str = "GET") -> Response:
    return register.respond(Request(method, f"/cp-api/{target}", (), b"", "http"))


def events(register: AddressRegister, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask(register, f"event?fromSequenceNumber={number}").body)
    return found


def test_a_page_begins_at_its_number_and_is_in_order() -> None:
    numbers = [each["sequenceNumber"] for each in events(AddressRegister(page_size=10), 5)]
    assert numbers == list(range(5, 15))


def test_the_last_page_is_short_and_then_there_is_none() -> None:
    register = AddressRegister(events=12, page_size=10)
    assert [len(events(register, number)) for number in (11, 13)] == [2, 0]


def test_an_event_is_the_same_each_time() -> None:
    assert events(AddressRegister(), 7)[0] == events(AddressRegister(), 1)[6]


@pytest.mark.parametrize(
    "query", ["", "?fromSequenceNumber=", "?fromSequenceNumber=-1", "?fromSequenceNumber=1&fromSequenceNumber=2", "?from=1"]
)
def test_anything_but_one_number_is_refused(query: str) -> None:
    assert ask(AddressRegister(), f"event{query}").status == 400


@pytest.mark.parametrize(("target", "method", "status"), [("other", "GET", 404), ("event", "POST", 405)])
def test_nothing_else_is_there(target: str, method: str, status: int) -> None:
    assert ask(AddressRegister(), target, method).status == status
