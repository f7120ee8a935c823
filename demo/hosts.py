"""Where the walk-through runs the function: as on Google Cloud, or as on AWS Lambda."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from demo.processes import ROOT, Process, call, start_function, start_secrets_manager, start_standin
from demo.rotation import Rotation, read_aws_step, read_google_steps

# HelseID knows a new key a second after it was registered, so that it is seen to be waited for.
ACTIVATION = ("--key-activation", "1")
MADE_UP = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
FUNCTION = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn-rotation"


@dataclass(frozen=True)
class Stage:
    """What was started for a walk-through."""

    parties: tuple[Process, ...]
    """Those that the function talks to, in the order in which it does."""
    environment: dict[str, str]
    function: Process
    call: Callable[[object], tuple[int, dict[str, Any]]]
    """Calls the function over HTTP, and returns the status and the members of its answer."""
    rotating: Process
    """The function that replaces the key."""
    start_rotation: Callable[[], object]
    read_rotation: Callable[[list[dict[str, Any]], list[dict[str, Any]]], Rotation]
    """Reads a rotation from the lines that the rotating function logged and from what the parties told of its requests."""

    def rotate(self) -> Rotation:
        """Replace the key, and return what was done."""
        marks, logged = self.marks(), len(self.rotating.lines)
        self.start_rotation()
        lines = [line for line in self.rotating.lines[logged:] if "outcome" in line]
        requests = sum(sum(line["requests"].values()) for line in lines)

        def told() -> list[dict[str, Any]]:
            return [event for event in self.told_since(marks) if event["party"] != "api"]

        self.parties[-1].wait_for(lambda: len(told()) >= requests)
        return self.read_rotation(lines, told())

    def marks(self) -> list[int]:
        """Return how much each party has told so far."""
        return [len(party.lines) for party in self.parties]

    def told_since(self, marks: list[int]) -> list[dict[str, Any]]:
        """Return what the parties have told of the requests that they got since then, in the order of time."""
        told = [line for party, mark in zip(self.parties, marks, strict=True) for line in party.lines[mark:]]
        return sorted(told, key=lambda line: str(line["time"]))


@dataclass(frozen=True)
class Host:
    """One of the clouds."""

    intro: str
    library: str
    """What the function loads to read its key, at its first invocation."""
    rotated_by: str
    """What starts a rotation."""
    start: Callable[[ExitStack], Stage]


def _start_google(running: ExitStack) -> Stage:
    standin, environment = start_standin(*ACTIVATION)
    running.callback(standin.stop)
    function, url = start_function(environment)
    running.callback(function.stop)
    rotating, rotating_url = start_function(environment, "--target=rotate")
    running.callback(rotating.stop)

    def start_rotation() -> None:
        call(rotating_url)
        rotating.wait_for(lambda: any("outcome" in line for line in rotating.lines))

    def read_rotation(lines: list[dict[str, Any]], events: list[dict[str, Any]]) -> Rotation:
        return Rotation(read_google_steps(events), lines[-1])

    return Stage((standin,), environment, function, lambda body: call(url, body), rotating, start_rotation, read_rotation)


def _start_aws(running: ExitStack) -> Stage:
    # Only here: without these, `make demo` starts sooner.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    from demo.invoke_api import InvokeApi  # noqa: PLC0415
    from demo.lambda_runtime.events import http_event  # noqa: PLC0415
    from demo.lambda_runtime.function import start_lambda  # noqa: PLC0415
    from demo.lambda_runtime.target import HERE  # noqa: PLC0415
    from infra.lambda_zip import build  # noqa: PLC0415

    folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
    key_file = folder / "client.jwk"
    standin, environment = start_standin(*ACTIVATION, "--key-file", str(key_file))
    running.callback(standin.stop)
    invoke_api = running.enter_context(InvokeApi())
    manager, of_manager = start_secrets_manager(key_file, invoke_api.url)
    running.callback(manager.stop)
    key_file.unlink()
    environment |= of_manager
    archive = build(HERE, ROOT / "build")
    function = start_lambda(archive, HERE, environment)
    running.callback(function.stop)
    rotating = start_lambda(archive, HERE, environment, handler="main.rotate_lambda")
    running.callback(rotating.stop)
    invoke_api.function = rotating

    def call_function(body: object) -> tuple[int, dict[str, Any]]:
        answer = function.invoke(http_event("POST", None if body is None else json.dumps(body))).answer
        return answer["statusCode"], json.loads(answer["body"])

    def start_rotation() -> None:
        address = environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
        client = boto3.client("secretsmanager", "eu-north-1", endpoint_url=address, **MADE_UP, config=Config(proxies={}))
        arn = environment["HELSEID_KEY"]
        client.rotate_secret(SecretId=arn, RotationLambdaARN=FUNCTION, RotationRules={"AutomaticallyAfterDays": 30})
        rotating.process.wait_for(lambda: sum("outcome" in line for line in rotating.lines) == 4)

    def read_rotation(lines: list[dict[str, Any]], events: list[dict[str, Any]]) -> Rotation:
        kid = next(event["key"]["kid"] for event in events if event["kind"] == "register")
        steps, left = [], iter(events)
        for line in lines:
            part = list(islice(left, sum(line["requests"].values())))
            steps.append(read_aws_step(line["rotation_step"], part, kid))
        return Rotation(steps, lines[-1])

    return Stage(
        (manager, standin), environment, function.process, call_function, rotating.process, start_rotation, read_rotation
    )


HOSTS = {
    "google": Host(
        "Four processes on this machine: the stand-in (HelseID, the Sample API, a secret manager), the function under\n"
        "functions-framework, which reads its key with Google's client, the function that replaces the key, and this one,\n"
        "which calls them.",
        "Google's client",
        "you → rotating function   POST /",
        _start_google,
    ),
    "aws": Host(
        "Five processes on this machine: the stand-in (HelseID, the Sample API), moto as AWS Secrets Manager, the function\n"
        "out of its Lambda archive, under AWS's own runtime interface client, which reads its key with boto3, the one that\n"
        "replaces the key, and this one, which plays Lambda and calls the function by its URL.",
        "boto3",
        "you → AWS Secrets         RotateSecret",
        _start_aws,
    ),
}
