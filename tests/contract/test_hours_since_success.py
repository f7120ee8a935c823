"""The function that counts the hours since a schedule's last success, against CloudWatch on loopback (moto)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from helseid_fn.aws_sdk.hours_since_success import handler

NAMESPACE = "greetings"


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_REGION": "eu-north-1",
        "AWS_DEFAULT_REGION": "eu-north-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NAMESPACE": NAMESPACE,
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield boto3.client("cloudwatch")


def hours_ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


def run_for(monkeypatch: pytest.MonkeyPatch, **began_at: datetime) -> dict[str, float]:
    monkeypatch.setenv("SCHEDULES", json.dumps({name: at.isoformat().replace("+00:00", "Z") for name, at in began_at.items()}))
    return handler({}, None)


def succeed(cloudwatch: Any, schedule: str, at: datetime) -> None:
    datum = {"MetricName": "Succeeded", "Dimensions": [{"Name": "schedule", "Value": schedule}], "Timestamp": at, "Value": 1}
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


def test_the_hours_since_the_last_success_are_put(cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for hours in (400, 190):
        succeed(cloudwatch, "weekly", hours_ago(hours))
    counted = run_for(monkeypatch, weekly=hours_ago(2000))
    assert counted["weekly"] == pytest.approx(190, abs=1.1)
    put = cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="HoursSinceSuccess",
        Dimensions=[{"Name": "schedule", "Value": "weekly"}],
        StartTime=hours_ago(1),
        EndTime=hours_ago(-1),
        Period=3600,
        Statistics=["Minimum"],
    )["Datapoints"]
    assert [each["Minimum"] for each in put] == [counted["weekly"]]


def test_a_success_a_month_ago_is_found(cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed(cloudwatch, "monthly", hours_ago(31 * 24))
    assert run_for(monkeypatch, monthly=hours_ago(9000))["monthly"] == pytest.approx(31 * 24, abs=1.1)


def test_without_a_success_the_hours_since_it_began_count(cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    del cloudwatch
    assert run_for(monkeypatch, weekly=hours_ago(50))["weekly"] == pytest.approx(50, abs=0.1)


def test_a_success_before_it_was_turned_on_does_not_count(cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed(cloudwatch, "weekly", hours_ago(300))
    assert run_for(monkeypatch, weekly=hours_ago(5))["weekly"] == pytest.approx(5, abs=0.1)


def test_each_schedule_is_counted_by_itself(cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed(cloudwatch, "weekly", hours_ago(100))
    succeed(cloudwatch, "monthly", hours_ago(200))
    counted = run_for(monkeypatch, weekly=hours_ago(2000), monthly=hours_ago(2000))
    assert counted == {"weekly": pytest.approx(100, abs=1.1), "monthly": pytest.approx(200, abs=1.1)}
