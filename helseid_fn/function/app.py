"""The function: its settings, its parts, and the one runner of an invocation, whichever host it came from."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from helseid_fn.api.call_headers import CallHeaders
from helseid_fn.api.client import ApiClient
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError, InternalError
from helseid_fn.function import log
from helseid_fn.function.deployment import start
from helseid_fn.function.invocation import Invocation
from helseid_fn.function.job_failed import JobFailed
from helseid_fn.function.responses import (
    HttpResponse,
    Outcome,
    build_problem,
    build_rotation_report,
)
from helseid_fn.function.runner import JobFunction, JobRunner, Places, Work
from helseid_fn.http.exchange import Observe, ignore
from helseid_fn.http.transport import CONNECT_TIMEOUT_SECONDS, Transport
from helseid_fn.oauth.token_source import TokenSource
from helseid_fn.secret_store.reader import open_reader
from helseid_fn.settings import Settings

if TYPE_CHECKING:
    import flask
    from cloudevents.http import CloudEvent

    from helseid_fn.function.aws import LambdaContext

_logger = logging.getLogger(__name__)


class App:
    """The function as its hosts call it; one instance serves every invocation of a process.

    No connection is opened and no key is read before the first invocation, so a host may import it in one process and fork
    others from it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        observe: Observe = ignore,
    ) -> None:
        """Wire the parts; `now` is the wall clock in seconds since the epoch, `sleep` waits before retries."""
        self.settings = settings
        self.environ = environ
        self.now = now
        self.sleep = sleep
        self.transport = Transport(
            now=now,
            sleep=sleep,
            connect_timeout_seconds=connect_timeout_seconds,
            api_max_bytes=settings.api_max_bytes,
            observe=observe,
        )
        key = open_reader(settings.key_address, google_endpoint=settings.secret_manager_endpoint, environ=environ, sleep=sleep)
        tokens = TokenSource(
            issuer=settings.issuer,
            client_id=settings.client_id,
            key=key,
            transport=self.transport,
            token_endpoint_host=settings.token_endpoint_host,
            now=now,
        )
        headers = CallHeaders(settings.api_headers, settings.api_correlation_header)
        self.api = ApiClient(tokens, self.transport, now=now, headers=headers)
        self.runner = JobRunner(settings, self.api, Places(settings, environ=environ, sleep=sleep), now=now)

    def job(self, work: JobFunction) -> JobFunction:
        """Take a function as the job, instead of the one call to the API; `@app.job` above its definition.

        What it returns goes to the caller as `result`, and into the log if it is short: nothing, an `ApiResponse`, or what JSON
        can be. One of our errors decides itself whether the platform tries again; after any other, it does.
        """
        self.runner = replace(self.runner, job=work)
        return work

    def pass_through(self, work: JobFunction) -> JobFunction:
        """Take a function as the job that over HTTP gets any path and method, and whose response goes back as it came."""
        self.runner = replace(self.runner, job=work, is_pass_through=True)
        return work

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **options: Any) -> App:
        """Parse the settings and start logging; a wrong deployment ends the process, with one line that names every fault."""
        return cls(start(environ), environ=environ, **options)

    # Each entry point is a function, since functions-framework refuses methods. Each imports its host's adapter, which `start`
    # has loaded on that host.

    @property
    def http(self) -> Callable[[flask.Request], HttpResponse]:
        """Handles an HTTP request on Google Cloud; `docs/http-contract.md` says what it takes and returns."""

        def run(request: flask.Request) -> HttpResponse:
            from helseid_fn.function import google  # noqa: PLC0415

            return google.handle_http(self, request)

        return run

    @property
    def cloud_event(self) -> Callable[[CloudEvent], None]:
        """Handles a CloudEvent on Google Cloud, such as a Pub/Sub message."""

        def run_event(event: CloudEvent) -> None:
            from helseid_fn.function import google  # noqa: PLC0415

            google.handle_event(self, event)

        return run_event

    @property
    def lambda_handler(self) -> Callable[[Any, LambdaContext], Any]:
        """Handles an invocation of AWS Lambda: direct, an event of its services, or over HTTP."""

        def handle(event: Any, context: LambdaContext) -> Any:
            from helseid_fn.function import aws  # noqa: PLC0415

            return aws.handle(self, event, context)

        return handle

    @property
    def rotate(self) -> Callable[[flask.Request | CloudEvent], HttpResponse | None]:
        """Replaces the key in Google Secret Manager if it is due."""

        def rotate(trigger: flask.Request | CloudEvent) -> HttpResponse | None:
            from helseid_fn.function import google  # noqa: PLC0415

            return google.rotate(self, trigger)

        return rotate

    @property
    def rotate_lambda(self) -> Callable[[Any, LambdaContext], Any]:
        """Does one step of a rotation by AWS Secrets Manager."""

        def rotate_lambda(event: Any, context: LambdaContext) -> Any:
            from helseid_fn.function import aws  # noqa: PLC0415

            return aws.rotate(self, event, context)

        return rotate_lambda

    def run_once(self, invocation: Invocation, ctx: Context) -> object:
        """Run the job for a terminal. Raises our errors, or `JobFailed` with any other exception as its cause."""
        try:
            return self.runner.run(invocation, ctx)[0]
        except HelseidFnError:
            raise
        except Exception as error:
            raise JobFailed(type(error).__name__) from error

    def rotate_key(self, run: Callable[[Context], str]) -> Work:
        """Return the work of a rotation, whose `run` returns what it did."""

        def work(ctx: Context) -> tuple[str, HttpResponse]:
            outcome = run(ctx)
            ctx.note(rotation=outcome)
            return f"Key rotation: {outcome}.", build_rotation_report(outcome, ctx)

        return work

    def perform(self, work: Work, facts: Mapping[str, Any], deadline_seconds: float) -> Outcome:
        """Do the work of one invocation, and write its one log line, to which `facts` are added."""
        ctx = Context(deadline_seconds, invocation_id=str(uuid.uuid4()), facts=facts)
        try:
            message, response = work(ctx)
        except HelseidFnError as error:
            log.log_failure(_logger, logging.WARNING if error.reason == "overtaken" else logging.ERROR, error, ctx)
            return Outcome(build_problem(error, ctx.invocation_id), error.without_traceback())
        except Exception as error:  # noqa: BLE001  # the one place that may
            # The last line of defence: one log line and one response, neither with the exception's own text as it is.
            is_ours = not ctx.runs_own_job
            defect = InternalError() if is_ours else JobFailed(type(error).__name__)
            log.log_failure(_logger, logging.CRITICAL if is_ours else logging.ERROR, defect, ctx, exc_info=error)
            return Outcome(build_problem(defect, ctx.invocation_id), defect)
        _logger.info(message, extra={"fields": {**ctx.log_fields(), "outcome": "ok"}})
        return Outcome(response)
