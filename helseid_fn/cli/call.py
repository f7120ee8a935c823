"""`helseid-fn call`: the job once from a terminal."""

from __future__ import annotations

import base64
import json
import sys
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from helseid_fn.api.response import ApiResponse
from helseid_fn.cli.call_request import parse_call
from helseid_fn.cli.exit_codes import exit_code_of
from helseid_fn.cli.explain import explain
from helseid_fn.cli.own_job import load_job
from helseid_fn.cli.standard_output import escape_controls, write_bytes, write_line
from helseid_fn.cli.terminal_settings import read_settings
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidInvocation, Refused
from helseid_fn.function import log
from helseid_fn.function.app import App
from helseid_fn.function.default_job import call_api
from helseid_fn.function.invocation import Invocation
from helseid_fn.function.job_failed import JobFailed
from helseid_fn.function.responses import build_problem, build_report
from helseid_fn.http.exchange import ignore
from helseid_fn.oauth.organization import describe

_NAMES = {"secret_store": "key", "helseid": "HelseID", "api": "API"}


@click.command("call")
@click.option("--parent", metavar="NUMBER", help="The parent organization to act for.")
@click.option("--child", metavar="NUMBER", help="The child organization to act for.")
@click.option("--sfm-journal-id", metavar="UUID", help="The SFM journal to act for.")
@click.option("--scope", metavar="SCOPES", help="Scopes to request instead of HELSEID_SCOPE.")
@click.option("--method", metavar="METHOD", help="GET, or POST with --json, unless it is given.")
@click.option("--path", metavar="PATH", help="A path below API_URL, unencoded.")
@click.option("--query", "queries", metavar="NAME=VALUE", multiple=True, help="A parameter of the query; may be repeated.")
@click.option("--header", "headers", metavar="NAME:VALUE", multiple=True, help="A header; may be repeated.")
@click.option("--json", "body", metavar="JSON", help="The body: JSON, @FILE, or @- for standard input.")
@click.option("--content", metavar="@FILE", help="The body as it is: @FILE, or @-; its type in --header content-type:...")
@click.option("--input", "job_input", metavar="JSON", help="The input of your own job: JSON, @FILE, or @-.")
@click.option("--repeat", default=1, metavar="N", type=click.IntRange(1, 1000), help="Call N times; the token is cached.")
@click.option("--explain", "explained", is_flag=True, help="Show each exchange, with decoded claims.")
@click.option(
    "--output",
    type=click.Choice(["body", "json"]),
    default="body",
    show_default=True,
    help="What goes to standard output: the API's body, or the report that a caller of the function gets.",
)
@click.pass_context
def command(ctx: click.Context, /, *, repeat: int, explained: bool, output: str, **options: Any) -> None:
    """Sign in, call the API once, and print its response.

    It does what the function does for one invocation, with the settings of .env and the environment, but may name any
    organization, method and header. Naming one of --parent, --child and --sfm-journal-id replaces the configured
    organization. The API's body goes to standard output, and what happened to standard error. Where the folder has a main.py
    with a job of your own, that job runs, and what it returns is printed.
    """
    environ: Mapping[str, str] = ctx.obj
    settings = read_settings(environ)
    job = load_job(Path("main.py"), environ)
    log.configure("WARNING", as_text=True, stream="stderr")
    invocation = parse_call(settings, **options)
    app = App(settings, environ=environ, observe=explain if explained else ignore)
    app.job(job)
    if job is not call_api:
        _note("job", f"{getattr(job, '__name__', 'a job')} of main.py")
    caller = Caller(app, invocation, output)
    ctx.exit(next((code for code in (caller.call() for _ in range(repeat)) if code), 0))


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes the same call once or more and prints what came of it."""

    app: App
    invocation: Invocation
    output: str

    def call(self) -> int:
        """Make the call, and return the exit code."""
        invocation, settings = self.invocation, self.app.settings
        ctx = Context(settings.deadline_seconds, invocation_id=str(uuid.uuid4()), facts={"trigger": "terminal"})
        try:
            outcome = self.app.run_once(invocation, ctx)
            report = json.loads(build_report(outcome, invocation.organization, ctx, self.app.now())[0])
        except HelseidFnError as error:
            if isinstance(error, JobFailed):
                traceback.print_exception(error.__cause__)  # in a terminal all of it, since nobody else reads it
            said = error.api_response or {}
            click.echo(f"Error: {escape_controls(_explain(error))}", err=True)
            if "error_description" in said:
                _note("API says", said["error_description"])
            _note("code", error.code if _is_beyond_doctor(error) else f"{error.code}; helseid-fn doctor looks for the cause")
            if isinstance(error, Refused) and error.party is Party.HELSEID and "assertion_jti" in ctx.facts:
                _note("for support", f"kid {ctx.facts.get('kid')}, jti {ctx.facts['assertion_jti']}")
            _note("time", _describe_time(ctx))
            self._print(json.loads(build_problem(error, ctx.invocation_id)[0]), said.get("body"))
            return exit_code_of(error)
        api = report.get("api", {})
        if "content" in api and self.output == "body":
            content_type = api.get("headers", {}).get("content-type", "an unknown type")
            self._print_bytes(base64.b64decode(api["content"]), content_type)
        else:
            self._print(report, api.get("body", report.get("result")))
        if ctx.token_scopes:
            state = "new" if ctx.requests[Party.HELSEID] > 0 else "cached"
            left_seconds = max(0, round(ctx.token_expires_at - self.app.now()))
            whom = describe(invocation.organization).strip(":")
            whose = f" for {whom}" if whom else ""
            _note("token", f"{state}, {left_seconds} s left{whose}: {' '.join(sorted(ctx.token_scopes))}")
        if isinstance(outcome, ApiResponse) and invocation.request is not None:
            _note("API", f"{invocation.request.method} {invocation.request.url} {outcome.status}")
        if "delivered" in ctx.facts:
            _note("delivered", "{results} ({bytes} bytes), the last to {last}".format_map(ctx.facts["delivered"]))
        _note("time", _describe_time(ctx))
        return 0

    def _print(self, report: dict[str, Any], body: Any) -> None:
        if self.output == "json":
            reason = write_line(json.dumps(report))
        elif body in (None, ""):
            return
        else:
            reason = write_line(body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False))
        if reason is not None:
            raise click.ClickException(_output_failed(reason))

    def _print_bytes(self, content: bytes, content_type: str) -> None:
        """Write a body that is no text, but not to a terminal."""
        if sys.stdout is not None and sys.stdout.isatty():
            _note("body", f"{len(content)} bytes of {escape_controls(content_type)}; redirect standard output to a file")
            return
        reason = write_bytes(content)
        if reason is not None:
            raise click.ClickException(_output_failed(reason))


def _explain(error: HelseidFnError) -> str:
    if isinstance(error, JobFailed):
        return f"The job raised {type(error.__cause__).__name__}. Correct it where the traceback above ends."
    return error.caller_detail


def _is_beyond_doctor(error: HelseidFnError) -> bool:
    """Return whether the cause is in the job, the invocation or the place of results, which the doctor does not check."""
    return isinstance(error, JobFailed | InvalidInvocation) or error.party is Party.DELIVERY


def _output_failed(reason: str) -> str:
    return f"The API was called, but standard output failed ({reason})."


def _describe_time(ctx: Context) -> str:
    fields = ctx.log_fields()
    counts = fields["requests"]
    waited = (f"{_NAMES.get(name, name)} {ms} ms in {counts[name]}" for name, ms in fields["durations_ms"].items())
    return f"{fields['duration_ms']} ms; requests: {', '.join(waited) or 'none'}"


def _note(name: str, text: str) -> None:
    click.echo(f"{name:<12}{escape_controls(text)}", err=True)
