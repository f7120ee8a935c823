"""Runs the stand-in for people: `python -m standin`, until Ctrl-C."""

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
from standin.jose import ALGORITHMS
from standin.narration import narrate
from standin.selvbetjening import KEY_LIFETIME_SECONDS

SECRET = "projects/stand-in/secrets/helseid-key"
PENDING_SECRET = f"{SECRET}-pending"
_NOTE = """\
# HelseID, its Selvbetjening, the Sample API and a secret manager are listening on this machine. In another terminal,
# paste the lines above and run: .venv/bin/functions-framework --target=run --host=127.0.0.1
# Organizations that work: parents {parents}, any child. HelseID refuses any other parent (HID-1001).
"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m standin", description=__doc__)
    parser.add_argument("--alg", choices=ALGORITHMS, default="PS256", help="algorithm of the client's key")
    parser.add_argument("--env-file", type=Path, help="also write the environment here, for `. PATH`")
    parser.add_argument("--key-file", type=Path, help="also write the client's private key here, for another secret manager")
    parser.add_argument("--json-events", metavar="PATH", help="write each exchange as a JSON line; - is stdout")
    parser.add_argument("--port-base", type=int, help="take this port and the next three instead of free ones")
    parser.add_argument("--issuer-path", default="", help="give the issuer a path, as samsvarstesting does")
    parser.add_argument("--key-lifetime", type=float, default=KEY_LIFETIME_SECONDS, help="seconds a registered key counts for")
    parser.add_argument("--key-activation", type=float, default=2, help="seconds until a registered key counts")
    parser.add_argument("--api-nonce", action="store_true", help="let the API ask for a DPoP nonce")
    parser.add_argument("--control", action="store_true", help="listen to POST /__standin/<verb> on HelseID's port")
    return parser.parse_args()


def _client(jwk: dict[str, str]) -> Client:
    return Client(
        client_id=str(uuid.uuid4()),
        jwks=[public_jwk(jwk)],
        other_parents=("313745392",),
        children=("999977776", "999977775"),
        name="stand-in client",
    )


def _write_privately(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(text)


class _Console:
    """Tells exchanges to a person on stderr and to a program as JSON lines, one at a time."""

    def __init__(self, events: TextIO | None) -> None:
        self._events = events
        self._lock = threading.Lock()

    def tell(self, exchange: Exchange) -> None:
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
    standin.record.listeners.append(console.tell)
    with standin:
        variables = standin.environment(f"{SECRET}/versions/latest", pending_key=PENDING_SECRET)
        lines = export_lines(variables)
        if arguments.env_file:
            _write_privately(arguments.env_file, lines)
        if arguments.key_file:
            _write_privately(arguments.key_file, json.dumps(jwk))
        if arguments.json_events != "-":
            console.write(lines.rstrip(), sys.stdout)
        console.write(json.dumps({"kind": "ready", "environment": variables}), events)
        console.write(_NOTE.format(parents=", ".join(client.parents)), sys.stderr)
        threading.Event().wait()


def main() -> int:
    """Run until interrupted, then leave without a word."""
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts background programs with Ctrl-C ignored
        signal.signal(number, signal.default_int_handler)
    target = arguments.json_events
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        file = stack.enter_context(Path(target).open("a", encoding="utf-8")) if target not in (None, "-") else None
        _run(arguments, sys.stdout if target == "-" else file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
