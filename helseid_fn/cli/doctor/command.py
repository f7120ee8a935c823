"""The command `helseid-fn doctor`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from helseid_fn.cli.doctor.examination import examine
from helseid_fn.cli.doctor.finding import State
from helseid_fn.cli.doctor.report import build_bundle, build_report, describe, describe_cause
from helseid_fn.cli.environment import describe_absence
from helseid_fn.cli.standard_output import write_line
from helseid_fn.function import log
from helseid_fn.secret_store.key_file import replace_key_file


@click.command("doctor")
@click.option("--no-api", is_flag=True, help="Leave the API out; otherwise it is asked for API_URL with GET.")
@click.option("--json", "as_json", is_flag=True, help="Print a report for programs.")
@click.option(
    "--bundle", type=click.Path(path_type=Path), metavar="FILE", help="Also write a report that can be sent to support."
)
@click.pass_context
def command(ctx: click.Context, *, no_api: bool, as_json: bool, bundle: Path | None) -> None:
    """Check everything between here and the API, and name the cause of what is wrong.

    The settings, the key, proxy, DNS, TCP and TLS for each host, the clock, HelseID's metadata, the token, the organization,
    what Selvbetjening says, and the API. Nothing is changed anywhere, and no secret is shown. The exit code is 1 if a check
    failed.
    """
    environ: Mapping[str, str] = ctx.obj
    log.configure("ERROR", as_text=True, stream="stderr")
    if not as_json:
        click.echo("Checking the settings, the key, the network, HelseID and the API ...", err=True)
    findings = list(examine(environ, calls_api=not no_api))
    if as_json:
        shown = json.dumps(build_report(findings), indent=2, ensure_ascii=False)
    else:
        are_settings_wrong = any((each.check, each.state) == ("settings", State.FAILED) for each in findings)
        absence = describe_absence(ctx.find_root().params["env_file"]) if are_settings_wrong else None
        cause = [describe_cause(findings), *([absence] if absence else [])]
        shown = "\n".join([*cause, "", *map(describe, findings)])
    reason = write_line(shown)
    if reason is not None:
        raise click.ClickException(f"The checks were made, but standard output failed ({reason}).")
    if bundle is not None:
        try:
            replace_key_file(bundle, json.dumps(build_bundle(findings, environ), indent=2) + "\n")
        except OSError as error:
            raise click.ClickException(f"{bundle} could not be written ({error.strerror}). Name another file.") from None
    ctx.exit(1 if any(each.state is State.FAILED for each in findings) else 0)
