"""The function on Google Cloud, under functions-framework: HTTP requests and CloudEvents."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, Any

from helseid_fn.context import Context
from helseid_fn.errors import InvalidInvocation
from helseid_fn.function.admission import check_origin, respond_without_job
from helseid_fn.function.framework import read_body
from helseid_fn.function.invocation import Invocation, is_rotation_event, max_body_bytes, parse_cloud_event, parse_http
from helseid_fn.function.pass_through import parse_pass_through
from helseid_fn.function.pubsub import read_push_id
from helseid_fn.function.responses import UNLIMITED, Host, HttpResponse
from helseid_fn.function.trace import LowerCased, read_event_facts, read_header_facts, read_traceparent

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

    from helseid_fn.function.app import App

CLOUD_RUN = Host("Cloud Run", 32 * 1024 * 1024)
"""https://cloud.google.com/run/quotas: the size of a response over HTTP/1."""

RESERVE_SECONDS = 0.5
"""What is left of the host's own limit to respond in."""


def handle_http(app: App, request: flask.Request) -> HttpResponse:
    """Do the job for one HTTP request at `/`, and return a report or problem details.

    A push of Pub/Sub's is acknowledged when its failure is final, so that it is not delivered for ever.
    """
    passes_through = app.runner.is_pass_through
    early = respond_without_job(request.path, str(uuid.uuid4()), any_path=passes_through)
    if early is not None:
        return early
    # Outside the invocation: what the server raises for a malformed body, framework.py responds to.
    body = read_body(request, max_body_bytes(app.settings))

    def parse() -> Invocation:
        if body is None:
            raise InvalidInvocation("body", "The body did not arrive complete, or not in time. Send it again.")
        check_origin(request.headers)
        if passes_through:
            query = request.query_string.decode("utf-8", "replace")
            return parse_pass_through(request.method, request.path, query, dict(request.headers), body, app.settings)
        return parse_http(request.method, request.query_string, body, app.settings)

    push_id = None if body is None or passes_through else read_push_id(body, request.headers)
    facts: dict[str, Any] = read_header_facts(request.headers, app.settings.google_project)
    facts["trigger"] = "schedule" if "scheduler_job" in facts else "http" if push_id is None else "event"
    if push_id:
        facts["message_id"] = push_id[:200]
    host = CLOUD_RUN if "K_SERVICE" in app.environ else UNLIMITED
    trace = read_traceparent(request.headers)
    work = app.runner.prepare(parse, host, passes_through=passes_through, traceparent=trace)
    outcome = app.perform(work, facts, deadline_seconds(app))
    if outcome.error is not None and not outcome.error.retryable and push_id is not None:
        return outcome.response[0], 200, outcome.response[2]
    return outcome.response


def handle_event(app: App, event: CloudEvent) -> None:
    """Do the job for one CloudEvent.

    A failure that may pass is raised, so that the platform delivers the event again. Any other is logged and the event is
    acknowledged, so that an event that can never succeed is not delivered for ever.
    """
    attributes, data = event.get_attributes(), event.data
    trace = read_traceparent(LowerCased({"traceparent": str(attributes.get("traceparent"))}))
    work = app.runner.prepare(lambda: parse_cloud_event(str(attributes.get("type")), data, app.settings), traceparent=trace)
    facts = {**read_event_facts(attributes, data), "trigger": "event"}
    app.perform(work, facts, deadline_seconds(app)).raise_if_retryable()


def rotate(app: App, trigger: flask.Request | CloudEvent) -> HttpResponse | None:
    """Replace the key if it is due: for a POST at `/`, or for Secret Manager's notification SECRET_ROTATE.

    Served with either signature type; a failure of an event that may pass is raised, so that it is delivered again.
    """
    if not hasattr(trigger, "get_attributes"):
        early = respond_without_job(trigger.path, str(uuid.uuid4()))
        if early is not None:
            return early
        facts = read_header_facts(trigger.headers, app.settings.google_project)
        return app.perform(_rotation(app, trigger.method), facts, deadline_seconds(app)).response
    attributes, data = trigger.get_attributes(), trigger.data
    if is_rotation_event(str(attributes.get("type")), data):
        facts = read_event_facts(attributes, data)
        app.perform(_rotation(app, "POST"), facts, deadline_seconds(app)).raise_if_retryable()
    return None


def deadline_seconds(app: App) -> float:
    """Return the deadline of one invocation: the host's own limit less a reserve, if that is shorter than DEADLINE_SECONDS."""
    text = app.environ.get("CLOUD_RUN_TIMEOUT_SECONDS") or ""
    limit_seconds = float(text) if text.isascii() and text.isdigit() and int(text) > 0 else math.inf
    return min(app.settings.deadline_seconds, max(limit_seconds - RESERVE_SECONDS, limit_seconds / 2))


def _rotation(app: App, method: str) -> Any:
    def run(ctx: Context) -> str:
        if method != "POST":
            raise InvalidInvocation("method", f"The rotating function takes POST, not {method:.20}.")
        # Imported here: the rest of the function does not load the rotation at a cold start.
        from helseid_fn.rotation.wiring import wire_google_rotation  # noqa: PLC0415

        return wire_google_rotation(app.settings, app.transport, now=app.now, sleep=app.sleep).run(ctx)

    return app.rotate_key(run)
