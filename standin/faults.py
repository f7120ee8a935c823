"""The faults of an HTTP server. Each is a value that is carried out on a connection in place of the response."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, Protocol

from standin.messages import Headers, Response
from standin.wire import Wire

Handle = Callable[[], Response]
"""Serves the request and returns the response; a fault need not call it."""

Deliver = Callable[[Response], bytes]
"""Records a response and returns its bytes; a fault that sends a response calls it once."""


class Fault(Protocol):
    """A fault of one exchange."""

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Serve the request with this fault."""


@dataclass(frozen=True)
class Status:
    """Responds with this status, these headers and this body; `handled` serves the request first."""

    status: int
    body: bytes | str = b""
    headers: Headers = ()
    content_type: str = "text/plain; charset=utf-8"
    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Send this response instead of the real one, unless the real one is a refusal."""
        real = handle() if self.handled else None
        if real is not None and real.status >= 400:
            wire.send(deliver(real))
            return
        body = self.body.encode() if isinstance(self.body, str) else self.body
        wire.send(deliver(Response(self.status, (("Content-Type", self.content_type), *self.headers), body)))


@dataclass(frozen=True)
class Problem:
    """Refuses with a problem document (RFC 7807); `handled` serves the request first."""

    status: int
    detail: str = "the stand-in failed as planned"
    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Send the problem document instead of the real response."""
        members = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        body = json.dumps({**members, "detail": self.detail})
        content_type = "application/problem+json; charset=utf-8"
        Status(self.status, body, content_type=content_type, handled=self.handled).carry_out(wire, handle, deliver)


@dataclass(frozen=True)
class Redirect:
    """Redirects the client."""

    location: str
    status: int = 302

    def carry_out(self, wire: Wire, _handle: Handle, deliver: Deliver) -> None:
        """Send a response with a Location."""
        wire.send(deliver(Response(self.status, (("Location", self.location),))))


@dataclass(frozen=True)
class Reset:
    """Resets the connection without a response; `handled` serves the request first."""

    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, _deliver: Deliver) -> None:
        """Send a TCP reset."""
        if self.handled:
            handle()
        wire.reset()


@dataclass(frozen=True)
class Close:
    """Closes the connection without a response; `handled` serves the request first."""

    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, _deliver: Deliver) -> None:
        """Close."""
        if self.handled:
            handle()
        wire.close()


@dataclass(frozen=True)
class CutShort:
    """Sends all but the last `missing` bytes of the real response, then resets or closes the connection."""

    missing: int = 10
    how: Literal["reset", "close"] = "reset"

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Send the first part, then end the connection."""
        wire.send(deliver(handle())[: -self.missing])
        # Give the client time to read: a reset discards what it has not read yet.
        wire.pause(0.02)
        wire.reset() if self.how == "reset" else wire.close()


@dataclass(frozen=True)
class Slow:
    """Sends the real response after a delay; `handled` serves the request before the delay instead of after it."""

    seconds: float
    handled: bool = False

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Wait, then send the response."""
        early = handle() if self.handled else None
        wire.pause(self.seconds)
        wire.send(deliver(early or handle()))


@dataclass(frozen=True)
class Drip:
    """Sends the real response a few bytes at a time: from the first header on, or the body only."""

    seconds: float
    chunk: int = 1
    part: Literal["headers", "body"] = "body"

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Send in chunks, with a pause after each."""
        data = deliver(handle())
        start = 0 if self.part == "headers" else data.index(b"\r\n\r\n") + 4
        wire.send(data[:start])
        for position in range(start, len(data), self.chunk):
            wire.send(data[position : position + self.chunk])
            wire.pause(self.seconds)


@dataclass(frozen=True)
class Hang:
    """Keeps the connection open and sends nothing until the server stops."""

    def carry_out(self, wire: Wire, _handle: Handle, _deliver: Deliver) -> None:
        """Wait until the server stops."""
        wire.pause(None)


@dataclass(frozen=True)
class Huge:
    """Responds with a JSON string of this many bytes."""

    size: int = 64 * 1024 * 1024
    status: int = 200

    def carry_out(self, wire: Wire, _handle: Handle, deliver: Deliver) -> None:
        """Announce the size, then send until the client hangs up."""
        headers = (("Content-Type", "application/json"), ("Content-Length", str(self.size)))
        wire.send(deliver(Response(self.status, headers)) + b'"')
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
        """Send the bytes, then close the connection."""
        wire.send(self.data)
        wire.close()
