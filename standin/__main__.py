"""Runs the stand-in in a terminal, until Ctrl-C: `python -m standin`."""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import uuid
from pathlib import Path
from typing import TextIO

from standin import Client, Exchange, StandIn, make_jwk, public_jwk
from standin.environment import export_lines
from standin.events import event
from standin.http_server import PortInUseError
from standin.jose import ALGORITHMS
from standin.narration import narrate
from standin.selvbetjening import KEY_LIFETIME_SECONDS

SECRET = "projects/stand-in/secrets/helseid-key"
PENDING_SECRET = f"{SECRET}-pending"
_MAX_PORT_BASE = 65535 - 3
_NOTE = """\
# HelseID, Selvbetjening, the Sample API and a secret manager are running on this machine. In another terminal, paste the
# lines above and run: .venv/bin/functions-framework --target=run --host=127.0.0.1
# The client may act for the parents {parents} and any child. Any other is refused.
"""


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m standin", description=__doc__)
    parser.add_argument("--alg", choices=ALGORITHMS, default="PS256", help="the algorithm of the client's key")
    parser.add_argument("--env-file", type=Path, help="also write the environment to this file, for `. PATH`")
    parser.add_argument("--key-file", type=Path, help="also write the client's private key to this file")
    parser.add_argument("--json-events", metavar="PATH", help="write each exchange as a JSON line to this file; - is stdout")
    parser.add_argument("--port-base", type=_port_base, help="use this port and the next three instead of free ones")
    parser.add_argument("--issuer-path", default="", help="give the issuer a path, as HelseID's conformance tests do")
    parser.add_argument(
        "--key-lifetime", type=float, default=KEY_LIFETIME_SECONDS, help="seconds until a registered key expires"
    )
    parser.add_argument("--key-activation", type=float, default=2, help="seconds until a registered key is active")
    parser.add_argument("--api-nonce", action="store_true", help="make the API require a DPoP nonce")
    parser.add_argument("--control", action="store_true", help="serve the control channel at /__standin/ on HelseID's port")
    return parser.parse_args()


def _port_base(text: str) -> int:
    port = int(text)
    if not 0 < port <= _MAX_PORT_BASE:
        raise argparse.ArgumentTypeError(f"{port} is not between 1 and {_MAX_PORT_BASE}")
    return port


def _client(jwk: dict[str, str]) -> Client:
    return Client(
        client_id=str(uuid.uuid4()),
        jwks=[public_jwk(jwk)],
        other_parents=("313745392",),
        children=("999977776", "999977775"),
        name="stand-in client",
    )


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(text)


class _Console:
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


def _run(arguments: argparse.Namespace, events: TextIO | None) -> None:
    jwk = make_jwk(arguments.alg, bits=3072, fresh=True)
    client = _client(jwk)
    standin = StandIn(
        [client],
        issuer_path=arguments.issuer_path,
        secret_manager=True,
        api_nonce=arguments.api_nonce,
        key_lifetime_seconds=arguments.key_lifetime,
        key_activation_seconds=arguments.key_activation,
        control=arguments.control,
        port_base=arguments.port_base,
    )
    standin.secret_manager.add(SECRET, json.dumps(jwk))
    standin.secret_manager.create(PENDING_SECRET)
    console = _Console(events)
    standin.record.listeners.append(console.report)
    with standin:
        variables = standin.environment(f"{SECRET}/versions/latest", pending_key=PENDING_SECRET)
        lines = export_lines(variables)
        if arguments.env_file:
            _write_private(arguments.env_file, lines)
        if arguments.key_file:
            _write_private(arguments.key_file, json.dumps(jwk))
        if arguments.json_events != "-":
            console.write(lines.rstrip(), sys.stdout)
        console.write(json.dumps({"kind": "ready", "environment": variables}), events)
        console.write(_NOTE.format(parents=", ".join(client.parents)), sys.stderr)
        threading.Event().wait()


def main() -> int:
    """Run until Ctrl-C or SIGTERM; return the exit status."""
    arguments = _parse_arguments()
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
        except OSError as error:  # a file of the arguments, or a port that only root may use
            print(f"{error.filename or 'A port'} cannot be used ({error.strerror}). Choose another.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
