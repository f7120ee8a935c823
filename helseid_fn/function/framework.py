"""What functions-framework does around the entry points, mended: reading bodies, Pub/Sub's pushes, responses to failures."""

from __future__ import annotations

import io
import logging
import sys
import uuid
from typing import TYPE_CHECKING, Any

from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, InvalidInvocation
from helseid_fn.function.admission import check_origin
from helseid_fn.function.log import log_failure
from helseid_fn.function.pubsub import is_background_event, wrap_push
from helseid_fn.function.responses import HttpResponse, build_problem

if TYPE_CHECKING:
    import flask

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Pub/Sub's messages have at most 10 MB, before base64: https://cloud.google.com/pubsub/quotas."""

BODY_TIMEOUT_SECONDS = 5.0
"""How long a caller may be silent while it sends a body; it occupies one of the server's few threads."""

_logger = logging.getLogger(__name__)


def install_hooks() -> None:
    """Prepare requests before functions-framework reads them, and replace its error pages, which say too much.

    For a body that it cannot read, its own page repeats the request's headers; an error that is raised to have an event
    delivered again, it logs a second time, with a traceback. It imports the user's `main.py` within its application's context;
    anywhere else there is none, and nothing to do.
    """
    flask = sys.modules.get("flask")
    if flask is not None and flask.has_app_context():
        for unread in (400, 415, Exception):
            flask.current_app.register_error_handler(unread, _respond_to_unread)
        flask.current_app.register_error_handler(HelseidFnError, _respond_to_failed_event)
        flask.current_app.before_request(_prepare_request)


def _prepare_request() -> None:
    """Bound the time of reading the body, and make a CloudEvent of a Pub/Sub push where events are served."""
    flask = sys.modules["flask"]
    environ, request = flask.request.environ, flask.request
    connection = environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(BODY_TIMEOUT_SECONDS)
    if request.method != "POST" or "cloudevent" not in flask.current_app.view_functions:
        return
    check_origin(request.headers)
    if "ce-type" not in request.headers and "cloudevents" not in (request.content_type or ""):
        body = request.stream.read(MAX_EVENT_BYTES)
        body, headers = (body, {}) if is_background_event(body) else wrap_push(body, request.headers)
        environ.update({f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()})
        environ["CONTENT_TYPE"] = "application/json"
        _replace_body(request, body)


def _replace_body(request: flask.Request, body: bytes) -> None:
    """Put another body in place of the one that was read."""
    request.environ.update({"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    request.__dict__.pop("stream", None)  # werkzeug keeps the one that was read


def _respond_to_unread(error: Exception) -> Any:
    """Respond to what was raised outside the entry points: the framework raises anything for a body that it cannot read."""
    if getattr(error, "code", 400) not in (400, 415):
        return error  # the framework's own response, such as 405
    ctx = Context(0, invocation_id=str(uuid.uuid4()))
    invalid = InvalidInvocation(
        "body", "The request is not what the function takes, such as a CloudEvent. See docs/triggers.md."
    )
    log_failure(_logger, logging.ERROR, invalid, ctx)
    return build_problem(invalid, ctx.invocation_id)


def _respond_to_failed_event(error: HelseidFnError) -> HttpResponse:
    """Respond with a status that is no acknowledgement; the platform that delivers events reads nothing else."""
    return error.detail, error.http_status, {"Content-Type": "text/plain; charset=utf-8"}


def read_body(request: flask.Request, max_bytes: int) -> bytes | None:
    """Read the body, or one byte more than is allowed; None when it is truncated, so that it does not pass for complete."""
    limit = max_bytes + 1
    try:
        body: bytes = request.stream.read(limit)
    except OSError:
        _replace_body(request, b"")  # functions-framework reads it to its end after the response
        return None
    return None if len(body) < min(request.content_length or 0, limit) else body
