"""One request that was read and waits for its answer, as a fault sees it: over HTTP/1.1 or gRPC, from a real server or none."""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from standin.faults import Deliver, Handle
from standin.messages import Answer, Headers
from standin.wire import Wire
from tests.support.faults import http2

JSON = "application/json"
HUGE_BYTES = 50 * 1024 * 1024
_PIECE = b"a" * 65536


class Conversation(Protocol):
    """What a fault may do in place of a plain answer."""

    def real(self, content_type: str | None = None) -> bytes:
        """Give the right answer as it would be sent, perhaps under another content type."""

    def compose(self, status: int, content_type: str, body: bytes, headers: Headers = ()) -> bytes:
        """Give an answer of any other kind as it would be sent."""

    def ill_typed(self) -> bytes:
        """Give an answer in the right encoding whose value is of the wrong type."""

    def memberless(self) -> bytes:
        """Give an answer in the right encoding that lacks every member."""

    def huge(self) -> Iterator[bytes]:
        """Give an answer of 50 MB in pieces."""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""

    def pause(self, seconds: float | None) -> None:
        """Wait this long, or until the server ends."""

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""

    def close(self) -> None:
        """Close the connection in order."""


Fault = Callable[[Conversation], None]
"""Does something with a conversation; carried out anew for every request."""


class _Http(Conversation):
    """What is alike in every HTTP/1.1 conversation."""

    def ill_typed(self) -> bytes:
        return self.compose(200, JSON, b"[1, 2]")

    def memberless(self) -> bytes:
        return self.compose(200, JSON, b"{}")

    def huge(self) -> Iterator[bytes]:
        yield self.compose(200, JSON, b"", (("Content-Length", str(HUGE_BYTES)),)) + b'"'
        for _ in range(HUGE_BYTES // len(_PIECE) - 1):
            yield _PIECE
        yield _PIECE[:-2] + b'"'


class OnWire(_Http):
    """A conversation with the stand-in itself, whose real answer it holds."""

    def __init__(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        self._wire = wire
        self._handle = handle
        self._deliver = deliver

    def real(self, content_type: str | None = None) -> bytes:
        answer = self._handle()
        if content_type is not None:
            kept = tuple(pair for pair in answer.headers if pair[0].lower() != "content-type")
            answer = replace(answer, headers=(("Content-Type", content_type), *kept))
        return self._deliver(answer)

    def compose(self, status: int, content_type: str, body: bytes, headers: Headers = ()) -> bytes:
        return self._deliver(Answer(status, (("Content-Type", content_type), *headers), body))

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
    """A fault as the stand-in takes it."""

    fault: Fault

    def carry_out(self, wire: Wire, handle: Handle, deliver: Deliver) -> None:
        """Treat the request in the faulty way."""
        self.fault(OnWire(wire, handle, deliver))


class _OnSocket(Conversation):
    """A conversation of an impostor's."""

    def __init__(self, connection: socket.socket, ended: threading.Event) -> None:
        self._connection = connection
        self._ended = ended

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def pause(self, seconds: float | None) -> None:
        self._ended.wait(seconds)

    def reset(self) -> None:
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # By its descriptor: the reader that is made of a socket keeps it open otherwise.
        os.close(self._connection.detach())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class OnHttp(_OnSocket, _Http):
    """A conversation over HTTP/1.1 whose right answer is known beforehand."""

    def __init__(self, connection: socket.socket, ended: threading.Event, good: bytes) -> None:
        super().__init__(connection, ended)
        self._good = good

    def real(self, content_type: str | None = None) -> bytes:
        return self.compose(200, content_type or JSON, self._good)

    def compose(self, status: int, content_type: str, body: bytes, headers: Headers = ()) -> bytes:
        fields = {"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close", **dict(headers)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode("iso-8859-1") + body


class OnGrpc(_OnSocket):
    """A gRPC call whose right answer is known beforehand."""

    def __init__(self, connection: socket.socket, ended: threading.Event, good: bytes, stream: int) -> None:
        super().__init__(connection, ended)
        self._good = good
        self._stream = stream

    def real(self, content_type: str | None = None) -> bytes:
        return self.grpc_answer(http2.message(self._good), content_type or "application/grpc")

    def compose(self, status: int, content_type: str, body: bytes, headers: Headers = ()) -> bytes:
        more = {name.lower(): value for name, value in headers}
        return http2.answer(self._stream, status, content_type, body, {}, **more)

    def ill_typed(self) -> bytes:
        return self.grpc_answer(http2.message(b"\xff\xff\xff"))

    def memberless(self) -> bytes:
        return self.grpc_answer(http2.message(b""))

    def huge(self) -> Iterator[bytes]:
        whole = self.grpc_answer(http2.message(b"a" * HUGE_BYTES))
        yield from (whole[start : start + len(_PIECE)] for start in range(0, len(whole), len(_PIECE)))

    def grpc_answer(self, body: bytes, content_type: str = "application/grpc") -> bytes:
        """Give an answer that gRPC takes for a success, whatever its body is."""
        return http2.answer(self._stream, 200, content_type, body, {"grpc-status": "0"})
