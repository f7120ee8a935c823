"""Runs the job for one invocation: opens what it is given, and builds the response from what it returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from helseid_fn.api.client import ApiClient
from helseid_fn.api.protected_api import ProtectedApi
from helseid_fn.api.response import ApiResponse
from helseid_fn.context import Context
from helseid_fn.function.default_job import call_api
from helseid_fn.function.invocation import Invocation
from helseid_fn.function.job import Job
from helseid_fn.function.pass_through import build_pass_through
from helseid_fn.function.responses import (
    UNLIMITED,
    Host,
    HttpResponse,
    build_report,
    check_outcome,
    check_size,
    describe_outcome,
)
from helseid_fn.function.started import read_started
from helseid_fn.settings import Settings

if TYPE_CHECKING:
    from helseid_fn.delivery.cursor import Cursor
    from helseid_fn.delivery.result import Destination

JobFunction = Callable[[Job], object]

Work = Callable[[Context], tuple[str, HttpResponse]]
"""What one invocation does; it returns the message of its log line, and the response."""


class Places:
    """Where results go and cursors are kept; none is reached before use, nor imported without one."""

    def __init__(self, settings: Settings, *, environ: Mapping[str, str], sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the environment, where the clouds' emulators are named."""
        self._settings = settings
        self.results: Destination | None = None
        if settings.result_to is None and settings.cursor_in is None:
            return
        from helseid_fn.delivery.wiring import open_cursor_stores, open_destination  # noqa: PLC0415  # most deliver nothing

        if settings.result_to is not None:
            self.results = open_destination(settings.result_to, environ=environ, sleep=sleep)
        if settings.cursor_in is not None:
            self._open_store = open_cursor_stores(settings.cursor_in.place, environ=environ, sleep=sleep)

    def open_cursor(self, invocation: Invocation, ctx: Context, now: Callable[[], float]) -> Cursor | None:
        """Return the cursor, another one for each organization that an invocation names; None where no place is set."""
        address = self._settings.cursor_in
        if address is None:
            return None
        from helseid_fn.delivery.cursor import Cursor  # noqa: PLC0415

        if invocation.organization != self._settings.organization:
            address = address.for_organization(invocation.organization)
        return Cursor(self._open_store(address.name), str(address), ctx, now=now)


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Runs one job, the default one or the user's own; `now` is wall-clock seconds."""

    settings: Settings
    client: ApiClient
    places: Places
    now: Callable[[], float]
    job: JobFunction = call_api
    is_pass_through: bool = False

    def prepare(
        self,
        parse: Callable[[], Invocation],
        host: Host = UNLIMITED,
        *,
        passes_through: bool = False,
        traceparent: str = "",
    ) -> Work:
        """Return the work of an invocation, which is parsed as a part of it; the host must carry the response.

        With `passes_through`, the response that the job returns goes back as it came.
        """

        def work(ctx: Context) -> tuple[str, HttpResponse]:
            ctx.traceparent = traceparent
            outcome, invocation = self.run(parse(), ctx)
            if passes_through and isinstance(outcome, ApiResponse):
                response = build_pass_through(outcome, ctx.sent_secrets)
            else:
                response = build_report(outcome, invocation.organization, ctx, self.now())
            check_size(response, host)
            return describe_outcome(outcome, ctx), response

        return work

    def run(self, invocation: Invocation, ctx: Context) -> tuple[object, Invocation]:
        """Run the job, and return what it returned and the invocation with what started it. Raises what the job raises."""
        invocation = replace(invocation, started=read_started(ctx.facts, ctx.invocation_id))
        ctx.note(organization=invocation.organization.numbers())
        cursor = self.places.open_cursor(invocation, ctx, self.now)
        job = Job(invocation, ctx, self._open_api(invocation, ctx), self.places.results, cursor, now=self.now)
        ctx.runs_own_job = self.job is not call_api
        outcome = check_outcome(self.job(job))
        ctx.runs_own_job = False
        return outcome, invocation

    def _open_api(self, invocation: Invocation, ctx: Context) -> ProtectedApi:
        return ProtectedApi(
            self.client,
            self.settings.api_url,
            invocation.organization,
            invocation.scopes,
            max_body_bytes=self.settings.api_max_bytes,
            begin=lambda: ctx,
        )
