"""Things that happen to one exchange beside those that the stand-in knows."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from standin.faults import Deliver, Handle
from standin.wire import Wire


@dataclass(frozen=True)
class Gate:
    """Holds the request back until the test opens the gate."""

    opened: threading.Event = field(default_factory=threading.Event)

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Wait and answer for real."""
        self.opened.wait(timeout=30)
        wire.send(deliver(handle()))


@dataclass(frozen=True)
class Before:
    """Does something between treating the request and sending its real answer."""

    act: Callable[[], object]

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Treat, act, answer."""
        answer = handle()
        self.act()
        wire.send(deliver(answer))


@dataclass(frozen=True)
class WithHeaders:
    """Adds headers to the real answer."""

    headers: tuple[tuple[str, str], ...]

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Answer for real, with more headers."""
        answer = handle()
        wire.send(deliver(replace(answer, headers=(*answer.headers, *self.headers))))


@dataclass(frozen=True)
class ThenReset:
    """Answers for real and breaks the connection off after it."""

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Answer, let it be read, reset."""
        wire.send(deliver(handle()))
        wire.pause(0.02)
        wire.reset()
