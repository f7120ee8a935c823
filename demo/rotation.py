"""The demo's rotation: its steps, read from the requests that each party received, and the calls that run meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Event = Mapping[str, Any]

PAUSE_SECONDS = 0.05
"""Between two of the calls that run meanwhile."""
DUE = "the key's expiry is unknown, so it is replaced by one with a known expiry"


@dataclass(frozen=True)
class Step:
    """A step of a rotation: its name, its result, and the exchanges that it made."""

    name: str
    text: str
    events: Sequence[Event]
    cause: str = ""
    """The AWS step that invoked the function, where each step is an invocation of its own."""


@dataclass(frozen=True)
class Rotation:
    """The steps of a rotation, and the last line that the function logged."""

    steps: Sequence[Step]
    log_line: Mapping[str, Any]


def read_google_steps(events: Sequence[Event]) -> list[Step]:
    """Split the exchanges of a rotation on Google Cloud into its steps, by the request that begins each."""
    kinds = [event["kind"] for event in events]
    create, register, test = kinds.index("add"), kinds.index("metadata"), kinds.index("register") + 1
    promote = kinds.index("add", test)
    parts = [events[:create], events[create:register], events[register:test], events[test:promote]]
    parts += [events[promote : promote + 1], events[promote + 1 :]]
    kid = shorten(events[test - 1]["key"]["kid"])
    texts = {
        "due": DUE,
        "created": f"key {kid}, stored in a secret that only this function can read",
        "registered": _describe_registration(parts[2]),
        "tested": _describe_test(parts[3]),
        "promoted": "versions/latest is now the new key",
        "cleaned up": "the pending copy is destroyed; the old key is disabled after a day and destroyed 30 days later",
    }
    return [Step(name, text, part) for (name, text), part in zip(texts.items(), parts, strict=True)]


def read_aws_step(name: str, events: Sequence[Event], kid: str) -> Step:
    """Describe one step of the rotation protocol of AWS Secrets Manager."""
    texts: dict[str, tuple[str, Callable[[], str]]] = {
        "createSecret": ("due, created", lambda: f"{DUE}: {shorten(kid)}, stored as AWSPENDING"),
        "setSecret": ("registered", lambda: f"{_describe_registration(events)}; a label on the secret records it"),
        "testSecret": ("tested", lambda: _describe_test(events)),
        "finishSecret": ("promoted", lambda: "AWSCURRENT is now the new key, and AWSPREVIOUS the old one"),
    }
    result, describe = texts[name]
    return Step(result, describe(), events, cause=name)


@contextmanager
def calls_meanwhile(call: Callable[[object], tuple[int, dict[str, Any]]]) -> Iterator[list[int]]:
    """Keep calling the function, and collect the statuses of its responses."""
    statuses: list[int] = []
    ended = threading.Event()

    def keep_calling() -> None:
        while not ended.wait(PAUSE_SECONDS):
            statuses.append(call(None)[0])

    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(keep_calling)
        try:
            yield statuses
        finally:
            ended.set()
        calling.result()


def _describe_registration(events: Sequence[Event]) -> str:
    kid = next(event["claims"]["assertion"]["header"]["kid"] for event in events if event["kind"] == "token")
    return f"signed in with the current key, {shorten(kid)}; the new key is valid for 180 days"


def _describe_test(events: Sequence[Event]) -> str:
    refused = sum(event["status"] == 400 and event["refusal"]["error"] == "invalid_client" for event in events)
    return f"obtained a token with the new key at attempt {refused + 1}; HelseID accepts a new key after a moment"


def shorten(text: str) -> str:
    """Return the first characters of an id."""
    return f"{text[:6]}…"
