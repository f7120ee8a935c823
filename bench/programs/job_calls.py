"""Makes batches of whole calls: for each line on standard input it does one batch, and prints its processor seconds.

A line is JSON: `calls`, spread over `threads` that begin together, for the organization `parent`; with `deliver`, responses are
delivered.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import main
from helseid_fn.context import Context
from helseid_fn.function.invocation import parse_http


def do_batch(calls: int, threads: int = 1, parent: str | None = None, *, deliver: bool = False) -> None:
    """Make the calls; the first failure ends the program."""
    members = {"organization": {"parent": parent}} if parent else {}
    body = json.dumps({**members, "deliver": True} if deliver else members).encode()
    invocation = parse_http("POST", b"", body, main.app.settings)
    begin = threading.Barrier(threads)
    done = []

    def work() -> None:
        begin.wait()
        for _ in range(calls // threads):
            main.app.runner.run(invocation, Context(25, invocation_id="benchmark"))
            done.append(1)

    if threads == 1:
        work()
    else:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    if len(done) != calls:
        sys.exit(f"only {len(done)} of {calls} calls succeeded")


for line in sys.stdin:
    begun_at = time.process_time()
    do_batch(**json.loads(line))
    print(time.process_time() - begun_at, flush=True)
