"""Where the walk-through runs the function: as on Google Cloud, or as on AWS Lambda."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.demo.processes import ROOT, Process, call, start_function, start_secrets_manager, start_standin


@dataclass(frozen=True)
class Stage:
    """What was started for a walk-through."""

    parties: tuple[Process, ...]
    """Those that the function talks to, in the order in which it does."""
    environment: dict[str, str]
    function: Process
    call: Callable[[object], tuple[int, dict[str, Any]]]
    """Calls the function over HTTP, and returns the status and the members of its answer."""

    def marks(self) -> list[int]:
        """Return how much each party has told so far."""
        return [len(party.lines) for party in self.parties]

    def told_since(self, marks: list[int]) -> list[dict[str, Any]]:
        """Return what the parties have told of the requests that they got since then."""
        return [line for party, mark in zip(self.parties, marks, strict=True) for line in party.lines[mark:]]


@dataclass(frozen=True)
class Host:
    """One of the clouds."""

    intro: str
    library: str
    """What the function loads to read its key, at its first invocation."""
    start: Callable[[ExitStack], Stage]


def _start_google(running: ExitStack) -> Stage:
    standin, environment = start_standin()
    running.callback(standin.stop)
    function, url = start_function(environment)
    running.callback(function.stop)
    return Stage((standin,), environment, function, lambda body: call(url, body))


def _start_aws(running: ExitStack) -> Stage:
    # Only here: without these, `make demo` starts sooner.
    from infra.lambda_zip import build  # noqa: PLC0415
    from tests.lambda_runtime.events import http_event  # noqa: PLC0415
    from tests.lambda_runtime.function import start_lambda  # noqa: PLC0415
    from tests.lambda_runtime.target import HERE  # noqa: PLC0415

    folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
    key_file = folder / "client.jwk"
    standin, environment = start_standin("--key-file", str(key_file))
    running.callback(standin.stop)
    manager, of_manager = start_secrets_manager(key_file)
    running.callback(manager.stop)
    key_file.unlink()
    environment |= of_manager
    function = start_lambda(build(HERE, ROOT / "build"), HERE, environment)
    running.callback(function.stop)

    def call_function(body: object) -> tuple[int, dict[str, Any]]:
        answer = function.invoke(http_event("POST", None if body is None else json.dumps(body))).answer
        return answer["statusCode"], json.loads(answer["body"])

    return Stage((manager, standin), environment, function.process, call_function)


HOSTS = {
    "google": Host(
        "Three processes on this machine: the stand-in (HelseID, the Sample API, a secret manager), the function under\n"
        "functions-framework, which reads its key with Google's client, and this one, which calls the function.",
        "Google's client",
        _start_google,
    ),
    "aws": Host(
        "Four processes on this machine: the stand-in (HelseID, the Sample API), moto as AWS Secrets Manager, the function\n"
        "out of its Lambda archive, under AWS's own runtime interface client, which reads its key with boto3, and this\n"
        "one, which plays Lambda and calls the function by its URL.",
        "boto3",
        _start_aws,
    ),
}
