"""The job without a cloud, HelseID or an API."""

from __future__ import annotations

import os

os.environ.setdefault("HER_ID", "8143154")

from helseid_fn.testing import run_job
from main import empty_inbox

NOTES = [
    {"type": "NewMessage", "relatedMessageId": "m-1", "offset": 10},
    {"type": "MessageSentStateUpdated", "relatedMessageId": "m-0", "offset": 12},
    {"type": "NewMessage", "relatedMessageId": "m-2", "offset": 14},
]
API = {
    "GET notifications": {"notifications": NOTES},
    "GET messages/m-1/business-document": {"businessDocument": "PHhtbC8+"},
    "GET messages/*": (410, {"errorCode": 10}),
    "PUT messages/*": 204,
}


def test_a_document_is_marked_only_after_it_is_delivered() -> None:
    run = run_job(empty_inbox, api=API)
    assert run.delivered["documents/m-1"].json() == {"businessDocument": "PHhtbC8+"}
    marked = [(each.path, each.json()) for each in run.requested if each.method == "PUT"]
    assert marked == [("messages/m-1/downloaded", {"receiverHerId": 8143154})]


def test_a_document_that_is_gone_stops_no_other() -> None:
    run = run_job(empty_inbox, api=API)
    assert "gone/m-2" in run.delivered
    assert run.cursor == 14
