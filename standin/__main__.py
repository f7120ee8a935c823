"""Runs the stand-in in a terminal, until Ctrl-C: `helseid-standin`, or `python -m standin`."""

import argparse
import contextlib
import datetime as dt
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TextIO

from standin import Client, Exchange, StandIn, public_jwk
from standin.arguments import parse_arguments
from standin.client_file import (
    ClientFileError,
    Identity,
    describe_client,
    make_identity,
    read_clients,
    read_identity,
    write_private,
)
from standin.clients import OTHER_SCOPES
from standin.environment import export_lines
from standin.events import event
from standin.http_server import PortInUseError
from standin.narration import narrate
from standin.tls import data_folder, load_authority

SECRET = "projects/stand-in/secrets/helseid-key"
PENDING_SECRET = f"{SECRET}-pending"
_NOTE = """\
# HelseID, Selvbetjening, the Sample API and a secret manager are running on this machine, until Ctrl-C.
# Watch it at {console_url}
# In another terminal, {next_step}
"""
_PARENTS = "# The client may act for the parents {parents} and any child. Any other is refused.\n"


class _Reporter:
    """Writes exchanges as text to stderr and as JSON lines to a file, one at a time."""

    def __init__(self, events: TextIO | None) -> None:
        self._events = events
        self._lock = threading.Lock()

    def report(self, exchange: Exchange) -> None:
        self.write(json.dumps(event(exchange), ensure_ascii=False), self._events)
        self.write(narrate(exchange), sys.stderr)

    def write(self, line: str, out: TextIO | None) -> None:
        if out is None:
            return
        with self._lock, contextlib.suppress(BrokenPipeError):
            print(line, file=out, flush=True)


def _client(identity: Identity, arguments: argparse.Namespace) -> Client:
    is_single_tenant = arguments.single_tenant or (arguments.export is not None and not arguments.multi_tenant)
    return Client(
        client_id=identity.client_id,
        jwks=[public_jwk(identity.jwk)],
        other_scopes=OTHER_SCOPES,
        tenancy="single-tenant" if is_single_tenant else "multi-tenant",
        other_parents=() if is_single_tenant else ("313745392",),
        children=("999977776", "999977775"),
        name="stand-in client",
    )


def _run(arguments: argparse.Namespace, events: TextIO | None) -> None:
    exported = None if arguments.export is None else read_identity(arguments.export)
    identity = exported or make_identity(arguments.alg)
    client = _client(identity, arguments)
    others = [] if arguments.client is None else read_clients(arguments.client)
    now = dt.datetime.now(dt.UTC)
    authority = load_authority(data_folder(os.environ), now) if arguments.tls else None
    standin = StandIn(
        [client, *others],
        issuer_path=arguments.issuer_path,
        secret_manager=True,
        tls=authority.server_context(now) if authority else None,
        api_nonce=arguments.api_nonce,
        key_lifetime_seconds=arguments.key_lifetime,
        key_activation_seconds=arguments.key_activation,
        control=arguments.control,
        console=True,
        port_base=arguments.port_base,
    )
    standin.api.settings.echo_everywhere = False
    standin.secret_manager.add(SECRET, json.dumps(identity.jwk))
    standin.secret_manager.create(PENDING_SECRET)
    reporter = _Reporter(events)
    standin.record.listeners.append(reporter.report)
    with standin:
        variables = standin.environment(f"{SECRET}/versions/latest", client.client_id, pending_key=PENDING_SECRET)
        variables |= authority.environment() if authority else {}
        lines = export_lines(variables)
        if arguments.export:
            write_private(arguments.export, describe_client(identity, standin.issuer, client))
        if arguments.env_file:
            write_private(arguments.env_file, lines)
        if arguments.key_file:
            write_private(arguments.key_file, json.dumps(identity.jwk))
        if arguments.json_events != "-":
            reporter.write(lines.rstrip(), sys.stdout)
        reporter.write(json.dumps({"kind": "ready", "environment": variables}), events)
        reporter.write(_describe(arguments, client, standin), sys.stderr)
        threading.Event().wait()


def _describe(arguments: argparse.Namespace, client: Client, standin: StandIn) -> str:
    script = Path(sys.executable).with_name("helseid-fn")
    command = "helseid-fn" if script.exists() else f"{os.path.relpath(sys.executable)} -m helseid_fn"
    if arguments.export:
        first = f"{command} import {arguments.export} --api-url {standin.api_url}"
        trust = "# Then: paste the line above that begins with export REQUESTS_CA_BUNDLE\n" if arguments.tls else ""
        next_step = f"in the same folder: {first}\n{trust}# Then: {command} call"
        note = _NOTE.format(console_url=standin.console_url, next_step=next_step)
    else:
        note = _NOTE.format(console_url=standin.console_url, next_step=f"paste the lines above, and then: {command} call")
    return note + (_PARENTS.format(parents=", ".join(client.parents)) if client.tenancy == "multi-tenant" else "")


def main() -> int:
    """Run until Ctrl-C or SIGTERM; return the exit status."""
    arguments = parse_arguments(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell makes its background programs ignore Ctrl-C
        signal.signal(number, signal.default_int_handler)
    target = arguments.json_events
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        try:
            file = stack.enter_context(Path(target).open("a", encoding="utf-8")) if target not in (None, "-") else None
            _run(arguments, sys.stdout if target == "-" else file)
        except PortInUseError as error:
            print(
                f"Port {error.port} is in use. Stop the program that uses it, or choose another --port-base.", file=sys.stderr
            )
            return 1
        except ClientFileError as error:
            print(error, file=sys.stderr)
            return 1
        except OSError as error:  # a file of the arguments, or a port that only root may use
            print(f"{error.filename or 'A port'} cannot be used ({error.strerror}). Choose another.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
