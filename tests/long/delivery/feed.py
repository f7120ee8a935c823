"""The function that is killed, overlapped and failed: it follows a register from its cursor into a bucket.

A page is one object, or each of its events is. The object of a page is named by its first *and* last number: the register
grows, and a slower run's shorter page must not replace the longer one that a faster run has advanced the cursor past.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from helseid_fn import App, Job

app = App.from_environment()
begin_step: Callable[[str], None] = lambda _: None  # noqa: E731  # replaced by who wants to know


@app.job
def follow(job: Job) -> object:
    """Deliver each page, then advance the cursor past it; at most `pages` of them."""
    pages, by_event = job.input["pages"], job.input["by_event"]
    while pages and job.has_time():
        begin_step("fetch")
        events = job.api.get("event", params={"fromSequenceNumber": (job.cursor.value or 0) + 1}).json()
        if not events:
            break
        begin_step("deliver")
        first, last = events[0]["sequenceNumber"], events[-1]["sequenceNumber"]
        for name, result in (
            ((f"{event['sequenceNumber']:06}", [event]) for event in events)
            if by_event
            else [(f"{first:06}-{last:06}", events)]
        ):
            job.deliver(result, name=name)
        begin_step("advance")
        job.cursor.advance(last)
        pages -= 1
    begin_step("acknowledge")
    return {"cursor": job.cursor.value}


class LambdaContext:
    """What Lambda passes with each invocation."""

    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        """Return more than the deadline that is configured."""
        return 60_000


def run(cloud: str, wanted: dict[str, Any]) -> str:
    """Start one run as the cloud's scheduler does, and return `ok` or the code of the failure."""
    if cloud == "google":
        headers = [("X-CloudScheduler-JobName", "follow"), ("X-CloudScheduler-ScheduleTime", "2026-11-28T03:00:00Z")]
        request: Any = Request(EnvironBuilder(method="POST", json={"input": wanted}, headers=headers).get_environ())
        report = json.loads(app.http(request)[0])
    else:
        try:
            report = app.lambda_handler({"input": wanted}, LambdaContext())
        except Exception as error:  # noqa: BLE001  # as Lambda does, which then tries again
            return str(getattr(error, "code", type(error).__name__))
    return str(report.get("code", "ok"))
