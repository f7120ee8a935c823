"""`make demo` and `make demo-aws`: the function signs in to HelseID and calls the Sample API, with every exchange shown."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

from demo.hosts import HOSTS, Host, Stage
from demo.output import (
    TERMS,
    describe_requests,
    print_call,
    print_delivery,
    print_exchange,
    print_line,
    print_response,
    print_rotation,
    print_step,
    print_summary,
    verbose,
)
from demo.processes import stop_asked
from demo.rotation import calls_meanwhile


@dataclass(frozen=True)
class Call:
    """A call of the function: its title, the line of the summary, the request's body, and the expected result."""

    title: str
    shown: str
    body: object
    status: int
    requests: tuple[int, int, int]
    """To the secret manager, HelseID and the API."""


@dataclass(frozen=True)
class KeyRotation:
    """The rotation of the key while calls run."""

    title: str
    shown: str


@dataclass(frozen=True)
class ScheduledRun:
    """A run that nobody waits for, whose result is delivered."""

    title: str
    shown: str


SCENES: tuple[Call | KeyRotation | ScheduledRun, ...] = (
    Call(
        "First call: nothing is cached, {library} is loaded, and HelseID asks for a nonce",
        "A first call signs in and calls the API",
        None,
        200,
        (1, 3, 1),
    ),
    Call("Second call: the token is cached", "A second call uses the cached token", None, 200, (0, 0, 1)),
    Call(
        "Another organization: it needs its own token; the nonce is known by now",
        "Another organization gets its own token",
        {"organization": {"parent": "313745392"}},
        200,
        (1, 1, 1),
    ),
    Call(
        "A refusal: this organization has not delegated to the client",
        "A refusal by HelseID names its cause and remedy",
        {"organization": {"parent": "974557746"}},
        502,
        (1, 1, 0),
    ),
    ScheduledRun(
        "A scheduled run: nobody waits for its response, so it is delivered before the run counts as done",
        "A scheduled run delivers its result",
    ),
    KeyRotation("Key rotation, while the function is called without a pause", "The key is rotated while calls run"),
    Call(
        "The next token request: signed with the new key, without a restart",
        "The next token request uses the new key",
        {"organization": {"parent": "999977774", "child": "999977775"}},
        200,
        (1, 1, 1),
    ),
)


def run_demo(host: Host) -> None:
    """Start the parties, play each scene, and print the summary."""
    print_line(host.intro)
    print_line("Everything runs on this machine, and nothing leaves it.\n")
    began_at = time.monotonic()
    with ExitStack() as running:
        stage = host.start(running)
        seconds, issuer = time.monotonic() - began_at, stage.environment["HELSEID_ISSUER"]
        print_line(f"Ready after {seconds:.1f} s: HelseID is {issuer}, the API {stage.environment['API_URL']}.")
        print_line(f"\n{TERMS}" if verbose else "VERBOSE=1 also shows the claims of every assertion, token and proof.\n")
        results = [_play(number, each, stage, host) for number, each in enumerate(SCENES, start=1)]
    print_summary([(each.shown, result) for each, result in zip(SCENES, results, strict=True)], host.next_command)


def _play(number: int, each: Call | KeyRotation | ScheduledRun, stage: Stage, host: Host) -> str:
    """Play one scene, and return its result for the summary."""
    print_line(f"{number}. {each.title.format(library=host.library)}\n")
    match each:
        case Call():
            result = _make_call(each, stage)
        case KeyRotation():
            result = _rotate_key(stage, host)
        case ScheduledRun():
            result = _run_schedule(stage)
    print_line()
    return result


def _make_call(each: Call, stage: Stage) -> str:
    print_call(f"POST / {json.dumps(each.body) if each.body else ''}")
    marks = stage.marks()
    status, response = stage.call(each.body)
    # The log line and the parties' events may arrive a moment after the response.
    stage.function.wait_for(lambda: any(line.get("invocation") == response["invocation"] for line in stage.function.lines))
    log_line = next(line for line in stage.function.lines if line.get("invocation") == response["invocation"])
    requests = tuple(log_line["requests"].values())
    stage.parties[-1].wait_for(lambda: len(stage.events_since(marks)) >= sum(requests))
    for event in stage.events_since(marks):
        print_exchange(event)
    print_response(status, response, log_line)
    if (status, requests) != (each.status, each.requests):
        raise RuntimeError(f"{status} after the requests {requests}, but expected {each.status} after {each.requests}.")
    return f"{status}, {describe_requests(requests) if status == 200 else response['code']}"


def _run_schedule(stage: Stage) -> str:
    print_call("", sender="schedule")
    marks = stage.marks()
    report = stage.run_schedule()
    stage.parties[-1].wait_for(lambda: len(stage.events_since(marks)) >= 1)
    for event in stage.events_since(marks):
        print_exchange(event)
    (path,) = [path for path in stage.results.rglob("*") if path.is_file()]
    name, content = str(path.relative_to(stage.results)), path.read_bytes()
    print_delivery(name, content)
    if report["delivered"]["bytes"] != len(content) or b"Hello from the Sample API" not in content:
        raise RuntimeError(f"The run reported {report['delivered']}, but {name} has {len(content)} bytes.")
    return f"{len(content)} bytes delivered as {name if len(name) < 40 else f'{name[:12]}...'}"


def _rotate_key(stage: Stage, host: Host) -> str:
    print_call(host.rotated_by, host.rotates)
    with calls_meanwhile(stage.call) as statuses:
        rotation = stage.rotate()
    for step in rotation.steps:
        print_step(step)
    print_rotation(rotation, statuses)
    outcome = rotation.log_line.get("rotation")
    if outcome != "rotated" or set(statuses) != {200}:
        raise RuntimeError(f"The rotation ended as {outcome!r}, and the calls responded with {sorted(set(statuses))}.")
    return f"{outcome}, and all {len(statuses)} calls meanwhile returned 200"


def main() -> int:
    """Run the demo; return 0 when it went well, 1 when it failed, 130 after Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop_asked.set())
    try:
        run_demo(HOSTS[sys.argv[1] if len(sys.argv) > 1 else "google"])
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left running.", file=sys.stderr)
        return 130
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
