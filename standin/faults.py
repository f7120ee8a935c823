"""Ways for a server to fail. Each is a value that carries itself out on a connection instead of a plain answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, Protocol

from standin.messages import Answer, Headers
from standin.wire import Wire

Handle = Callable[[], Answer]
"""Treats the request for real and gives its answer; a fault need not call it."""

Deliver = Callable[[Answer], bytes]
"""Writes an answer down in the record and gives its bytes; a fault that answers calls it once."""


class Fault(Protocol):
    """Something that goes wrong with one exchange."""

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Treat the request in the faulty way."""


@dataclass(frozen=True)
class Status:
    """Answers with this status, these headers and this body; `handled` treats the request for real first."""

    status: int
    body: bytes | str = b""
    headers: Headers = ()
    content_type: str = "text/plain; charset=utf-8"
    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Answer instead of the real answer; a real refusal goes before it."""
        real = handle() if self.handled else None
        if real is not None and real.status >= 400:
            wire.send(deliver(real))
            return
        body = self.body.encode() if isinstance(self.body, str) else self.body
        wire.send(deliver(Answer(self.status, (("Content-Type", self.content_type), *self.headers), body)))


@dataclass(frozen=True)
class Problem:
    """Refuses with a problem document (RFC 7807); `handled` treats the request for real first."""

    status: int
    detail: str = "the stand-in was told to fail"
    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Answer instead of the real answer."""
        members = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        body = json.dumps({**members, "detail": self.detail})
        content_type = "application/problem+json; charset=utf-8"
        Status(self.status, body, content_type=content_type, handled=self.handled).carry_out(wire, handle, deliver)


@dataclass(frozen=True)
class Redirect:
    """Sends the client elsewhere."""

    location: str
    status: int = 302

    def carry_out(self, wire: Wire, _handle: Handle, deliver: Deliver) -> None:
        """Answer with a Location."""
        wire.send(deliver(Answer(self.status, (("Location", self.location),))))


@dataclass(frozen=True)
class Reset:
    """Breaks the connection off without an answer; `handled` treats the request for real first."""

    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, _deliver: Deliver) -> None:
        """Send a TCP reset."""
        if self.handled:
            handle()
        wire.reset()


@dataclass(frozen=True)
class Close:
    """Closes the connection in order, without an answer; `handled` treats the request for real first."""

    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, _deliver: Deliver) -> None:
        """Close."""
        if self.handled:
            handle()
        wire.close()


@dataclass(frozen=True)
class CutShort:
    """Sends all but the last `missing` bytes of the real answer, then resets or closes."""

    missing: int = 10
    how: Literal["reset", "close"] = "reset"

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Send a part and break off."""
        wire.send(deliver(handle())[: -self.missing])
        # A moment for the bytes to be read: a reset may overtake what the client has not fetched yet.
        wire.pause(0.02)
        wire.reset() if self.how == "reset" else wire.close()


@dataclass(frozen=True)
class Slow:
    """Answers for real after some seconds; `handled` treats the request before the wait and not after it."""

    seconds: float
    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Wait and answer."""
        early = handle() if self.handled else None
        wire.pause(self.seconds)
        wire.send(deliver(early or handle()))


@dataclass(frozen=True)
class Drip:
    """Sends the real answer a few bytes at a time: from the first header on, or the body only."""

    seconds: float
    chunk: int = 1
    part: Literal["headers", "body"] = "body"

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Send in pieces, waiting after each."""
        data = deliver(handle())
        start = 0 if self.part == "headers" else data.index(b"\r\n\r\n") + 4
        wire.send(data[:start])
        for position in range(start, len(data), self.chunk):
            wire.send(data[position : position + self.chunk])
            wire.pause(self.seconds)


@dataclass(frozen=True)
class Hang:
    """Keeps the connection open and says nothing until its server stops."""

    def carry_out(self, wire: Wire, _handle: Handle, _deliver: Deliver) -> None:
        """Wait for the end."""
        wire.pause(None)


@dataclass(frozen=True)
class Huge:
    """Answers 200 with a JSON string of this many bytes."""

    size: int = 64 * 1024 * 1024
    status: int = 200

    def carry_out(self, wire: Wire, _handle: Handle, deliver: Deliver) -> None:
        """Announce the size and send until the client has had enough."""
        headers = (("Content-Type", "application/json"), ("Content-Length", str(self.size)))
        wire.send(deliver(Answer(self.status, headers)) + b'"')
        piece = b"a" * 65536
        left = self.size - 2
        while left > 0:
            wire.send(piece[:left])
            left -= len(piece)
        wire.send(b'"')


@dataclass(frozen=True)
class Garbage:
    """Sends bytes that are not HTTP and closes."""

    data: bytes = b"\x16\x03\x01 this is not HTTP\r\n\r\n"

    def carry_out(self, wire: Wire, _handle: Handle, _deliver: Deliver) -> None:
        """Send them."""
        wire.send(self.data)
        wire.close()
