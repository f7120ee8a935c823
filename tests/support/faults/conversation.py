"""A request that waits for its response, as a fault sees it: over HTTP/1.1 or gRPC, at the stand-in or an impostor."""

import contextlib
import gzip
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from standin.faults import Deliver, Handle
from standin.messages import Headers, Response
from standin.wire import Wire
from tests.support.faults import http2

JSON = "application/json"
HUGE_BYTES = 50 * 1024 * 1024
_PIECE = b"a" * 65536


class Conversation(Protocol):
    """What a fault may do in place of a plain response."""

    def real(self, content_type: str | None = None) -> bytes:
        """Return the correct response as it would be sent, optionally with another content type."""

    def compose(self, status: int, content_type: str, body: bytes, headers: Headers = ()) -> bytes:
        """Return a response of any other kind as it would be sent."""

    def gzipped(self) -> bytes:
        """Return the correct response with its body packed as gzip."""

    def wrongly_typed(self) -> bytes:
        """Return a response in the right encoding whose value is of the wrong type."""

    def incomplete(self) -> bytes:
        """Return a response in the right encoding that lacks every member."""

    def huge(self) -> Iterator[bytes]:
        """Return a response of 50 MB in pieces."""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""

    def pause(self, seconds: float | None) -> None:
        """Wait this long, or until the server ends."""

    def reset(self) -> None:
        """Reset the TCP connection."""

    def close(self) -> None:
        """Close the connection normally."""


Fault = Callable[[Conversation], None]
"""Does something with a conversation; carried out anew for every request."""


class _Http(Conversation):
    """What all HTTP/1.1 conversations share."""

    def wrongly_typed(self) -> bytes:
        return self.compose(200, JSON, b"[1, 2]")

    def incomplete(self) -> bytes:
        return self.compose(200, JSON, b"{}")

    def huge(self) -> Iterator[bytes]:
        yield self.compose(200, JSON, b"", (("Content-Length", str(HUGE_BYTES)),)) + b'"'
        for _ in range(HUGE_BYTES // len(_PIECE) - 1):
            yield _PIECE
        yield _PIECE[:-2] + b'"'


class OnWire(_Http):
    """A conversation with the stand-in itself, with its real response."""

    def __init__(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        self._wire = wire
        self._handle = handle
        self._deliver = deliver

    def real(self, content_type: str | None = None) -> bytes:
        response = self._handle()
        if content_type is not None:
            kept = tuple(pair for pair in response.headers if pair[0].lower() != "content-type")
            response = replace(response, headers=(("Content-Type", content_type), *kept))
        return self._deliver(response)

    def compose(self, status: int, content_type: str, body: bytes, headers: Headers = ()) -> bytes:
        return self._deliver(Response(status, (("Content-Type", content_type), *headers), body))

    def gzipped(self) -> bytes:
        response = self._handle()
        headers = (*response.headers, ("Content-Encoding", "gzip"))
        return self._deliver(replace(response, headers=headers, body=gzip.compress(response.body)))

    def send(self, data: bytes) -> None:
        self._wire.send(data)

    def pause(self, seconds: float | None) -> None:
        self._wire.pause(seconds)

    def reset(self) -> None:
        self._wire.reset()

    def close(self) -> None:
        self._wire.close()


@dataclass(frozen=True)
class Inflicted:
    """A fault in the form that the stand-in accepts."""

    fault: Fault

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Inject the fault into the request."""
        self.fault(OnWire(wire, handle, deliver))


class _OnSocket(Conversation):
    """A conversation with an impostor."""

    def __init__(self, connection: socket.socket, ended: threading.Event) -> None:
        self._connection = connection
        self._ended = ended

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def pause(self, seconds: float | None) -> None:
        self._ended.wait(seconds)

    def reset(self) -> None:
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # By its descriptor: otherwise the reader made from the socket keeps it open.
        os.close(self._connection.detach())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class OnHttp(_OnSocket, _Http):
    """A conversation over HTTP/1.1 whose correct response is known in advance."""

    def __init__(self, connection: socket.socket, ended: threading.Event, good: bytes) -> None:
        super().__init__(connection, ended)
        self._good = good

    def real(self, content_type: str | None = None) -> bytes:
        return self.compose(200, content_type or JSON, self._good)

    def gzipped(self) -> bytes:
        return self.compose(200, JSON, gzip.compress(self._good), (("Content-Encoding", "gzip"),))

    def compose(self, status: int, content_type: str, body: bytes, headers: Headers = ()) -> bytes:
        fields = {"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close", **dict(headers)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode("iso-8859-1") + body


class OnGrpc(_OnSocket):
    """A gRPC call whose correct response is known in advance."""

    def __init__(self, connection: socket.socket, ended: threading.Event, good: bytes, stream: int) -> None:
        super().__init__(connection, ended)
        self._good = good
        self._stream = stream

    def real(self, content_type: str | None = None) -> bytes:
        return self.grpc_response(http2.message(self._good), content_type or "application/grpc")

    def gzipped(self) -> bytes:
        return self.compose(200, JSON, gzip.compress(self._good), (("Content-Encoding", "gzip"),))

    def compose(self, status: int, content_type: str, body: bytes, headers: Headers = ()) -> bytes:
        more = {name.lower(): value for name, value in headers}
        return http2.build_response(self._stream, status, content_type, body, {}, **more)

    def wrongly_typed(self) -> bytes:
        return self.grpc_response(http2.message(b"\xff\xff\xff"))

    def incomplete(self) -> bytes:
        return self.grpc_response(http2.message(b""))

    def huge(self) -> Iterator[bytes]:
        whole = self.grpc_response(http2.message(b"a" * HUGE_BYTES))
        yield from (whole[start : start + len(_PIECE)] for start in range(0, len(whole), len(_PIECE)))

    def grpc_response(self, body: bytes, content_type: str = "application/grpc") -> bytes:
        """Return a response that gRPC takes for a success, whatever its body is."""
        return http2.build_response(self._stream, 200, content_type, body, {"grpc-status": "0"})
