"""What started an invocation, for its log line; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

# A later version may have more parts: https://www.w3.org/TR/trace-context/#versioning-of-traceparent.
_TRACEPARENT = re.compile(
    r"(?!ff)(?!00.{54})[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(-.*)?"
)
_SAMPLED = 1
_CLOUD_TRACE = re.compile(r"(?P<trace>[0-9a-fA-F]{32})(/(?P<span>[0-9]{1,20}))?(;.*)?")
_AMAZON_TRACE = re.compile(r"(?:.*;)?Root=(?P<trace>1-[0-9a-f]{8}-[0-9a-f]{24})(?:;.*)?")
_ID = re.compile(r"[A-Za-z0-9_./:-]{1,500}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,20}(Z|[+-][0-9]{2}:[0-9]{2})")
_LOGGED_HEADERS = {
    "X-CloudScheduler-JobName": ("scheduler_job", _ID),
    "X-CloudScheduler-ScheduleTime": ("scheduler_time", _TIME),
    "Function-Execution-Id": ("execution_id", _ID),
}

SCHEDULED_EVENT = "Scheduled Event"
"""The `detail-type` of what a rule of EventBridge's, or its Scheduler, sends on a schedule."""


class Headers(Protocol):
    """A framework's headers, looked up by name whatever its case."""

    def get(self, name: str, /) -> str | None:
        """Return the header's value, or None."""


class LowerCased:
    """Headers whose names are in lower case, as AWS passes them."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def get(self, name: str, /) -> str | None:
        """Return the header's value, or None."""
        return self._headers.get(name.lower())


def read_header_facts(headers: Headers, google_project: str | None) -> dict[str, str]:
    """Return the log fields of the request that started the invocation: scheduler, execution, trace.

    The trace has the names that Cloud Logging knows, or is `xray_trace` where Amazon sets one. Headers are information, never
    proof: anybody who may call the function can set them.
    """
    values = {field: (headers.get(name) or "", form) for name, (field, form) in _LOGGED_HEADERS.items()}
    fields = _choose_well_formed(values)
    amazon_trace = _AMAZON_TRACE.fullmatch(headers.get("X-Amzn-Trace-Id") or "")
    if amazon_trace:
        fields["xray_trace"] = amazon_trace["trace"]
    traceparent = _TRACEPARENT.fullmatch(headers.get("traceparent") or "")
    cloud_trace = _CLOUD_TRACE.fullmatch(headers.get("X-Cloud-Trace-Context") or "")
    if traceparent:
        trace, span = traceparent["trace"], traceparent["span"]
    elif cloud_trace:
        trace, span = cloud_trace["trace"].lower(), f"{int(cloud_trace['span'] or 0) % 2**64:016x}"
    else:
        return fields
    fields["logging.googleapis.com/trace"] = f"projects/{google_project}/traces/{trace}" if google_project else trace
    fields["logging.googleapis.com/spanId"] = span
    return fields


def read_traceparent(headers: Headers) -> str:
    """Return the request's W3C traceparent in version 00, whose only flag is `sampled`; nothing if it has no valid one."""
    found = _TRACEPARENT.fullmatch(headers.get("traceparent") or "")
    return f"00-{found['trace']}-{found['span']}-{int(found['flags'], 16) & _SAMPLED:02x}" if found else ""


def read_event_facts(attributes: Mapping[str, object], data: object) -> dict[str, str]:
    """Return the log fields of a CloudEvent: its id, type and source, and the Pub/Sub message's id.

    Delivery is at least once: an id that is logged twice is the same event.
    """
    message = data.get("message") if isinstance(data, dict) else None
    values = {f"event_{name}": attributes.get(name) for name in ("id", "type", "source")}
    values["message_id"] = message.get("messageId") if isinstance(message, dict) else None
    tries = data.get("deliveryAttempt") if isinstance(data, dict) else None
    values["tries"] = str(tries) if type(tries) is int else None
    return {field: value[:200] for field, value in values.items() if isinstance(value, str) and value and value.isprintable()}


def read_eventbridge_facts(event: object) -> dict[str, str]:
    """Return the same for an EventBridge event, whose type is its `detail-type`; nothing for any other event of Lambda's.

    A schedule's event says which schedule meant it for when. EventBridge Scheduler's has an id for each attempt, which tells
    no repeated delivery, so it is the `execution_id`.
    """
    if not isinstance(event, dict) or "detail-type" not in event:
        return {}
    facts = read_event_facts({**event, "type": event["detail-type"]}, None)
    if event["detail-type"] != SCHEDULED_EVENT:
        return facts
    resources = event.get("resources")
    schedule = resources[0] if isinstance(resources, list) and resources else None
    name = schedule.rpartition("/")[2] if isinstance(schedule, str) else ""
    values = {"scheduler_job": (name, _ID), "scheduler_time": (str(event.get("time")), _TIME)}
    if event.get("source") == "aws.scheduler":
        values["execution_id"] = (facts.pop("event_id", ""), _ID)
    return facts | _choose_well_formed(values)


def _choose_well_formed(values: Mapping[str, tuple[str, re.Pattern[str]]]) -> dict[str, str]:
    return {field: value[:200] for field, (value, form) in values.items() if form.fullmatch(value)}
