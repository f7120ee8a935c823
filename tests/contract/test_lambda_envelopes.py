"""Every way in which AWS's services invoke Lambda is taken, or refused by raising; nothing is acknowledged in silence."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from helseid_fn.errors import InvalidInvocation, Unavailable
from standin import StandIn, faults
from tests.conftest import ROOT
from tests.support import aws_events
from tests.support.aws_events import HTTP_FORMS
from tests.support.deployment import CHILD, OTHER_CHILD, OTHER_UNIT, Function, LambdaContext, log_lines, made

OTHER = json.dumps(OTHER_UNIT)
COLD = {"metadata": 1, "token": 2, "api": 1}


def invoke(function: Function, event: object) -> Any:
    return function.module.lambda_handler(event, LambdaContext())


def child_of(report: dict[str, Any]) -> str:
    child: str = report["organization"]["child"]
    return child


@pytest.mark.parametrize("form", HTTP_FORMS.values(), ids=HTTP_FORMS)
@pytest.mark.parametrize(("body", "child"), [("", CHILD), (OTHER, OTHER_CHILD)], ids=["bare", "a body"])
def test_every_form_of_http_gets_its_response(
    standin: StandIn, function: Function, form: Callable[..., dict[str, Any]], body: str, child: str
) -> None:
    response = invoke(function, form(body))
    assert (response["statusCode"], response["isBase64Encoded"]) == (200, False)
    assert child_of(json.loads(response["body"])) == child
    assert made(standin) == COLD


@pytest.mark.parametrize("form", HTTP_FORMS.values(), ids=HTTP_FORMS)
@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/.env", 404), ("/favicon.ico", 404), ("//", 404)])
def test_another_path_does_no_job(
    standin: StandIn, function: Function, form: Callable[..., dict[str, Any]], path: str, status: int
) -> None:
    assert invoke(function, form(path=path))["statusCode"] == status
    assert standin.received == []


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (aws_events.http_api(path="/prod/greet", route="POST /greet"), 200),
        (aws_events.http_api(path="/prod/greet", route="ANY /{proxy+}"), 404),
        (aws_events.http_api(path="/production/"), 404),
        (aws_events.rest_api(path="/greet", resource="/greet"), 200),
        (aws_events.rest_api(path="/greet", resource="/{proxy+}"), 404),
    ],
    ids=["a route", "a route for any path", "no stage", "a resource", "a resource for any path"],
)
def test_a_path_that_is_configured_as_a_route_does_the_job(function: Function, event: object, status: int) -> None:
    assert invoke(function, event)["statusCode"] == status


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (aws_events.rest_api, "multiValueQueryStringParameters"),
        (aws_events.rest_api, "queryStringParameters"),
        (aws_events.lattice_2, "queryStringParameters"),
    ],
)
def test_a_query_that_is_not_unicode_is_refused(
    standin: StandIn, function: Function, form: Callable[..., dict[str, Any]], name: str
) -> None:
    response = invoke(function, {**form(), name: {"\ud800": "\udfff"}})
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (400, "invocation.query")
    assert standin.received == []


def test_a_load_balancer_that_wants_lists_gets_lists(function: Function) -> None:
    response = invoke(function, aws_events.load_balancer(many_values=True))
    assert response["multiValueHeaders"]["Content-Type"] == ["application/json"]


@pytest.mark.parametrize("form", HTTP_FORMS.values(), ids=HTTP_FORMS)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_of_another_site_sends_is_refused(
    standin: StandIn, function: Function, form: Callable[..., dict[str, Any]], site: str
) -> None:
    response = invoke(function, form(headers={"Sec-Fetch-Site": site}))
    assert (response["statusCode"], json.loads(response["body"])["code"]) == (400, "invocation.cross_site")
    assert standin.received == []


@pytest.mark.parametrize("detail", ["{}", "", None, " ", {}], ids=ascii)
def test_a_schedule_without_an_input_makes_the_default_call(function: Function, detail: object) -> None:
    assert child_of(invoke(function, aws_events.scheduled(detail))) == CHILD


@pytest.mark.parametrize(
    "event", [aws_events.scheduled(OTHER), aws_events.scheduled(OTHER_UNIT), OTHER], ids=["text", "object", "bare"]
)
def test_an_input_may_be_json_or_its_text(function: Function, event: object) -> None:
    assert child_of(invoke(function, event)) == OTHER_CHILD


def documented_event() -> dict[str, Any]:
    """Return the event that docs/triggers.md writes as an input, with what EventBridge Scheduler puts in."""
    section = (ROOT / "docs" / "triggers.md").read_text().partition("## EventBridge Scheduler")[2]
    text, sent = section.split("```json")[1].split("```")[0], aws_events.scheduled({})
    values = {"schedule-arn": sent["resources"][0], "scheduled-time": sent["time"], "execution-id": sent["id"]}
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return dict(json.loads(text))


@pytest.mark.parametrize("event", [aws_events.scheduled({}), documented_event()], ids=["without an input", "documented"])
def test_the_line_of_a_run_names_its_schedule(
    function: Function, capsys: pytest.CaptureFixture[str], event: dict[str, Any]
) -> None:
    invoke(function, event)
    (line,) = log_lines(capsys.readouterr().out)
    names = ("trigger", "scheduler_job", "scheduler_time", "execution_id", "event_id")
    execution = "89d1a02d-5ec7-412e-82f5-13505f849b41"
    assert [line.get(name) for name in names] == ["schedule", "hourly", "2026-11-26T10:00:00Z", execution, None]


@pytest.mark.parametrize(
    "event",
    [aws_events.sqs(OTHER), aws_events.sqs(aws_events.notification(OTHER)), [aws_events.sqs_record(OTHER)]],
    ids=["SQS", "SNS to SQS", "a Pipe from SQS"],
)
def test_a_message_of_a_queue_is_an_invocation(
    standin: StandIn, function: Function, capsys: pytest.CaptureFixture[str], event: object
) -> None:
    assert invoke(function, event) == {"batchItemFailures": []}
    (line,) = log_lines(capsys.readouterr().out)
    assert (line["organization"]["child"], line["message_id"]) == (OTHER_CHILD, aws_events.sqs_record("")["messageId"])
    assert made(standin) == COLD


def test_a_notification_is_an_invocation(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    (report,) = invoke(function, aws_events.sns(OTHER))
    (line,) = log_lines(capsys.readouterr().out)
    assert (child_of(report), line["event_source"]) == (OTHER_CHILD, aws_events.TOPIC)


def test_each_payload_of_a_pipe_is_an_invocation(function: Function) -> None:
    reports = invoke(function, [OTHER_UNIT, {}, OTHER])
    assert [child_of(each) for each in reports] == [OTHER_CHILD, CHILD, OTHER_CHILD]


def test_only_messages_that_failed_for_now_are_delivered_again(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", faults.Status(503), times=3)
    event = aws_events.sqs("{}", "not JSON", OTHER)
    assert invoke(function, event) == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}


@pytest.mark.parametrize("event", [aws_events.sqs("{}"), aws_events.sqs("{}", OTHER), aws_events.sns("{}"), [{}]], ids=ascii)
def test_a_batch_of_which_nothing_succeeds_is_raised(standin: StandIn, function: Function, event: object) -> None:
    standin.api.fail_always("api", faults.Status(503))
    with pytest.raises(Unavailable):
        invoke(function, event)


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "e30="}}]},
        {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
        {"Records": {}},
        {"Records": [1]},
        [{"eventSource": "aws:dynamodb", "dynamodb": {}}],
        {"awslogs": {"data": "H4sI"}},
        {"requestContext": {"routeKey": "$connect", "eventType": "CONNECT"}},
        {"source": "aws.events"},
    ],
    ids=ascii,
)
def test_an_event_of_another_kind_is_raised(standin: StandIn, function: Function, event: object) -> None:
    with pytest.raises(InvalidInvocation, match=r"docs/triggers\.md"):
        invoke(function, event)
    assert standin.received == []
