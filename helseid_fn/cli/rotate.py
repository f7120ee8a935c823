"""`helseid-fn rotate`: replace the client's key from a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from helseid_fn.cli.env_file import ignore_in_git
from helseid_fn.cli.terminal_settings import read_settings
from helseid_fn.context import Context
from helseid_fn.function import log
from helseid_fn.http.transport import Transport
from helseid_fn.rotation.file import pending_path
from helseid_fn.rotation.wiring import wire_file_rotation, wire_google_rotation

_DEADLINE_SECONDS = 120.0


@click.command("rotate")
@click.option("--now", "at_once", is_flag=True, help="Replace the key even if it is not due.")
@click.pass_obj
def command(environ: Mapping[str, str], *, at_once: bool) -> None:
    """Replace the client's key if it is due: make one, register it in Selvbetjening, try it, and put it in the old one's place.

    The key is a file, or a secret of Google Secret Manager; AWS Secrets Manager rotates its own. The client needs the scope
    nhn:selvbetjening/client. A run that was stopped is continued by the next.
    """
    settings = read_settings(environ)
    if settings.key_address.startswith("arn:"):
        secret = settings.key_address
        raise click.ClickException(f"AWS starts this rotation. Run: aws secretsmanager rotate-secret --secret-id {secret}")
    log.configure("WARNING", as_text=True, stream="stderr")
    if at_once:
        settings = replace(settings, rotation=settings.rotation._replace(due_fraction=0.0))
    is_file = settings.key_address.startswith("file:")
    if is_file:
        ignore_in_git([pending_path(Path(settings.key_address.removeprefix("file:")))])
    ctx = Context(_DEADLINE_SECONDS)
    outcome = (wire_file_rotation if is_file else wire_google_rotation)(settings, Transport()).run(ctx)
    what = "The key was replaced" if outcome == "rotated" else "The key is not due; replace it with --now"
    click.echo(f"{what}. In use: kid {ctx.facts['kid']}, which expires {ctx.facts.get('key_expires', 'at an unknown time')}.")
