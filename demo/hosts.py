"""The two hosts of the demo: the function as on Google Cloud, or as on AWS Lambda."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from demo.output import print_line
from demo.processes import ROOT, Process, call, start_function, start_secrets_manager, start_standin
from demo.rotation import Rotation, read_aws_step, read_google_steps

# HelseID accepts a new key a second after its registration, so that the demo shows the wait for it.
ANY_ORGANIZATION = "*"
"""So that HelseID refuses the one that has not delegated, and not the function itself."""

SCHEDULE = {"X-CloudScheduler-JobName": "nightly", "X-CloudScheduler-ScheduleTime": "2026-11-28T02:00:00Z"}
"""What Cloud Scheduler says of itself."""

ACTIVATION = ("--key-activation", "1")
MADE_UP = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
FUNCTION = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn-rotation"


@dataclass(frozen=True)
class Stage:
    """Everything that was started for the demo."""

    parties: tuple[Process, ...]
    """The parties that the function calls, in order."""
    environment: dict[str, str]
    function: Process
    call: Callable[[object], tuple[int, dict[str, Any]]]
    """Calls the function over HTTP, and returns the status and the JSON of its response."""
    rotating: Process
    """The function that rotates the key."""
    start_rotation: Callable[[], object]
    read_rotation: Callable[[list[dict[str, Any]], list[dict[str, Any]]], Rotation]
    """Reads a rotation from the log lines of the rotating function and the events of the parties."""
    run_schedule: Callable[[], dict[str, Any]]
    """Starts the function as a schedule does, and returns its report."""
    results: Path
    """Where results are delivered: a folder here, as a bucket is in a cloud."""

    def rotate(self) -> Rotation:
        """Rotate the key, and return the steps."""
        marks, logged = self.marks(), len(self.rotating.lines)
        self.start_rotation()
        lines = [line for line in self.rotating.lines[logged:] if "outcome" in line]
        requests = sum(sum(line["requests"].values()) for line in lines)

        def events() -> list[dict[str, Any]]:
            return [event for event in self.events_since(marks) if event["party"] != "api"]

        self.parties[-1].wait_for(lambda: len(events()) >= requests)
        return self.read_rotation(lines, events())

    def marks(self) -> list[int]:
        """Return how many events each party has reported so far."""
        return [len(party.lines) for party in self.parties]

    def events_since(self, marks: list[int]) -> list[dict[str, Any]]:
        """Return the requests that the parties have reported since then, in order of time."""
        events = [line for party, mark in zip(self.parties, marks, strict=True) for line in party.lines[mark:]]
        return sorted(events, key=lambda line: str(line["time"]))


@dataclass(frozen=True)
class Host:
    """One of the clouds."""

    intro: str
    next_command: str
    """What to try after the demo."""
    library: str
    """The library that the function loads at its first invocation, to read its key."""
    rotated_by: str
    """The request that starts a rotation."""
    rotates: str
    """The party that receives it."""
    start: Callable[[ExitStack], Stage]


def _start_google(running: ExitStack) -> Stage:
    print_line("Starting the stand-in: HelseID, Selvbetjening, the Sample API and Secret Manager ...")
    standin, environment = start_standin(*ACTIVATION)
    results = Path(running.enter_context(tempfile.TemporaryDirectory()))
    environment |= {"HELSEID_ORGANIZATIONS": ANY_ORGANIZATION, "RESULT_TO": f"file:{results}"}
    running.callback(standin.stop)
    print_line("Starting the function under functions-framework ...")
    function, url = start_function(environment)
    running.callback(function.stop)
    print_line("Starting the function that rotates the key ...")
    rotating, rotating_url = start_function(environment, "--target=rotate")
    running.callback(rotating.stop)

    def start_rotation() -> None:
        call(rotating_url)
        rotating.wait_for(lambda: any("outcome" in line for line in rotating.lines))

    def read_rotation(lines: list[dict[str, Any]], events: list[dict[str, Any]]) -> Rotation:
        return Rotation(read_google_steps(events), lines[-1])

    return Stage(
        (standin,),
        environment,
        function,
        lambda body: call(url, body),
        rotating,
        start_rotation,
        read_rotation,
        lambda: call(url, headers=SCHEDULE)[1],
        results,
    )


def _start_aws(running: ExitStack) -> Stage:
    # Imported here, so that `make demo` starts without them.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    from demo.invoke_api import InvokeApi  # noqa: PLC0415
    from demo.lambda_runtime.events import http_event  # noqa: PLC0415
    from demo.lambda_runtime.function import start_lambda  # noqa: PLC0415
    from demo.lambda_runtime.target import HERE  # noqa: PLC0415
    from infra.lambda_zip import build  # noqa: PLC0415

    folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
    print_line("Starting the stand-in: HelseID, Selvbetjening and the Sample API ...")
    key_file = folder / "client.jwk"
    standin, environment = start_standin(*ACTIVATION, "--key-file", str(key_file))
    running.callback(standin.stop)
    print_line("Starting AWS Secrets Manager (moto) ...")
    invoke_api = running.enter_context(InvokeApi())
    manager, aws_environment = start_secrets_manager(key_file, invoke_api.url)
    running.callback(manager.stop)
    key_file.unlink()
    results = folder / "results"
    environment |= {**aws_environment, "HELSEID_ORGANIZATIONS": ANY_ORGANIZATION, "RESULT_TO": f"file:{results}"}
    print_line("Building the Lambda archive ...")
    archive = build(HERE, ROOT / "build")
    print_line("Starting the function from the archive, under the Lambda runtime interface client ...")
    function = start_lambda(archive, HERE, environment)
    running.callback(function.stop)
    print_line("Starting the function that rotates the key ...")
    rotating = start_lambda(archive, HERE, environment, handler="main.rotate_lambda")
    running.callback(rotating.stop)
    invoke_api.function = rotating

    def call_function(body: object) -> tuple[int, dict[str, Any]]:
        response = function.invoke(http_event("POST", None if body is None else json.dumps(body))).result
        return response["statusCode"], json.loads(response["body"])

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
        (manager, standin),
        environment,
        function.process,
        call_function,
        rotating.process,
        start_rotation,
        read_rotation,
        lambda: function.invoke({}).result,
        results,
    )


HOSTS = {
    "google": Host(
        "The function signs in to HelseID as a machine and calls the Sample API, as it does on Google Cloud.",
        "make standin (keeps HelseID and the API running, and prints the settings with which to run the function yourself)",
        "Google's client",
        "POST /",
        "rotation",
        _start_google,
    ),
    "aws": Host(
        "The function signs in to HelseID as a machine and calls the Sample API, as it does on AWS Lambda.",
        "make lambda-zip (builds the archive to deploy; infra/terraform/aws deploys it)",
        "boto3",
        "RotateSecret",
        "Secrets Manager",
        _start_aws,
    ),
}
