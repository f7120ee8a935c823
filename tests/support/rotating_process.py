"""Runs rotations for tests that kill them, each in a process of its own: `python -m tests.support.rotating_process`.

Reads an order from each line, forks, and prints the child's id and then its exit status. The child imports `main` in the
order's environment and does what its host would make it do; its output goes into a file. Forking from a process that has
loaded the libraries, and opened nothing, saves each child a second.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

# Loaded here, so that no child needs to load them.
import helseid_fn.rotation.wiring
import helseid_fn.secret_store.aws.secret
import helseid_fn.secret_store.google.secret  # noqa: F401
from standin.aws.quick_clients import share_models

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Context:
    """What Lambda passes with each invocation."""

    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        """Return more time than any rotation takes."""
        return 60_000


def rotate(order: dict[str, Any]) -> bool:
    """Carry out an order in this process, and return whether it succeeded."""
    os.environ.clear()
    os.environ.update(order["environment"])
    import main  # noqa: PLC0415  # it parses the settings

    event = order.get("event")
    if event is None:
        return main.rotate(Request(EnvironBuilder(method="POST").get_environ()))[1] == 200
    for step in STEPS:
        main.rotate_lambda({**event, "Step": step}, Context())
    return True


def carry_out(order: dict[str, Any]) -> None:
    """Carry out an order and end this process; it never returns."""
    status = 2
    try:
        with Path(order["output"]).open("a") as output:
            for number in (1, 2):
                os.dup2(output.fileno(), number)
        status = 0 if rotate(order) else 1
    finally:
        sys.stdout.flush()
        os._exit(status)


def main() -> None:
    """Carry out orders until there are none left."""
    share_models()
    boto3.session.Session("made-up", "made-up").client("secretsmanager", region_name="eu-north-1").close()
    for line in sys.stdin:
        order = json.loads(line)
        gate, opener = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(gate, 1)
            carry_out(order)
        print(child, flush=True)
        sys.stdin.readline()  # the watching process has the child's id by now
        os.write(opener, b".")
        os.close(gate)
        os.close(opener)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
