"""The stand-in's inbox of EDI 2.0."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helseid_fn import Client
from helseid_fn.errors import Refused
from standin import StandIn
from standin.edi import HER_ID, LOCKED_HER_ID, SCOPE, Inbox
from standin.faults import Status
from standin.messages import Request, Response
from tests.support.programs import make_client

HEADERS = (("nhn-source-system", "Test, v1"), ("api-version", "3"))
CLIENT = "the client"


def ask(
    inbox: Inbox, target: str, method: str = "GET", headers: tuple[tuple[str, str], ...] = HEADERS, body: bytes = b""
) -> Response:
    return inbox.respond(Request(method, f"/edi/{target}", headers, body, "http"), CLIENT)


def read_problem(response: Response) -> tuple[int, int]:
    problem = json.loads(response.body)
    assert problem["status"] == response.status
    return response.status, problem["errorCode"]


def notifications(inbox: Inbox, query: str = "&Offset=0") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask(inbox, f"notifications?HerIds={HER_ID}{query}").body)["notifications"]
    return found


def test_offsets_rise_with_gaps() -> None:
    offsets = [each["offset"] for each in notifications(Inbox())]
    assert offsets == sorted(set(offsets))
    assert offsets[-1] - offsets[0] >= len(offsets)


def test_a_page_begins_after_its_offset() -> None:
    first, second, *_ = notifications(Inbox())
    assert notifications(Inbox(), f"&Offset={first['offset']}")[0] == second


def test_after_the_last_offset_there_is_nothing() -> None:
    assert notifications(Inbox(), f"&Offset={notifications(Inbox())[-1]['offset']}") == []


def test_a_notification_has_the_members_nhn_documents() -> None:
    assert set(notifications(Inbox())[0]) == {
        "relatedMessageId",
        "type",
        "notificationReceiverHerId",
        "notificationTriggeredByHerId",
        "description",
        "createdAt",
        "offset",
    }


def test_a_notification_can_be_of_another_type() -> None:
    found = notifications(Inbox(types={2: "MessageSentStateUpdated"}))
    assert [each["type"] for each in found[:3]] == ["NewMessage", "MessageSentStateUpdated", "NewMessage"]


@pytest.mark.parametrize(("query", "count"), [("", 100), ("&NotificationsToFetch=7", 7), ("&notificationstofetch=8", 8)])
def test_a_page_is_as_large_as_is_asked(query: str, count: int) -> None:
    assert len(notifications(Inbox(messages=150), f"&Offset=0{query}")) == count


@pytest.mark.parametrize(
    "query",
    [
        "Offset=0",
        f"HerIds={HER_ID}",
        f"HerIds={HER_ID}&Offset=x",
        f"HerIds={HER_ID}&Offset=-1",
        f"HerIds={HER_ID},{HER_ID}&Offset=0",
        f"HerIds={HER_ID}&HerIds={HER_ID}&Offset=0",
        f"HerIds={HER_ID}&Offset=0&NotificationsToFetch=0",
        f"HerIds={HER_ID}&Offset=0&NotificationsToFetch=1001",
    ],
)
def test_a_query_that_is_wrong_is_refused(query: str) -> None:
    response = ask(Inbox(), f"notifications?{query}")
    assert read_problem(response) == (400, 1001)
    assert len(json.loads(response.body)["validationErrors"]) == 1


@pytest.mark.parametrize("name", ["nhn-source-system", "api-version"])
@pytest.mark.parametrize("value", [None, "2", "x" * 513])
def test_both_headers_are_required_and_checked(name: str, value: str | None) -> None:
    headers = (*(each for each in HEADERS if each[0] != name), *([(name, value)] if value else []))
    response = ask(Inbox(), f"notifications?HerIds={HER_ID}&Offset=0", headers=headers)
    assert read_problem(response) == (400, 1001)
    assert [each.split(" ", 1)[0] for each in json.loads(response.body)["validationErrors"]] == [name]


def test_a_problem_has_the_members_that_nhn_documents() -> None:
    problem = json.loads(ask(Inbox(), "notifications?HerIds=1&Offset=0").body)
    assert (problem["title"], problem["instance"]) == ("Forbidden", "/edi/notifications")
    assert problem["requestId"]
    assert problem["validationErrors"] is problem["stackTrace"] is None


def test_a_receiver_of_somebody_elses_is_refused() -> None:
    assert read_problem(ask(Inbox(), "notifications?HerIds=1&Offset=0")) == (403, 1202)


def test_a_locked_receiver_has_no_notifications() -> None:
    assert read_problem(ask(Inbox(), f"notifications?HerIds={LOCKED_HER_ID}&Offset=0")) == (423, 1210)


def test_a_locked_receiver_cannot_mark() -> None:
    inbox = Inbox(locked={HER_ID: "another client"})
    assert read_problem(ask(inbox, f"messages/{inbox.message_id(1)}/downloaded/{HER_ID}", "PUT")) == (423, 1210)
    assert inbox.downloaded == []


def test_the_client_that_has_the_lock_goes_on() -> None:
    assert notifications(Inbox(locked={HER_ID: CLIENT}))


def test_a_document_is_base64_in_json() -> None:
    inbox = Inbox(large={2: 1_000_000})
    members = json.loads(ask(inbox, f"messages/{inbox.message_id(2)}/business-document").body)
    assert base64.b64decode(members["businessDocument"]) == inbox.document(2)
    assert [len(inbox.document(number)) for number in (1, 2)] == [400, 1_000_000]


@pytest.mark.parametrize("number", [2, 6])
def test_a_document_that_is_not_there_is_not_found(number: int) -> None:
    inbox = Inbox(gone=frozenset({2}))
    assert read_problem(ask(inbox, f"messages/{inbox.message_id(number)}/business-document")) == (404, 1010)


def test_an_id_that_is_no_guid_is_refused() -> None:
    assert read_problem(ask(Inbox(), "messages/x/business-document")) == (400, 1001)


def test_what_is_marked_is_recorded_in_order() -> None:
    inbox = Inbox()
    for number in (2, 1):
        assert ask(inbox, f"messages/{inbox.message_id(number)}/downloaded/{HER_ID}", "PUT").status == 204
    assert inbox.downloaded == [inbox.message_id(2), inbox.message_id(1)]


def test_the_receiver_can_stand_in_the_body() -> None:
    inbox = Inbox()
    body = json.dumps({"receiverHerId": HER_ID}).encode()
    assert ask(inbox, f"messages/{inbox.message_id(1)}/downloaded", "PUT", body=body).status == 204
    assert inbox.downloaded == [inbox.message_id(1)]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"receiverHerId": "8143154"}'])
def test_a_mark_without_a_receiver_is_refused(body: bytes) -> None:
    inbox = Inbox()
    assert read_problem(ask(inbox, f"messages/{inbox.message_id(1)}/downloaded", "PUT", body=body)) == (400, 1001)


def test_a_mark_is_put() -> None:
    inbox = Inbox()
    assert ask(inbox, f"messages/{inbox.message_id(1)}/downloaded/{HER_ID}", "POST").status == 405


def granted(standin: StandIn, key_file: Path) -> Client:
    registered = next(iter(standin.helseid.clients.values()))
    standin.register(replace(registered, other_scopes=[SCOPE]))
    return make_client(standin, key_file, scopes={SCOPE})


def test_a_token_for_its_scope_reads_the_inbox(standin: StandIn, key_file: Path) -> None:
    api = granted(standin, key_file).api(standin.edi_base)
    response = api.get("notifications", params={"HerIds": HER_ID, "Offset": 0}, headers=dict(HEADERS))
    assert len(response.json()["notifications"]) == 5


def test_a_token_for_another_api_is_refused(standin: StandIn, key_file: Path) -> None:
    with pytest.raises(Refused) as caught:
        make_client(standin, key_file).api(standin.edi_base).get("notifications", headers=dict(HEADERS))
    assert caught.value.status == 401


def test_another_path_is_not_found(standin: StandIn, key_file: Path) -> None:
    with pytest.raises(Refused) as caught:
        granted(standin, key_file).api(standin.edi_base).get("other", headers=dict(HEADERS))
    assert caught.value.status == 404


def test_a_fault_can_be_scripted_for_it(standin: StandIn, key_file: Path) -> None:
    standin.api.fail_always("api", Status(403))
    with pytest.raises(Refused) as caught:
        granted(standin, key_file).api(standin.edi_base).get("notifications")
    assert caught.value.status == 403
