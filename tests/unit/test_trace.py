from __future__ import annotations

import pytest

from helseid_fn.function.trace import LowerCased, read_event_facts, read_eventbridge_facts, read_header_facts, read_traceparent
from tests.support import aws_events
from tests.support.parts import make_response

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
TRACE_FIELD, SPAN_FIELD = "logging.googleapis.com/trace", "logging.googleapis.com/spanId"


def log_fields(project: str | None = "my-project", **headers: str) -> dict[str, str]:
    return read_header_facts(make_response(200, **headers).headers, project)  # type: ignore[arg-type]


def test_a_request_without_headers_has_no_facts() -> None:
    assert log_fields() == {}


def test_reads_a_traceparent_with_or_without_a_project() -> None:
    assert log_fields(traceparent=TRACEPARENT) == {TRACE_FIELD: f"projects/my-project/traces/{TRACE}", SPAN_FIELD: SPAN}
    assert log_fields(None, traceparent=TRACEPARENT) == {TRACE_FIELD: TRACE, SPAN_FIELD: SPAN}


@pytest.mark.parametrize(
    ("value", "span"),
    [
        (f"{TRACE}/74;o=1", "000000000000004a"),
        (f"{TRACE}/74", "000000000000004a"),
        (f"{TRACE.upper()}/18446744073709551615;o=0", "f" * 16),
        (TRACE, "0" * 16),
        (f"{TRACE};o=1", "0" * 16),
    ],
)
def test_reads_google_s_own_trace_header(value: str, span: str) -> None:
    assert log_fields(X_Cloud_Trace_Context=value) == {
        TRACE_FIELD: f"projects/my-project/traces/{TRACE}",
        SPAN_FIELD: span,
    }


def test_a_traceparent_wins_over_google_s_header() -> None:
    assert log_fields(traceparent=TRACEPARENT, X_Cloud_Trace_Context=f"{'a' * 32}/1")[SPAN_FIELD] == SPAN


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f'"{TRACEPARENT}"',
        f"00-{'0' * 32}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"{TRACEPARENT}-more",
        f"01-{TRACE}-{SPAN}-01more",
        f"{TRACEPARENT},{TRACEPARENT}",
    ],
)
def test_an_invalid_traceparent_is_ignored(value: str) -> None:
    assert log_fields(traceparent=value) == {}
    assert read_traceparent(LowerCased({"traceparent": value})) == ""


@pytest.mark.parametrize(
    ("value", "flags"), [(TRACEPARENT, "01"), (f"00-{TRACE}-{SPAN}-00", "00"), (f"cc-{TRACE}-{SPAN}-fe-more", "00")]
)
def test_a_traceparent_of_any_version_is_read_as_the_first(value: str, flags: str) -> None:
    assert read_traceparent(LowerCased({"traceparent": value})) == f"00-{TRACE}-{SPAN}-{flags}"


@pytest.mark.parametrize("value", ["", "x", f"{TRACE}/", f"{TRACE}/x", f"{TRACE[1:]}/1", f"{TRACE}/{'9' * 21}", f"{TRACE}/-1"])
def test_an_invalid_google_trace_is_ignored(value: str) -> None:
    assert log_fields(X_Cloud_Trace_Context=value) == {}


def test_reads_the_scheduler_and_execution_headers() -> None:
    headers = {
        "X_CloudScheduler_JobName": "nightly",
        "X_CloudScheduler_ScheduleTime": "2027-01-15T08:00:00Z",
        "Function_Execution_Id": "abc123",
    }
    assert log_fields(**headers) == {
        "scheduler_job": "nightly",
        "scheduler_time": "2027-01-15T08:00:00Z",
        "execution_id": "abc123",
    }


@pytest.mark.parametrize("value", ["", "a\nb", "\x1b[31m", "a\x00", "Ola Nordmann", "x" * 501])
def test_a_schedule_s_name_of_another_form_is_ignored(value: str) -> None:
    assert log_fields(X_CloudScheduler_JobName=value) == {}


@pytest.mark.parametrize("value", ["cursor.json", "2027-01-15", "01017012345", "2027-01-15T08:00:00Z/x"])
def test_a_schedule_s_time_that_is_none_is_ignored(value: str) -> None:
    assert log_fields(X_CloudScheduler_ScheduleTime=value) == {}


def test_tries_are_a_number_or_not_logged() -> None:
    assert "tries" not in read_event_facts({}, {"deliveryAttempt": {"patient": "Ola Nordmann"}})


def test_a_fact_is_at_most_200_characters() -> None:
    assert log_fields(X_CloudScheduler_JobName="x" * 500) == {"scheduler_job": "x" * 200}


def test_reads_an_amazon_trace() -> None:
    trace = "1-5759e988-bd862e3fe1be46a994272793"
    assert log_fields(X_Amzn_Trace_Id=f"Root={trace};Parent=53995c3f42cd8ad8;Sampled=1") == {"xray_trace": trace}


@pytest.mark.parametrize("value", ["", "x", "Root=1", "Root=1-5759e988-BD862E3FE1BE46A994272793", "Parent=1-5759e988-x"])
def test_an_invalid_amazon_trace_is_ignored(value: str) -> None:
    assert log_fields(X_Amzn_Trace_Id=value) == {}


def test_finds_headers_in_lower_case() -> None:
    assert read_header_facts(LowerCased({"x-cloudscheduler-jobname": "nightly"}), None) == {"scheduler_job": "nightly"}


def test_reads_the_ids_of_an_event_and_its_message() -> None:
    attributes = {"id": "1", "type": "t", "source": "s", "time": "2026-11-22T03:00:00Z"}
    facts = read_event_facts(attributes, {"message": {"messageId": "7", "data": "e30="}})
    assert facts == {"event_id": "1", "event_type": "t", "event_source": "s", "message_id": "7"}


@pytest.mark.parametrize("data", [None, b"x", [], {"message": None}, {"message": {"messageId": 7}}], ids=ascii)
def test_an_event_of_another_shape_has_no_facts(data: object) -> None:
    assert read_event_facts({"id": "a\nb", "type": 7}, data) == {}


def test_reads_the_id_type_and_source_of_an_eventbridge_event() -> None:
    event = {"id": "1", "detail-type": "t", "source": "s", "detail": {"message": {"messageId": "7"}}}
    assert read_eventbridge_facts(event) == {"event_id": "1", "event_type": "t", "event_source": "s"}


def test_reads_the_schedule_of_an_event_by_eventbridge_scheduler() -> None:
    assert read_eventbridge_facts(aws_events.scheduled({})) == {
        "event_type": "Scheduled Event",
        "event_source": "aws.scheduler",
        "scheduler_job": "hourly",
        "scheduler_time": "2026-11-26T10:00:00Z",
        "execution_id": "89d1a02d-5ec7-412e-82f5-13505f849b41",
    }


def test_an_event_of_a_rule_on_a_schedule_keeps_its_id() -> None:
    rule = {"source": "aws.events", "resources": [f"arn:aws:events:eu-north-1:{aws_events.ACCOUNT}:rule/nightly"]}
    event = {**aws_events.scheduled({}), **rule}
    facts = read_eventbridge_facts(event)
    assert (facts["scheduler_job"], facts["event_id"], "execution_id" in facts) == ("nightly", event["id"], False)


@pytest.mark.parametrize("resources", [None, [], [None], ["<aws.scheduler.schedule-arn>"], {"a": 1}])
def test_a_scheduled_event_started_by_hand_has_no_schedule(resources: object) -> None:
    by_hand = {"id": "<aws.scheduler.execution-id>", "time": "<aws.scheduler.scheduled-time>", "resources": resources}
    facts = read_eventbridge_facts({**aws_events.scheduled({}), **by_hand})
    assert facts == {"event_type": "Scheduled Event", "event_source": "aws.scheduler"}


@pytest.mark.parametrize("event", [None, [], "x", {}, {"id": "1", "source": "s"}, {"detail-type": ["t"]}], ids=ascii)
def test_another_lambda_event_has_no_eventbridge_facts(event: object) -> None:
    assert read_eventbridge_facts(event) == {}
