"""When the silence alarms are raised, reckoned from what Terraform plans: after a missed run, and at no other time.

CloudWatch is stood for by as much of it as the alarms use: sums by period, windows that slide, and expressions on the time.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import CodeType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.deployment.workspace import MODULES, ROOT, Workspaces

OSLO = ZoneInfo("Europe/Oslo")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TAKES = 3 * MINUTE
"""From the time of a run until its success is counted."""
BEGIN, END = datetime(2030, 9, 1, tzinfo=UTC), datetime(2030, 12, 15, tzinfo=UTC)
STOPS_FROM, STOPS_UNTIL = datetime(2030, 10, 18, tzinfo=UTC), datetime(2030, 11, 8, tzinfo=UTC)
"""The weeks in which the runs stop, once from each run on; summer time ends in the second."""


@dataclass(frozen=True)
class Schedule:
    """A schedule, the days and hours in Oslo on which it runs, and how soon after the first missed run it must be told."""

    expression: str
    told_within: timedelta
    days: Callable[[date], bool] = lambda _: True
    hours: tuple[int, ...] = tuple(range(24))
    minutes: tuple[int, ...] = (0,)

    def runs(self) -> Iterator[datetime]:
        """List its runs, as UTC; a rate knows no summer time."""
        zone = UTC if self.expression.startswith("rate") else OSLO
        for number in range((END - BEGIN).days):
            day = (BEGIN + number * DAY).date()
            for hour in self.hours if self.days(day) else ():
                for minute in self.minutes:
                    yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def weekdays(*numbers: int) -> Callable[[date], bool]:
    return lambda day: day.weekday() in numbers


SCHEDULES = {
    "quarter-hour": Schedule("rate(15 minutes)", HOUR, minutes=(0, 15, 30, 45)),
    "hourly": Schedule("rate(1 hour)", 2 * HOUR),
    "every-six-hours": Schedule("cron(0 */6 * * ? *)", 8 * HOUR, hours=(0, 6, 12, 18)),
    "daily": Schedule("cron(55 6 * * ? *)", DAY + 2 * HOUR, hours=(6,), minutes=(55,)),
    "weekdays": Schedule("cron(0 6 ? * MON-FRI *)", 3 * DAY + HOUR, weekdays(0, 1, 2, 3, 4), (6,)),
    "weekdays-by-number": Schedule("cron(0 6 ? * 2-6 *)", 3 * DAY + HOUR, weekdays(0, 1, 2, 3, 4), (6,)),
    "office-hours": Schedule("cron(0 8-16 ? * MON-FRI *)", 3 * DAY + HOUR, weekdays(0, 1, 2, 3, 4), tuple(range(8, 17))),
    "twice-a-day": Schedule("cron(30 6,20 * * ? *)", 16 * HOUR, hours=(6, 20), minutes=(30,)),
    "three-days": Schedule("cron(0 6 ? * MON,WED,FRI *)", 3 * DAY + HOUR, weekdays(0, 2, 4), (6,)),
    "weekend": Schedule("cron(0 6 ? * SAT-SUN *)", 6 * DAY, weekdays(5, 6), (6,)),
    "weekly": Schedule("cron(0 6 ? * MON *)", 8 * DAY, weekdays(0), (6,)),
    "monthly": Schedule("cron(0 6 20 * ? *)", 32 * DAY, lambda day: day.day == 20, (6,)),
    "first-monday": Schedule("cron(0 6 ? * 2#1 *)", 36 * DAY, lambda day: day.weekday() == 0 and day.day < 8, (6,)),
}


@dataclass(frozen=True)
class Alarm:
    """A planned alarm on an expression of one metric."""

    step: timedelta
    periods: int
    expression: str
    is_silent: Callable[[float], bool]
    hours: float = 0.0
    """The threshold of one on the hours that NAME-watch counts."""

    def value(self, said: float | None, begins: datetime) -> float:
        """Return the expression's value for a period."""
        names: dict[str, Any] = {
            "said": said,
            "IF": lambda condition, yes, no: yes if condition else no,
            "FILL": lambda series, value: value if series is None else series,
        }
        names |= {name: lambda _, part=part: getattr(begins, part) for name, part in PARTS.items()}
        return float(eval(_compile(self.expression), {"__builtins__": {}}, names))  # the module's own expression

    def is_raised(self, said: Callable[[datetime, datetime], float | None], now: datetime) -> bool:
        """Return whether every period of the window that ends now is silent."""
        ends = (now - number * self.step for number in range(self.periods))
        return all(self.is_silent(self.value(said(end - self.step, end), end - self.step)) for end in ends)


@cache
def _compile(expression: str) -> CodeType:
    """Compile an expression once: it has a value for each of a hundred thousand periods."""
    return compile(expression, "an alarm's expression", "eval")


PARTS = {"YEAR": "year", "MONTH": "month", "DATE": "day", "HOUR": "hour"}


@pytest.fixture(scope="module")
def alarms(workspaces: Workspaces) -> dict[str, Alarm]:
    """The alarms of all these schedules in one plan, by schedule."""
    workspace = workspaces.own("aws")
    text = (ROOT / MODULES / "aws/tests/schedule.tftest.hcl").read_text()
    needed = re.search(r"^variables \{.*?^\}\n", text, re.MULTILINE | re.DOTALL)
    assert needed is not None
    schedules = ", ".join(f'{name} = {{ schedule = "{each.expression}" }}' for name, each in SCHEDULES.items())
    mocks = 'mock_provider "aws" {\n  source = "./tests/mocks"\n}\n'
    plan = workspace.plan(mocks + needed[0].rstrip("}\n") + f"\n  schedules = {{ {schedules} }}\n}}\n")
    planned = {}
    for change in plan["resource_changes"]:
        if change["type"] == "aws_cloudwatch_metric_alarm" and change["name"] in ("silent", "silent_longer"):
            after = change["change"]["after"]
            queries = {query["id"]: query for query in after["metric_query"]}
            (said,) = queries.pop("said")["metric"]
            (answer,) = queries.values()
            threshold = after["threshold"]
            assert answer["return_data"] is True
            assert after["treat_missing_data"] == "breaching"
            is_silent = {
                "LessThanThreshold": lambda value, threshold=threshold: value < threshold,
                "GreaterThanOrEqualToThreshold": lambda value, threshold=threshold: value >= threshold,
            }[after["comparison_operator"]]
            period = timedelta(seconds=said["period"])
            assert after["evaluation_periods"] * period <= (7 * DAY if period >= HOUR else DAY)
            hours = threshold if said["metric_name"] == "HoursSinceSuccess" else 0.0
            planned[change["index"]] = Alarm(period, after["evaluation_periods"], answer["expression"], is_silent, hours)
    return planned


def metric(alarm: Alarm, successes: list[datetime], began: datetime = BEGIN) -> Callable[[datetime, datetime], float | None]:
    """Return what CloudWatch has for a period: a count of successes, or the count of hours that NAME-watch puts each hour."""

    def count(begins: datetime, ends: datetime) -> float | None:
        return (bisect_left(successes, ends) - bisect_left(successes, begins)) or None

    def count_hours(begins: datetime, ends: datetime) -> float | None:
        put_at = begins.replace(minute=30, second=0)
        put_at += HOUR if put_at < begins else timedelta()
        before = bisect_left(successes, put_at)
        if put_at >= ends:
            return None
        return (put_at - (successes[before - 1].replace(minute=0) if before else began)) / HOUR

    return count_hours if alarm.hours else count


def times(begin: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += step


def test_every_schedule_has_its_alarm(alarms: dict[str, Alarm]) -> None:
    assert alarms.keys() == SCHEDULES.keys()


@pytest.mark.parametrize("name", SCHEDULES)
def test_runs_that_succeed_raise_no_alarm(alarms: dict[str, Alarm], name: str) -> None:
    said = metric(alarms[name], [run + TAKES for run in SCHEDULES[name].runs()])
    assert not [now for now in times(STOPS_FROM, STOPS_UNTIL, 7 * MINUTE) if alarms[name].is_raised(said, now)]


@pytest.mark.parametrize("name", SCHEDULES)
def test_runs_that_stop_are_told_in_time(alarms: dict[str, Alarm], name: str) -> None:
    alarm, schedule = alarms[name], SCHEDULES[name]
    runs = list(schedule.runs())
    stops = [run for run in runs if STOPS_FROM <= run < STOPS_UNTIL]
    assert stops
    for missed in stops[:: max(1, len(stops) // 20)]:
        said = metric(alarm, [run + TAKES for run in runs if run < missed])
        told_by = missed + schedule.told_within
        assert any(alarm.is_raised(said, now) for now in times(missed, told_by + MINUTE, 10 * MINUTE)), missed


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_deployment_without_a_success_is_told_later(alarms: dict[str, Alarm], name: str) -> None:
    alarm = alarms[name]
    (hour,) = re.findall(r"<= (\d{10})", alarm.expression)
    began = datetime.strptime(hour, "%Y%m%d%H").replace(tzinfo=UTC)
    said = metric(alarm, [], began)
    window = alarm.hours * HOUR or alarm.periods * alarm.step
    assert not [now for now in times(began, began + window, 10 * MINUTE) if alarm.is_raised(said, now)]
    assert alarm.is_raised(said, began + window + 3 * HOUR)
