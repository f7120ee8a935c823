"""The function on AWS Lambda: direct invocations, events of AWS's services, batches, and HTTP."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from helseid_fn.context import Context
from helseid_fn.function.admission import check_origin, respond_without_job
from helseid_fn.function.invocation import Invocation, parse_http, parse_payload
from helseid_fn.function.lambda_events import Delivery, is_batch, read_deliveries, read_payload
from helseid_fn.function.lambda_http import LambdaHttp, read_http_request
from helseid_fn.function.pass_through import parse_pass_through
from helseid_fn.function.responses import Host, read_as_object
from helseid_fn.function.trace import SCHEDULED_EVENT, LowerCased, read_eventbridge_facts, read_header_facts, read_traceparent
from helseid_fn.http.gzip_members import MEBIBYTE

if TYPE_CHECKING:
    from helseid_fn.function.app import App

MAX_RESPONSE_BYTES = 6 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; it counts the response as JSON."""

HOST = Host("AWS Lambda", MAX_RESPONSE_BYTES)
OVER_HTTP = HOST._replace(escapes_body=True)

LOAD_BALANCER = Host("the load balancer", MEBIBYTE, escapes_body=True)
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html: "1 MB" of JSON."""

RESERVE_SECONDS = 0.5
"""What is left of Lambda's own timeout to respond in."""


class LambdaContext(Protocol):
    """The parts that are used of the context that Lambda passes with each invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


def handle(app: App, event: Any, context: LambdaContext) -> Any:
    """Do the job for one invocation, or for each delivery of a batch.

    Over HTTP every outcome is a response. Otherwise a success returns its report and a permanent failure its problem, as
    objects, and a failure that may pass is raised, so that Lambda tries again. So is an event of a kind that is not known: its
    sender would take a returned problem for a success.
    """
    request = read_http_request(event)
    if request is not None:
        return _handle_http(app, request, context)
    event_facts = read_eventbridge_facts(event)
    is_scheduled = event_facts.get("event_type") == SCHEDULED_EVENT
    trigger = "schedule" if is_scheduled else "event" if event_facts else "direct"
    facts = {**_read_facts(app, {}, context), **event_facts, "trigger": trigger}
    if is_batch(event):
        return _handle_batch(app, event, facts, context)
    outcome = app.perform(
        app.runner.prepare(lambda: parse_payload(read_payload(event), app.settings), HOST),
        facts,
        _deadline_seconds(app, context),
    )
    outcome.raise_if_retryable()
    if outcome.error is not None and outcome.error.reason == "event":
        raise outcome.error
    return read_as_object(outcome.response)


def _handle_http(app: App, request: LambdaHttp, context: LambdaContext) -> Any:
    """Do the job for one HTTP request at `/`, or at a path that is configured as a route of its own."""
    headers = dict(request.headers)
    passes_through = app.runner.is_pass_through
    is_own_route = request.path == request.route and "{" not in request.route
    early = None if is_own_route else respond_without_job(request.path, str(uuid.uuid4()), any_path=passes_through)
    if early is not None:
        return request.build_response(early)

    def parse() -> Invocation:
        check_origin(LowerCased(headers))
        if passes_through:
            path = unquote(request.path)  # which a load balancer and a function URL pass as it came
            return parse_pass_through(request.method, path, request.query, headers, request.read_body(), app.settings)
        return parse_http(request.method, request.query.encode("utf-8", "surrogatepass"), request.read_body(), app.settings)

    facts = {**_read_facts(app, headers, context), "trigger": "http"}
    host = LOAD_BALANCER if request.is_load_balancer else OVER_HTTP
    trace = read_traceparent(LowerCased(headers))
    work = app.runner.prepare(parse, host, passes_through=passes_through, traceparent=trace)
    outcome = app.perform(work, facts, _deadline_seconds(app, context))
    return request.build_response(outcome.response)


def _handle_batch(app: App, event: Any, facts: dict[str, Any], context: LambdaContext) -> Any:
    """Do the job for each delivery in turn, and report those that are to be delivered again.

    Without an id, or when none succeeded, the whole batch is failed by raising: that works with every configuration.
    """
    failed: list[str] = []
    reports: list[Any] = []
    deliveries = read_deliveries(event)
    for number, delivery in enumerate(deliveries, 1):
        # What has no id of its own is told apart by its place in the batch.
        own = delivery.facts if "message_id" in delivery.facts else {**delivery.facts, "batch_item": number}
        work = app.runner.prepare(partial(_parse_delivery, delivery, app), HOST)
        outcome = app.perform(work, {**facts, "trigger": "event", **own}, _deadline_seconds(app, context))
        if outcome.error is not None and outcome.error.reason == "event":
            raise outcome.error
        if outcome.error is not None and outcome.error.retryable:
            failed.append(delivery.item_id)
            if not delivery.item_id or len(failed) == len(deliveries):
                raise outcome.error
        reports.append(read_as_object(outcome.response))
    if any(delivery.item_id for delivery in deliveries):
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    return reports


def _parse_delivery(delivery: Delivery, app: App) -> Invocation:
    return parse_payload(delivery.read_payload(), app.settings)


def rotate(app: App, event: Any, context: LambdaContext) -> Any:
    """Do one step of a rotation by AWS Secrets Manager; every failure is raised, so that it repeats the rotation."""

    def run(ctx: Context) -> str:
        # Imported here: the rest of the function does not load the rotation at a cold start.
        from helseid_fn.rotation.aws import parse_rotation_step  # noqa: PLC0415
        from helseid_fn.rotation.wiring import find_rotated_secret, wire_aws_rotation  # noqa: PLC0415

        step = parse_rotation_step(event, find_rotated_secret(app.settings))
        ctx.note(rotation_step=step.name)
        return wire_aws_rotation(app.settings, app.transport, now=app.now, sleep=app.sleep).run(step, ctx)

    outcome = app.perform(app.rotate_key(run), _read_facts(app, {}, context), _deadline_seconds(app, context))
    if outcome.error is not None:
        raise outcome.error
    return read_as_object(outcome.response)


def _read_facts(app: App, headers: dict[str, str], context: LambdaContext) -> dict[str, Any]:
    # Lambda sets each invocation's trace anew, in the environment.
    headers.setdefault("x-amzn-trace-id", app.environ.get("_X_AMZN_TRACE_ID", ""))
    return {"request_id": context.aws_request_id, **read_header_facts(LowerCased(headers), app.settings.google_project)}


def _deadline_seconds(app: App, context: LambdaContext) -> float:
    """Return the time that Lambda leaves the invocation, less a reserve, but no more than DEADLINE_SECONDS."""
    left_seconds = context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
    return max(0.0, min(app.settings.deadline_seconds, left_seconds))
