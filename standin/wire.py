"""One client connection: reads requests, and writes each response in one piece."""

import contextlib
import http.client
import socket
import struct
import threading
from email.utils import formatdate
from http import HTTPStatus
from typing import BinaryIO

from standin.clock import Clock
from standin.messages import Headers, Request, Response

_MAX_LINE_BYTES = 65536
_MAX_BODY_BYTES = 64 * 1024 * 1024


class Wire:
    """A server's side of a connection, with methods for faults to misuse it."""

    def __init__(self, connection: socket.socket, scheme: str, clock: Clock, ended: threading.Event) -> None:
        """Take over a connection; `ended` is set when the server stops."""
        self._socket = connection
        self._reader: BinaryIO = connection.makefile("rb")
        self._scheme = scheme
        self._clock = clock
        self._ended = ended
        self.open = True

    def read(self) -> Request | None:
        """Return the next request; None at the end, also in the middle of one, or if the client does not speak HTTP/1.1."""
        line = self._reader.readline(_MAX_LINE_BYTES).decode("iso-8859-1").rstrip("\r\n")
        method, _, rest = line.partition(" ")
        target, _, version = rest.partition(" ")
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            return None
        headers: Headers = tuple(http.client.parse_headers(self._reader).items())
        request = Request(method, target, headers, b"", self._scheme)
        length = int(request.header("Content-Length") or 0)
        if request.header("Transfer-Encoding") or length > _MAX_BODY_BYTES:
            return None
        keep = (request.header("Connection") or "").lower() != "close" and version == "HTTP/1.1"
        self.open = keep
        body = self._reader.read(length)
        # A connection that ended in the middle of a request carried none.
        return Request(method, target, headers, body, self._scheme) if len(body) == length else None

    def encode(self, response: Response, *, bodiless: bool = False) -> bytes:
        """Return the bytes of a response, with the standard headers added."""
        try:
            reason = HTTPStatus(response.status).phrase
        except ValueError:
            reason = "Unknown"
        given = {name.lower() for name, _ in response.headers}
        standard = (
            ("Date", formatdate(self._clock.now(), usegmt=True)),
            ("Server", "stand-in"),
            ("Content-Length", str(len(response.body))),
            *(() if self.open else (("Connection", "close"),)),
        )
        headers = [*response.headers, *(pair for pair in standard if pair[0].lower() not in given)]
        if response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            headers = [pair for pair in headers if pair[0] != "Content-Length"]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        text = f"HTTP/1.1 {response.status} {reason}\r\n{head}\r\n".encode("iso-8859-1")
        return text if bodiless else text + response.body

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        self._socket.sendall(data)

    def pause(self, seconds: float | None) -> None:
        """Wait this long, or forever; a server that stops ends the wait and the connection."""
        if self._ended.wait(seconds):
            self.open = False

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.open = False
        with contextlib.suppress(OSError):
            self._reader.close()
            self._socket.close()

    def cut(self) -> None:
        """End the connection from another thread, and wake the thread that reads from it."""
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown: it would discard the TLS state that the reading thread still uses.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
