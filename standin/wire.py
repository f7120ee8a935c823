"""One client connection: requests read off it, answers written to it in a single piece each."""

import contextlib
import http.client
import socket
import struct
import threading
from email.utils import formatdate
from http import HTTPStatus
from typing import BinaryIO

from standin.clock import Clock
from standin.messages import Answer, Headers, Request

_LONGEST_LINE = 65536
_LARGEST_BODY = 4 * 1024 * 1024


class Wire:
    """A connection as a fault sees it: able to answer well, badly, slowly or not at all."""

    def __init__(self, connection: socket.socket, scheme: str, clock: Clock, ended: threading.Event) -> None:
        """Take a connection over; `ended` is set when its server stops."""
        self._socket = connection
        self._reader: BinaryIO = connection.makefile("rb")
        self._scheme = scheme
        self._clock = clock
        self._ended = ended
        self.open = True

    def read(self) -> Request | None:
        """Read the next request; nothing when the client is done or does not speak HTTP/1.1."""
        line = self._reader.readline(_LONGEST_LINE).decode("iso-8859-1").rstrip("\r\n")
        method, _, rest = line.partition(" ")
        target, _, version = rest.partition(" ")
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            return None
        headers: Headers = tuple(http.client.parse_headers(self._reader).items())
        request = Request(method, target, headers, b"", self._scheme)
        length = int(request.header("Content-Length") or 0)
        if request.header("Transfer-Encoding") or length > _LARGEST_BODY:
            return None
        keep = (request.header("Connection") or "").lower() != "close" and version == "HTTP/1.1"
        self.open = keep
        return Request(method, target, headers, self._reader.read(length), self._scheme)

    def compose(self, answer: Answer, *, bodiless: bool = False) -> bytes:
        """Write an answer out, with the headers every answer has."""
        try:
            reason = HTTPStatus(answer.status).phrase
        except ValueError:
            reason = "Unnamed"
        given = {name.lower() for name, _ in answer.headers}
        standard = (
            ("Date", formatdate(self._clock.now(), usegmt=True)),
            ("Server", "stand-in"),
            ("Content-Length", str(len(answer.body))),
            *(() if self.open else (("Connection", "close"),)),
        )
        headers = [*answer.headers, *(pair for pair in standard if pair[0].lower() not in given)]
        if answer.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            headers = [pair for pair in headers if pair[0] != "Content-Length"]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        text = f"HTTP/1.1 {answer.status} {reason}\r\n{head}\r\n".encode("iso-8859-1")
        return text if bodiless else text + answer.body

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self._socket.sendall(data)

    def pause(self, seconds: float | None) -> None:
        """Wait this long, or for ever; a server that stops ends the wait and the connection."""
        if self._ended.wait(seconds):
            self.open = False

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.open = False
        with contextlib.suppress(OSError):
            self._reader.close()
            self._socket.close()

    def cut(self) -> None:
        """End the connection from another thread, waking whoever waits on it."""
        with contextlib.suppress(OSError):
            # The plain socket's own shutdown: SSLSocket.shutdown would pull the rug from under the reading thread.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
