"""The stand-in's inbox of EDI 2.0."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from standin.edi import HER_ID, LOCKED_HER_ID, Inbox
from standin.messages import Request, Response

HEADERS = (("nhn-source-system", "Test, v1"), ("api-version", "3"))


def ask(inbox: Inbox, target: str, method: str = "GET", headers: tuple[tuple[str, str], ...] = HEADERS) -> Response:
    return inbox.respond(Request(method, f"/edi/{target}", headers, b"", "http"))


def notifications(inbox: Inbox, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ask(inbox, f"notifications?HerIds={HER_ID}{query}").body)
    return found


def test_offsets_rise_with_gaps() -> None:
    offsets = [each["offset"] for each in notifications(Inbox(), "")]
    assert offsets == sorted(set(offsets))
    assert offsets[-1] - offsets[0] >= len(offsets)


def test_a_page_begins_after_its_offset() -> None:
    first, second, *_ = notifications(Inbox(), "")
    assert notifications(Inbox(), f"&Offset={first['offset']}")[0] == second


@pytest.mark.parametrize(("query", "count"), [("", 100), ("&NotificationsToFetch=7", 7)])
def test_a_page_is_as_large_as_is_asked(query: str, count: int) -> None:
    assert len(notifications(Inbox(messages=150), query)) == count


@pytest.mark.parametrize("query", ["&NotificationsToFetch=0", "&NotificationsToFetch=1001", "&Offset=x", ",x"])
def test_a_query_that_is_wrong_is_refused(query: str) -> None:
    assert ask(Inbox(), f"notifications?HerIds={HER_ID}{query}").status == 400


def test_a_document_is_base64_in_json() -> None:
    inbox = Inbox(document_bytes=1000)
    members = json.loads(ask(inbox, f"messages/{inbox.message_id(2)}/business-document").body)
    assert base64.b64decode(members["businessDocument"]) == inbox.document(2)
    assert len(inbox.document(2)) == 1000


def test_a_document_that_is_gone_is_not_found() -> None:
    inbox = Inbox(gone=frozenset({2}))
    assert ask(inbox, f"messages/{inbox.message_id(2)}/business-document").status == 404


def test_what_is_marked_is_recorded_in_order() -> None:
    inbox = Inbox()
    for number in (2, 1):
        assert ask(inbox, f"messages/{inbox.message_id(number)}/downloaded/{HER_ID}", "PUT").status == 204
    assert inbox.downloaded == [inbox.message_id(2), inbox.message_id(1)]


def test_a_locked_receiver_is_refused_with_an_id() -> None:
    response = ask(Inbox(), f"notifications?HerIds={LOCKED_HER_ID}")
    assert response.status == 423
    assert {"errorCode", "requestId", "validationErrors"} <= set(json.loads(response.body))


@pytest.mark.parametrize("missing", [0, 1])
def test_both_headers_are_required(missing: int) -> None:
    response = ask(Inbox(), f"notifications?HerIds={HER_ID}", headers=(HEADERS[1 - missing],))
    assert (response.status, json.loads(response.body)["validationErrors"]) == (400, [HEADERS[missing][0]])


NOTHING = [("other", "GET", 404), ("notifications", "POST", 405), ("messages/x/business-document", "GET", 404)]


@pytest.mark.parametrize(("target", "method", "status"), NOTHING)
def test_nothing_else_is_there(target: str, method: str, status: int) -> None:
    assert ask(Inbox(), target, method).status == status
