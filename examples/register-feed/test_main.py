"""The job without a cloud, HelseID or an API."""

from __future__ import annotations

from helseid_fn.testing import Requested, run_job
from main import follow_register

EVENTS = [{"sequenceNumber": number} for number in range(1, 8)]


def page(request: Requested) -> object:
    """Return at most three events from a number on."""
    first = int(request.params["fromSequenceNumber"][0])
    return [event for event in EVENTS if event["sequenceNumber"] >= first][:3]


def test_every_event_is_delivered_once() -> None:
    run = run_job(follow_register, api={"GET event": page})
    assert [event for each in run.delivered.values() for event in each.json()] == EVENTS
    assert run.cursor == 7


def test_it_goes_on_after_the_cursor() -> None:
    run = run_job(follow_register, api={"GET event": page}, cursor=6)
    assert list(run.delivered) == ["events/000000000007-000000000007"]
