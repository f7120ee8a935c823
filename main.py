"""The entry points and the wiring. Importing this parses the settings and reaches no network.

On Google Cloud the function is `run` (HTTP) or `run_event` (CloudEvents), served by functions-framework; on AWS Lambda it is
`lambda_handler`. `rotate` and `rotate_lambda` replace its key, each as a function of its own. Both hosts may import this module
in one process and serve from forks of it: connections, clients and threads are therefore made at the first invocation.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from helseid_fn.api.client import Api
from helseid_fn.api.job import Job
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import BadInvocation, Crashed, HelseidFnError, SettingsError
from helseid_fn.function import log
from helseid_fn.function.invocation import (
    MAX_BODY_BYTES,
    Invocation,
    asks_for_rotation,
    is_lambda_http,
    parse_cloud_event,
    parse_http,
    parse_lambda_event,
    parse_lambda_http,
)
from helseid_fn.function.responses import HttpAnswer, build_problem, build_report, build_rotation_report, read_as_object
from helseid_fn.function.trace import LowerCased, read_event_fields, read_eventbridge_fields, read_log_fields
from helseid_fn.http.transport import Transport
from helseid_fn.oauth.token_source import TokenSource
from helseid_fn.secret_store.reader import open_reader
from helseid_fn.settings import Settings, find_unknown, parse_settings

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

LAMBDA_RESERVE_SECONDS = 0.5

_TRUE = ("y", "yes", "t", "true", "on", "1")
"""What functions-framework takes for true; with LOG_EXECUTION_ID it writes every logger's lines itself, as Lambda does."""

_logger = logging.getLogger("helseid_fn")


class LambdaContext(Protocol):
    """What is needed of the context that Lambda hands over with each invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Parse the settings and start logging; a wrong deployment ends here, with one line that names every fault."""
    host_writes = "AWS_LAMBDA_RUNTIME_API" in environ or environ.get("LOG_EXECUTION_ID", "") in _TRUE
    try:
        settings = parse_settings(environ)
    except SettingsError as error:
        log.configure("CRITICAL", host_writes_others=host_writes)
        _logger.critical(str(error), extra={"fields": {"code": error.code, "faults": error.faults}})
        sys.exit(1)
    log.configure(settings.log_level, host_writes_others=host_writes)
    for name in find_unknown(environ):
        _logger.warning("%s is not a setting and has no effect; check its spelling.", name)
    return settings


def wire(settings: Settings, *, now: Callable[[], float] = time.time) -> Job:
    """Put the parts together; nothing is opened or read yet. `now` is the wall clock, in seconds since the epoch."""
    transport = Transport(now=now)
    read_key = open_reader(settings.key_address, google_endpoint=settings.secret_manager_endpoint, environ=os.environ)
    tokens = TokenSource(
        issuer=settings.issuer,
        client_id=settings.client_id,
        read_key=read_key,
        read_key_past_cache=read_key.read_past_cache,
        transport=transport,
        now=now,
    )
    return Job(tokens, Api(transport, now=now))


SETTINGS = load_settings(os.environ)
JOB = wire(SETTINGS)


def _answer_for_the_host() -> None:
    """Answer in functions-framework's place where it would say too much.

    Of what it cannot read, its own page repeats the request's headers; what is raised to have an event delivered again, it
    would log once more, with a traceback. It imports this module within its application's context; anywhere else there is
    none, and nothing to do.
    """
    flask = sys.modules.get("flask")
    if flask is not None and flask.has_app_context():
        for unread in (400, 415, Exception):
            flask.current_app.register_error_handler(unread, _answer_unread)
        flask.current_app.register_error_handler(HelseidFnError, _refuse_event)


def _answer_unread(error: Exception) -> Any:
    """Answer to what was raised outside the entry points: for a body that it cannot read, the framework raises what it may."""
    if getattr(error, "code", 400) not in (400, 415):
        return error  # an answer of the framework's own, such as 405
    return _refuse_unread()


def _refuse_unread() -> HttpAnswer:
    invocation_id = str(uuid.uuid4())
    unread = BadInvocation(
        "body", "The request could not be read as what the function takes, such as a CloudEvent; see its README."
    )
    _log_failure(logging.ERROR, unread, {"invocation": invocation_id})
    return build_problem(unread, invocation_id)


def _refuse_event(error: HelseidFnError) -> HttpAnswer:
    """Answer with a status that is no acknowledgement; whoever delivers events reads no more of it."""
    return error.detail, error.http_status, {"Content-Type": "text/plain; charset=utf-8"}


_answer_for_the_host()


def run(request: flask.Request) -> HttpAnswer:
    """Do the job for one HTTP request: the README's contract of input, answers and problem details."""
    fields = read_log_fields(request.headers, SETTINGS.google_project)

    def parse() -> Invocation:
        return parse_http(request.method, request.query_string, _read_body(request), SETTINGS)

    return _perform(_call_api(parse), fields, SETTINGS.deadline_seconds).answer


def run_event(event: CloudEvent) -> None:
    """Do the job for one CloudEvent, such as a Pub/Sub message; serve it with `--signature-type=cloudevent`.

    A failure that may pass is raised, so that the platform delivers the event again; any other is logged and acknowledged, so
    that an event which can never succeed does not come for ever.
    """
    attributes, data = event.get_attributes(), event.data
    event_type = str(attributes.get("type"))
    work = _call_api(lambda: parse_cloud_event(event_type, data, SETTINGS))
    _raise_if_retryable(_perform(work, read_event_fields(attributes, data), SETTINGS.deadline_seconds))


def lambda_handler(event: Any, context: LambdaContext) -> Any:
    """Do the job for one invocation of AWS Lambda: direct, by EventBridge or its Scheduler, or over HTTP (payload 2.0).

    Over HTTP every outcome is an answer. Otherwise a success returns its report and a permanent failure its problem, as
    objects, and a failure that may pass is raised, so that Lambda tries again.
    """
    is_http = is_lambda_http(event)
    headers = event.get("headers") if is_http else None
    lower_cased = {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    fields = {**_read_lambda_fields(lower_cased, context), **read_eventbridge_fields(event)}
    parse = parse_lambda_http if is_http else parse_lambda_event
    work = _call_api(lambda: parse(event, SETTINGS))
    outcome = _perform(work, fields, _lambda_seconds(context))
    if is_http:
        body, status, answer_headers = outcome.answer
        return {"statusCode": status, "headers": answer_headers, "body": body, "isBase64Encoded": False}
    _raise_if_retryable(outcome)
    return read_as_object(outcome.answer)


def rotate(trigger: flask.Request | CloudEvent) -> HttpAnswer | None:
    """Replace the key in Google Secret Manager if it is due: for a POST, or for its notification SECRET_ROTATE.

    Served with either signature type. Of an event, a failure that may pass is raised, so that it is delivered again.
    """
    if not hasattr(trigger, "get_attributes"):
        fields = read_log_fields(trigger.headers, SETTINGS.google_project)
        return _perform(_rotate_on_google(trigger.method), fields, SETTINGS.deadline_seconds).answer
    attributes, data = trigger.get_attributes(), trigger.data
    if asks_for_rotation(str(attributes.get("type")), data):
        _raise_if_retryable(_perform(_rotate_on_google(), read_event_fields(attributes, data), SETTINGS.deadline_seconds))
    return None


def rotate_lambda(event: Any, context: LambdaContext) -> Any:
    """Do one step of a rotation by AWS Secrets Manager; whatever fails is raised, so that it repeats the rotation."""

    def work(deadline: Deadline, journal: Journal, fields: dict[str, Any]) -> tuple[str, HttpAnswer]:
        # Here and not above, like Google's: all else of the function need not pay for loading them at a cold start.
        from helseid_fn.rotation.aws import parse_rotation_step  # noqa: PLC0415
        from helseid_fn.rotation.wiring import find_rotated_secret, wire_aws_rotation  # noqa: PLC0415

        step = parse_rotation_step(event, find_rotated_secret(SETTINGS))
        fields["rotation_step"] = step.name
        outcome = wire_aws_rotation(SETTINGS, Transport(), time.time).run(step, deadline, journal)
        return _report_rotation(outcome, journal, fields)

    outcome = _perform(work, _read_lambda_fields({}, context), _lambda_seconds(context))
    if outcome.error is not None:
        raise outcome.error
    return read_as_object(outcome.answer)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the caller is told, and the error behind it when it failed."""

    answer: HttpAnswer
    error: HelseidFnError | None = None


Work = Callable[[Deadline, Journal, dict[str, Any]], tuple[str, HttpAnswer]]
"""What one invocation does; it adds to the fields of its log line, and returns that line's message and the answer."""


def _call_api(parse: Callable[[], Invocation]) -> Work:
    """Return the work of an ordinary invocation, which is parsed as a part of it."""

    def work(deadline: Deadline, journal: Journal, fields: dict[str, Any]) -> tuple[str, HttpAnswer]:
        invocation = parse()
        fields["organization"] = invocation.organization.numbers()
        report = JOB.run(invocation, deadline, journal)
        answer = build_report(report, invocation.organization, journal, time.time(), fields["invocation"])
        return f"The API answered {report.api_status}.", answer

    return work


def _rotate_on_google(method: str = "POST") -> Work:
    def work(deadline: Deadline, journal: Journal, fields: dict[str, Any]) -> tuple[str, HttpAnswer]:
        if method != "POST":
            raise BadInvocation("method", f"The rotating function takes POST, not {method:.20}.")
        from helseid_fn.rotation.wiring import wire_google_rotation  # noqa: PLC0415  # as in rotate_lambda

        outcome = wire_google_rotation(SETTINGS, Transport(), time.time).run(deadline, journal)
        return _report_rotation(outcome, journal, fields)

    return work


def _report_rotation(outcome: str, journal: Journal, fields: dict[str, Any]) -> tuple[str, HttpAnswer]:
    fields["rotation"] = outcome
    return f"The rotation of the key: {outcome}.", build_rotation_report(outcome, journal, fields["invocation"])


def _perform(work: Work, fields: dict[str, Any], deadline_seconds: float) -> _Outcome:
    """Do the work of one invocation of whatever trigger, and write its one log line."""
    invocation_id = str(uuid.uuid4())
    deadline = Deadline(deadline_seconds)
    journal = Journal()
    fields = {"invocation": invocation_id, **fields}
    try:
        message, answer = work(deadline, journal, fields)
    except HelseidFnError as error:
        _log_failure(logging.ERROR, error, fields | journal.summary())
        return _Outcome(build_problem(error, invocation_id), error.twin())
    except Exception:  # noqa: BLE001  # the one place that may
        # The last line of defence: one entry and one answer, neither with the exception's own text as it is.
        crash = Crashed()
        _log_failure(logging.CRITICAL, crash, fields | journal.summary(), exc_info=True)
        return _Outcome(build_problem(crash, invocation_id), crash)
    fields |= {"outcome": "ok", **journal.summary()}
    _logger.info(message, extra={"fields": fields})
    return _Outcome(answer)


def _raise_if_retryable(outcome: _Outcome) -> None:
    if outcome.error is not None and outcome.error.retryable:
        raise outcome.error


def _read_lambda_fields(headers: dict[str, str], context: LambdaContext) -> dict[str, Any]:
    # Lambda gives each invocation's trace anew, in the environment.
    headers.setdefault("x-amzn-trace-id", os.environ.get("_X_AMZN_TRACE_ID", ""))
    return {"request_id": context.aws_request_id, **read_log_fields(LowerCased(headers), SETTINGS.google_project)}


def _lambda_seconds(context: LambdaContext) -> float:
    """Return the time that an invocation has: what Lambda leaves it, less a moment to answer in, but no more than is set."""
    left_seconds = context.get_remaining_time_in_millis() / 1000 - LAMBDA_RESERVE_SECONDS
    return max(0.0, min(SETTINGS.deadline_seconds, left_seconds))


def _read_body(request: flask.Request) -> bytes:
    """Read the body, or one byte more than may be; a body that was cut short must not pass for a whole one."""
    most = MAX_BODY_BYTES + 1
    try:
        body: bytes | None = request.stream.read(most)
    except OSError:
        body = None
    if body is None or len(body) < min(request.content_length or 0, most):
        raise BadInvocation("body", "The body did not arrive whole; send it again.")
    return body


def _log_failure(level: int, error: HelseidFnError, fields: dict[str, Any], *, exc_info: bool = False) -> None:
    party = error.party.value if error.party else None
    failure = {"outcome": "failed", "code": error.code, "party": party, "retryable": error.retryable}
    _logger.log(level, "%s", error, exc_info=exc_info, extra={"fields": {**fields, **failure}})
