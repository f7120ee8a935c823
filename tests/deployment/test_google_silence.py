"""When a missed run is told on Google Cloud, reckoned from the plan: in time, and never while every run succeeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.deployment.test_google import MOCKS
from tests.deployment.test_google_inputs import REQUIRED
from tests.deployment.workspace import Workspaces

OSLO = ZoneInfo("Europe/Oslo")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """A schedule, with the days and times that it stands for, written down by hand."""

    expression: str
    times: tuple[tuple[int, int], ...]
    weekdays: tuple[int, ...] = tuple(range(7))
    dates: tuple[int, ...] = tuple(range(1, 32))
    told_after_the_run: timedelta = 3 * DAY + HOUR
    """How long after a missed run somebody is told at the latest."""
    told_after_a_success: timedelta = timedelta(days=400)
    """How long after the last success."""

    def runs(self, days: int) -> Iterator[datetime]:
        """Return when it runs, over some days; both ends of summer time are among them."""
        for day in (date(2026, 9, 1) + timedelta(each) for each in range(days)):
            if day.weekday() in self.weekdays and day.day in self.dates:
                yield from (datetime(day.year, day.month, day.day, *time, tzinfo=OSLO).astimezone(UTC) for time in self.times)


SCHEDULES = {
    "hourly": Schedule("0 * * * *", tuple((hour, 0) for hour in range(24)), told_after_the_run=3 * HOUR),
    "daily": Schedule("15 6 * * *", ((6, 15),), told_after_the_run=3 * HOUR),
    "weekdays": Schedule("15 6 * * MON-FRI", ((6, 15),), weekdays=(0, 1, 2, 3, 4)),
    "office": Schedule("0 7-16 * * 1-5", tuple((hour, 0) for hour in range(7, 17)), weekdays=(0, 1, 2, 3, 4)),
    "weekly": Schedule("0 3 * * SUN", ((3, 0),), weekdays=(6,), told_after_the_run=3 * HOUR, told_after_a_success=8 * DAY),
    "monthly": Schedule("0 6 1 * *", ((6, 0),), dates=(1,), told_after_the_run=4 * DAY, told_after_a_success=32 * DAY),
}


@pytest.fixture(scope="module")
def planned(workspaces: Workspaces) -> dict[str, dict[str, Any]]:
    """The planned silence alert and scheduler job of each schedule."""
    schedules = {name: {"schedule": each.expression} for name, each in SCHEDULES.items()}
    values = "".join(
        f"  {name} = {json.dumps(value)}\n"
        for name, value in {**REQUIRED, "alert_emails": ["a@example.no"], "schedules": schedules}.items()
    )
    plan = workspaces.own("google").plan(f"{MOCKS}\nvariables {{\n{values}}}\n")
    found: dict[str, dict[str, Any]] = {}
    for change in plan["resource_changes"]:
        if change["address"].startswith(("google_monitoring_alert_policy.silence", "google_cloud_scheduler_job.call")):
            found.setdefault(change["index"], {})[change["type"]] = change["change"]["after"]
    return found


@dataclass(frozen=True)
class Alert:
    """What the plan says of one schedule's alert."""

    silence: timedelta
    retest: timedelta
    interval: timedelta
    late: timedelta
    """How late a run may succeed: in the last of its attempts."""

    def told_at(self, last_success: datetime) -> datetime:
        """Return when the alert fires at the latest, after this success."""
        return last_success + self.silence + self.retest + 2 * self.interval


def read_alert(resources: dict[str, Any]) -> Alert:
    job, condition = resources["google_cloud_scheduler_job"], resources["google_monitoring_alert_policy"]["conditions"][0]
    hours = re.fullmatch(r"no success of helseid-fn-\w+ in (\d+) hours", condition["display_name"])
    assert hours is not None
    query = condition["condition_prometheus_query_language"][0]
    retries = job["retry_config"][0]
    pause = retries["retry_count"] * seconds(retries["max_backoff_duration"])
    return Alert(
        int(hours[1]) * HOUR,
        seconds(query["duration"]),
        seconds(query["evaluation_interval"]),
        (retries["retry_count"] + 1) * seconds(job["attempt_deadline"]) + pause,
    )


def seconds(text: str) -> timedelta:
    return timedelta(seconds=int(text.removesuffix("s")))


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_missed_run_is_told_in_time(planned: dict[str, dict[str, Any]], name: str) -> None:
    alert, schedule = read_alert(planned[name]), SCHEDULES[name]
    runs = list(schedule.runs(800))
    for last_success, missed in pairwise(runs):
        assert alert.told_at(last_success) - missed <= schedule.told_after_the_run, missed
        assert alert.told_at(last_success) - last_success <= schedule.told_after_a_success, missed


@pytest.mark.parametrize("name", SCHEDULES)
def test_nothing_is_told_while_every_run_succeeds(planned: dict[str, dict[str, Any]], name: str) -> None:
    alert = read_alert(planned[name])
    runs = list(SCHEDULES[name].runs(800))
    for success, due in pairwise(runs):
        assert due + alert.late < success + alert.silence + alert.retest, due
