"""The walk-through's rotation: its steps, told from the requests that they made; pure but for the calls that run meanwhile."""

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


@dataclass(frozen=True)
class Step:
    """A step of a rotation: what it asked of whom, and what came of it."""

    name: str
    text: str
    events: Sequence[Event]
    cause: str = ""
    """What started the function for this step alone."""


@dataclass(frozen=True)
class Rotation:
    """What a rotation came to: its steps, the new key, and the line that the function logged last."""

    steps: Sequence[Step]
    log_line: Mapping[str, Any]


DUE = "nobody knows when this key expires, so it is replaced by one of which that is known"


def read_google_steps(events: Sequence[Event]) -> list[Step]:
    """Split what a rotation on Google Cloud asked for at the requests that its steps begin with."""
    kinds = [event["kind"] for event in events]
    create, register, test = kinds.index("add"), kinds.index("metadata"), kinds.index("register") + 1
    promote = kinds.index("add", test)
    parts = [events[:create], events[create:register], events[register:test], events[test:promote]]
    kid = _short(events[test - 1]["key"]["kid"])
    texts = {
        "due": DUE,
        "created": f"key {kid}, which waits in a secret that no other function may read",
        "registered": _tell_registered(parts[2]),
        "tested": _tell_tested(parts[3]),
        "promoted": "versions/latest is the new key from here on",
        "tidied up": "the new key waits nowhere else; the old one is disabled after a day, and destroyed after 30 more",
    }
    parts += [events[promote : promote + 1], events[promote + 1 :]]
    return [Step(name, text, part) for (name, text), part in zip(texts.items(), parts, strict=True)]


def read_aws_step(name: str, events: Sequence[Event], kid: str) -> Step:
    """Tell one step of Secrets Manager's protocol."""
    texts: dict[str, tuple[str, Callable[[], str]]] = {
        "createSecret": ("due, created", lambda: f"{DUE}: {_short(kid)}, which waits as AWSPENDING"),
        "setSecret": ("registered", lambda: f"{_tell_registered(events)}, as a label tells from here on"),
        "testSecret": ("tested", lambda: _tell_tested(events)),
        "finishSecret": ("promoted", lambda: "AWSCURRENT is the new key from here on, and AWSPREVIOUS the old one"),
    }
    done, tell = texts[name]
    return Step(done, tell(), events, cause=name)


@contextmanager
def calls_meanwhile(call: Callable[[object], tuple[int, dict[str, Any]]]) -> Iterator[list[int]]:
    """Call the function all the while, and collect the statuses of its answers."""
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


def _tell_registered(events: Sequence[Event]) -> str:
    kid = next(event["claims"]["assertion"]["header"]["kid"] for event in events if event["kind"] == "token")
    return f"signed in with the key in use, {_short(kid)}; the new one is good for 180 days"


def _tell_tested(events: Sequence[Event]) -> str:
    refused = sum(event["status"] == 400 and event["refusal"]["error"] == "invalid_client" for event in events)
    return f"a token with the new key, which HelseID did not know yet at {refused} of {refused + 1} tries"


def _short(text: str) -> str:
    return f"{text[:6]}…"
