"""The function on AWS Lambda: direct invocations, EventBridge, and HTTP (payload format 2.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from helseid_fn.context import Context
from helseid_fn.function.invocation import is_lambda_http, parse_lambda_event, parse_lambda_http
from helseid_fn.function.responses import Host, read_as_object
from helseid_fn.function.trace import LowerCased, read_eventbridge_facts, read_header_facts

if TYPE_CHECKING:
    from helseid_fn.function.app import App

MAX_RESPONSE_BYTES = 6 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; it counts the response as JSON."""

RESERVE_SECONDS = 0.5
"""What is left of Lambda's own timeout to respond in."""


class LambdaContext(Protocol):
    """The parts that are used of the context that Lambda passes with each invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


def handle(app: App, event: Any, context: LambdaContext) -> Any:
    """Do the job for one invocation.

    Over HTTP every outcome is a response. Otherwise a success returns its report and a permanent failure its problem, as
    objects, and a failure that may pass is raised, so that Lambda tries again.
    """
    is_http = is_lambda_http(event)
    headers = event.get("headers") if is_http else None
    lower_cased = {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    facts = {**_read_facts(app, lower_cased, context), **read_eventbridge_facts(event)}
    parse = parse_lambda_http if is_http else parse_lambda_event
    host = Host("AWS Lambda", MAX_RESPONSE_BYTES, escapes_body=is_http)
    outcome = app.perform(app.call_api(lambda: parse(event, app.settings), host), facts, _deadline_seconds(app, context))
    if is_http:
        body, status, response_headers = outcome.response
        return {"statusCode": status, "headers": response_headers, "body": body, "isBase64Encoded": False}
    outcome.raise_if_retryable()
    return read_as_object(outcome.response)


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
