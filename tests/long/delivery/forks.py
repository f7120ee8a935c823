"""Runs the function in processes that can be killed: `python -m tests.long.delivery.forks`.

Reads an order from each line, forks, and prints how the child ended. The child makes the function, runs it once and ends; if
the order says so, SIGKILL ends it within a step. Forking from a process that has imported the SDKs saves each child two
seconds. It changes nothing for the child: the parent has one thread, no client, no connection and no token, which is checked
before each fork; OpenSSL and Python draw other random numbers in a child; and a platform may fork its instances, too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import botocore.session
import werkzeug.test  # noqa: F401  # loaded here, as what follows, so that no child needs to load it

import helseid_fn.delivery.aws.cursor
import helseid_fn.delivery.aws.s3
import helseid_fn.delivery.google.cursor
import helseid_fn.delivery.google.storage
import helseid_fn.function.app
import helseid_fn.secret_store.file  # noqa: F401
from standin.aws.quick_clients import share_models


class Forks:
    """Forks one child at a time."""

    def __init__(self) -> None:
        self._usual_seconds: dict[str, float] = {}
        """How long each step took when it was last not interrupted."""

    def run(self, order: dict[str, Any]) -> int:
        """Run the function to its end, or kill it within a step; return its exit status, negative for a signal."""
        if threading.active_count() > 1 or len(find_threads()) > 1:
            raise RuntimeError("a process with threads must not fork")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _carry_out(order, writer)
        os.close(writer)
        began: dict[str, float] = {}
        with os.fdopen(reader) as steps:
            for line in steps:
                step = line.strip()
                if step == order.get("kill"):
                    time.sleep(order["share"] * self._usual_seconds.get(step, 0.01))
                    os.kill(child, signal.SIGKILL)
                    break
                began[step] = time.monotonic()
        if "end" in began:
            names = [name for name in began if name != "end"]
            ends = [began[name] for name in [*names[1:], "end"]]
            self._usual_seconds |= {name: end - began[name] for name, end in zip(names, ends, strict=True)}
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _carry_out(order: dict[str, Any], writer: int) -> NoReturn:
    status = 2
    try:
        with Path(order["output"]).open("a") as output:
            for number in (1, 2):
                os.dup2(output.fileno(), number)
        os.environ.clear()
        os.environ.update(order["environment"])
        from tests.long.delivery import feed  # noqa: PLC0415  # it parses the settings

        doomed = False

        def begin_step(step: str) -> None:
            nonlocal doomed
            while doomed:
                signal.pause()  # the kill belongs into the step that would now be over
            pages[step] = pages.get(step, 0) + 1
            doomed = step == order.get("kill") and pages[step] == order["page"]
            is_early = step == order.get("kill") and not doomed
            if not is_early:
                os.write(writer, f"{step}\n".encode())

        pages: dict[str, int] = {}
        feed.begin_step = begin_step
        status = 0 if feed.run(order["cloud"], order["input"]) == "ok" else 1
        begin_step("end")
    finally:
        sys.stdout.flush()
        os._exit(status)


def find_threads() -> list[str]:
    """Return the threads of this process, those that Python did not start too, where the system lists them."""
    tasks = Path("/proc/self/task")
    return [task.name for task in tasks.iterdir()] if tasks.exists() else []


def load_models() -> None:
    """Read what boto3 needs to make a client, and make none."""
    share_models()
    session = botocore.session.get_session()
    session.get_service_model("s3")
    loader = session.get_component("data_loader")
    loader.load_service_model("s3", "endpoint-rule-set-1")
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data(name)


def main() -> None:
    """Carry out orders until there are none left."""
    load_models()
    forks = Forks()
    for line in sys.stdin:
        print(forks.run(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
