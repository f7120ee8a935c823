"""A process that can be killed at any of its requests: before the request is processed, or before the response leaves."""

from __future__ import annotations

import io
import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from demo.processes import bare_environment
from standin import StandIn
from standin.aws.secrets_manager import SecretsManager
from standin.aws.server import Environ, StartResponse
from tests.conftest import ROOT

When = Literal["before", "after"]


class KilledError(ConnectionError):
    """Ends the processing of a request whose sender is dead."""


@dataclass
class Reaper:
    """Counts requests as they arrive and responses as they leave, and kills the sender at one of them."""

    at: int | None = None
    when: When = "before"
    seen: int = 0
    victim: int | None = None
    """The process whose requests are counted; None as long as there is none."""

    def arrive(self) -> None:
        """Count a request that has not been processed yet."""
        if self.victim is None:
            return
        self.seen += 1
        if (self.seen, self.when) == (self.at, "before"):
            self._kill()
            raise KilledError

    def leave(self) -> None:
        """Note a request that has been processed, and whose response has not been sent."""
        if self.victim is not None and (self.seen, self.when) == (self.at, "after"):
            self._kill()
            raise KilledError

    def _kill(self) -> None:
        os.kill(self.victim or 0, signal.SIGKILL)

    def watch(self, standin: StandIn) -> None:
        """Watch every party of a stand-in."""
        begin = standin.record.begin

        def begin_or_kill(exchange: Any) -> Any:
            self.arrive()
            return begin(exchange)

        standin.record.begin = begin_or_kill  # type: ignore[method-assign]
        standin.record.listeners.append(lambda _: self.leave())


class WatchedSecretsManager(SecretsManager):
    """Secrets Manager with a reaper for each secret."""

    def __init__(self) -> None:
        super().__init__()
        self.reapers: dict[str, Reaper] = {}
        """By the ARN of the secret."""

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        reaper = self.reapers.get(json.loads(body).get("SecretId"), Reaper())
        reaper.arrive()
        response = list(super()._serve(environ, start_response))
        reaper.leave()
        return response


class Runner:
    """Starts rotations in processes of their own, one after the other."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.rotating_process"],
            cwd=ROOT,
            env=bare_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(timeout=10)

    def run(self, environment: Mapping[str, str], reaper: Reaper, event: object = None) -> int:
        """Run one rotation to its end, or to where the reaper kills it; return its exit status, negative for a signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        settings = {**bare_environment(), **environment, "LOG_LEVEL": "DEBUG"}
        order = {"environment": settings, "event": event, "output": str(self.output)}
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        reaper.victim = int(self._process.stdout.readline())
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        reaper.victim = None
        return status


Point = TypeVar("Point")
Outcome = TypeVar("Outcome")


def side_by_side(
    folder: Path, points: Iterable[Point], play: Callable[[Runner, Point], Outcome], runners: int = 2
) -> list[Outcome]:
    """Try every point, one at a time for each runner; the runners write to files in the folder."""
    with ExitStack() as stack:
        free: queue.SimpleQueue[Runner] = queue.SimpleQueue()
        for number in range(runners):
            free.put(stack.enter_context(Runner(folder / f"output-{number}")))

        def take_turn(point: Point) -> Outcome:
            runner = free.get()
            try:
                return play(runner, point)
            finally:
                free.put(runner)

        with ThreadPoolExecutor(runners) as pool:
            return list(pool.map(take_turn, points))
