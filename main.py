"""The entry point and the wiring. Importing this parses the settings and reaches no network.

On Google Cloud the function is `run`, served over HTTP by functions-framework, which imports this module in one process and
serves from forks of it: connections, clients and threads are therefore made at the first invocation, not here.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from helseid_fn import log
from helseid_fn.answers import HttpAnswer, build_problem, build_report
from helseid_fn.api import Api
from helseid_fn.deadline import Deadline
from helseid_fn.errors import BadInvocation, Crashed, HelseidFnError, SettingsError
from helseid_fn.job import Job
from helseid_fn.journal import Journal
from helseid_fn.secret_store import open_reader
from helseid_fn.settings import Settings, find_unknown, parse_settings
from helseid_fn.tokens import TokenSource
from helseid_fn.transport import Transport
from helseid_fn.triggers import MAX_BODY_BYTES, parse_http, read_log_fields

if TYPE_CHECKING:
    import flask

_logger = logging.getLogger("helseid_fn")


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Parse the settings and start logging; a wrong deployment ends here, with one line that names every fault."""
    try:
        settings = parse_settings(environ)
    except SettingsError as error:
        log.configure("CRITICAL")
        _logger.critical(str(error), extra={"fields": {"code": error.code, "faults": error.faults}})
        sys.exit(1)
    log.configure(settings.log_level)
    for name in find_unknown(environ):
        _logger.warning("%s is not a setting and has no effect; check its spelling.", name)
    return settings


def wire(settings: Settings, *, now: Callable[[], float] = time.time) -> Job:
    """Put the parts together; nothing is opened or read yet. `now` is the wall clock, in seconds since the epoch."""
    transport = Transport(now=now)
    tokens = TokenSource(
        issuer=settings.issuer,
        client_id=settings.client_id,
        read_key=open_reader(settings.key_address, google_endpoint=settings.secret_manager_endpoint),
        transport=transport,
        now=now,
    )
    return Job(tokens, Api(transport, now=now))


SETTINGS = load_settings(os.environ)
JOB = wire(SETTINGS)


def run(request: flask.Request) -> HttpAnswer:
    """Do the job for one HTTP request: the README's contract of input, answers and problem details."""
    invocation_id = str(uuid.uuid4())
    deadline = Deadline(SETTINGS.deadline_seconds)
    journal = Journal()
    fields: dict[str, Any] = {"invocation": invocation_id, **read_log_fields(request.headers, SETTINGS.google_project)}
    try:
        invocation = parse_http(request.method, request.query_string, _read_body(request), SETTINGS)
        fields["organization"] = invocation.organization.numbers()
        report = JOB.run(invocation, deadline, journal)
        answer = build_report(report, invocation.organization, journal, time.time(), invocation_id)
    except HelseidFnError as error:
        _log_failure(logging.ERROR, error, fields | journal.summary())
        return build_problem(error, invocation_id)
    except Exception:  # noqa: BLE001  # the one place that may
        # The last line of defence: one entry and one answer, neither with the exception's own text as it is.
        crash = Crashed()
        _log_failure(logging.CRITICAL, crash, fields | journal.summary(), exc_info=True)
        return build_problem(crash, invocation_id)
    fields |= {"outcome": "ok", **journal.summary()}
    _logger.info("The API answered %d.", report.api_status, extra={"fields": fields})
    return answer


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
