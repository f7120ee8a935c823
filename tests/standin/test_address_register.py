"""The stand-in's feed of Adresseregisteret."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helseid_fn import Client
from helseid_fn.errors import Refused
from standin import StandIn
from standin.address_register import PARTY_COUNT, SCOPE, AddressRegister
from standin.faults import Status
from standin.messages import Request, Response
from tests.support.programs import make_client


def ask(register: AddressRegister, query: str, method: str = "GET") -> Response:
    return register.respond(Request(method, f"/cp-api/event{query}", (), b"", "http"))


def events(register: AddressRegister, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask(register, f"?fromSequenceNumber={number}").body)
    return found


def test_a_page_begins_at_its_number_and_is_in_order() -> None:
    numbers = [each["sequenceNumber"] for each in events(AddressRegister(page_size=10), 5)]
    assert numbers == list(range(5, 15))


def test_the_last_page_is_short_and_then_there_is_none() -> None:
    register = AddressRegister(events=12, page_size=10)
    assert [len(events(register, number)) for number in (11, 13)] == [2, 0]


def test_an_event_has_the_members_that_nhn_documents() -> None:
    assert events(AddressRegister(events=3), 2)[0] == {
        "sequenceNumber": 2,
        "herId": 8_000_002,
        "eventType": "CommunicationPartyCreated",
        "eventTimestamp": "2026-01-01T00:00:02.000+01:00",
    }


def test_each_party_is_created_before_it_is_updated() -> None:
    feed = events(AddressRegister(events=3 * PARTY_COUNT, page_size=3 * PARTY_COUNT), 1)
    first = {each["herId"]: each["eventType"] for each in reversed(feed)}
    assert set(first.values()) == {"CommunicationPartyCreated"}
    assert [each["eventType"] for each in feed].count("CommunicationPartyCreated") == PARTY_COUNT


def test_the_last_of_many_events_is_made_at_once() -> None:
    assert [each["sequenceNumber"] for each in events(AddressRegister(events=100_000), 100_000)] == [100_000]


@pytest.mark.parametrize(
    "query", ["", "?fromSequenceNumber=", "?fromSequenceNumber=-1", "?fromSequenceNumber=1&fromSequenceNumber=2", "?from=1"]
)
def test_anything_but_one_number_is_refused(query: str) -> None:
    response = ask(AddressRegister(), query)
    assert (response.status, list(json.loads(response.body)["errors"])) == (400, ["fromSequenceNumber"])


def test_an_event_can_only_be_read() -> None:
    assert ask(AddressRegister(), "", "POST").status == 405


def granted(standin: StandIn, key_file: Path) -> Client:
    registered = next(iter(standin.helseid.clients.values()))
    standin.register(replace(registered, other_scopes=[SCOPE]))
    return make_client(standin, key_file, scopes={SCOPE})


def test_a_token_for_its_scope_reads_the_feed(standin: StandIn, key_file: Path) -> None:
    api = granted(standin, key_file).api(standin.address_register_base)
    assert len(api.get("event", params={"fromSequenceNumber": 2001}).json()) == 500


def test_a_token_for_another_api_is_refused(standin: StandIn, key_file: Path) -> None:
    with pytest.raises(Refused) as caught:
        make_client(standin, key_file).api(standin.address_register_base).get("event")
    assert caught.value.status == 401


def test_another_path_is_not_found(standin: StandIn, key_file: Path) -> None:
    with pytest.raises(Refused) as caught:
        granted(standin, key_file).api(standin.address_register_base).get("other")
    assert caught.value.status == 404


def test_a_fault_can_be_scripted_for_it(standin: StandIn, key_file: Path) -> None:
    standin.api.fail_always("api", Status(403))
    with pytest.raises(Refused) as caught:
        granted(standin, key_file).api(standin.address_register_base).get("event")
    assert caught.value.status == 403
