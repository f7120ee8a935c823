"""What started an invocation, and the name that a repetition of it has too; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UNSAFE = re.compile(r"[^A-Za-z0-9!_.*'()=@+,:~-]+")


@dataclass(frozen=True, slots=True)
class Started:
    """One invocation, as the platform started it."""

    id: str
    """New for each invocation; the log line has it as `invocation`."""
    trigger: str
    """`http`, `schedule`, `event`, `direct` (Lambda's own invocations) or `terminal`."""
    scheduled_time: str | None
    """When a schedule meant the run to start (RFC 3339), where the scheduler says so."""
    tries: int | None
    """How many times the platform has tried, this time included, where it says so."""
    result_name: str
    """The same for every try: the schedule's name and time, the event's id, or Lambda's request id, else `id`."""


NOT_STARTED = Started("", "terminal", None, None, "-")
"""Stands for what started an invocation that is only parsed."""


def read_started(facts: Mapping[str, Any], invocation_id: str) -> Started:
    """Read the fields of the log line that say what started it."""
    schedule, time = facts.get("scheduler_job"), facts.get("scheduler_time")
    event = facts.get("message_id") or facts.get("event_id") or facts.get("request_id")
    is_scheduled = facts.get("trigger") == "schedule" and schedule and time  # on Lambda, a caller's own header is no schedule
    names = (schedule, time) if is_scheduled else (event or invocation_id, facts.get("batch_item"))
    tries = str(facts.get("tries") or "")
    return Started(
        id=invocation_id,
        trigger=str(facts.get("trigger") or "http"),
        scheduled_time=time,
        tries=int(tries) if tries.isascii() and tries.isdigit() else None,
        result_name="/".join(_UNSAFE.sub("-", str(name)).strip(".")[:200] or "-" for name in names if name),
    )
