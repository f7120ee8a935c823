"""Faults of one exchange that the stand-in itself lacks, and waiting for what happens."""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from standin.faults import Deliver, Handle
from standin.messages import Response
from standin.wire import Wire


@dataclass(frozen=True)
class Gate:
    """Delays the request until the test opens the gate."""

    opened: threading.Event = field(default_factory=threading.Event)

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Wait, then send the real response."""
        self.opened.wait(timeout=30)
        wire.send(deliver(handle()))


@dataclass(frozen=True)
class Before:
    """Does something between processing the request and sending the real response."""

    act: Callable[[], object]

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Process the request, act, respond."""
        response = handle()
        self.act()
        wire.send(deliver(response))


@dataclass(frozen=True)
class WithHeaders:
    """Adds headers to the real response."""

    headers: tuple[tuple[str, str], ...]

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Send the real response with more headers."""
        response = handle()
        wire.send(deliver(replace(response, headers=(*response.headers, *self.headers))))


@dataclass(frozen=True)
class ThenStray:
    """Sends the real response and after it another one that nobody asked for, at once or a moment later."""

    body_bytes: int
    later: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Respond twice."""
        real = deliver(handle())
        stray = wire.encode(Response.json(200, {"greeting": "stray", "padding": "." * self.body_bytes}))
        if self.later:
            wire.send(real)
            wire.pause(0.02)
            wire.send(stray)
        else:
            wire.send(real + stray)


@dataclass(frozen=True)
class ThenReset:
    """Sends the real response and resets the connection after it."""

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Respond, wait until it is read, and reset."""
        wire.send(deliver(handle()))
        wire.pause(0.02)
        wire.reset()


def until(happened: Callable[[], bool]) -> None:
    """Wait until a condition is met."""
    for _ in range(4000):
        if happened():
            return
        time.sleep(0.005)
    raise AssertionError("it never happened")


def waiting_threads() -> int:
    """Count the threads that wait for another thread's fetch."""
    frames = sys._current_frames().values()
    return sum(frame.f_code.co_filename.endswith("concurrency.py") and frame.f_code.co_name == "get" for frame in frames)
