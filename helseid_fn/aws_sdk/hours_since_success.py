"""A function of its own, beside the one that signs in: it counts the hours since each schedule's last success.

CloudWatch's alarms look back seven days, so for a schedule that runs less often an alarm watches this count. Terraform gives it
its settings, all but AWS_REGION required: NAMESPACE of both metrics, and SCHEDULES, a JSON object of each schedule's name and
since when it has run (RFC 3339).
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

LOOK_BACK = timedelta(days=450)
"""CloudWatch keeps hourly values for 455 days."""


def handler(event: object, context: object) -> dict[str, float]:
    """Put the hours since each schedule's last success, or since it began; return them by schedule."""
    del event, context
    schedules = json.loads(os.environ["SCHEDULES"])
    return _count_hours(boto3.client("cloudwatch"), os.environ["NAMESPACE"], schedules, datetime.now(UTC))


def _count_hours(cloudwatch: Any, namespace: str, schedules: dict[str, str], now: datetime) -> dict[str, float]:
    hours: dict[str, float] = {}
    for name, began_at in schedules.items():
        dimensions = [{"Name": "schedule", "Value": name}]
        succeeded_at = _find_success(cloudwatch, namespace, dimensions, now)
        since = max(filter(None, (datetime.fromisoformat(began_at), succeeded_at)))
        hours[name] = round((now - since) / timedelta(hours=1), 2)
        datum = {"MetricName": "HoursSinceSuccess", "Dimensions": dimensions, "Value": hours[name]}
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])
    return hours


def _find_success(cloudwatch: Any, namespace: str, dimensions: list[dict[str, str]], now: datetime) -> datetime | None:
    """Return the start of the last hour with a success; None if there has been none."""
    metric = {"Namespace": namespace, "MetricName": "Succeeded", "Dimensions": dimensions}
    query = {"Id": "said", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=now - LOOK_BACK, EndTime=now, ScanBy="TimestampDescending"
    )["MetricDataResults"][0]
    return max((at for at, count in zip(found["Timestamps"], found["Values"], strict=True) if count > 0), default=None)
