"""Faults of one exchange that the stand-in itself lacks."""

import threading
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
