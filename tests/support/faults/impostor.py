"""A server that takes the port of a stopped one, responds as a fault says, and counts what arrives."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from standin.aws.server import HOST, listen
from tests.support.faults import http2
from tests.support.faults.conversation import Conversation, Fault, OnGrpc, OnHttp

Read = Callable[[socket.socket, threading.Event], Iterator[Conversation]]
"""Reads the requests that come over a new connection, until the client leaves."""


class Impostor:
    """Listens while its context is active."""

    def __init__(self, port: int, fault: Fault, read: Read, tls: ssl.SSLContext | None = None) -> None:
        self.arrived = 0
        self._fault = fault
        self._read = read
        self._tls = tls
        self._ended = threading.Event()
        self._connections: list[socket.socket] = []
        self._listener = listen(port)
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._ended.set()
        for each in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        # The port is free only when no thread waits in accept().
        self._accepting.join(timeout=5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            secured = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            self._connections.append(secured)
            for conversation in self._read(secured, self._ended):
                self.arrived += 1
                self._fault(conversation)


def read_http(good: bytes) -> Read:
    """Return a reader of HTTP/1.1 requests, one per connection; `good` is the body of the correct response."""

    def read(connection: socket.socket, ended: threading.Event) -> Iterator[Conversation]:
        with connection.makefile("rb") as reader:
            length = 0
            while (line := reader.readline(65536)).strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            reader.read(length)
        if line:
            yield OnHttp(connection, ended, good)

    return read


def read_grpc(good: bytes) -> Read:
    """Return a reader of gRPC calls; `good` is the message of the correct response."""

    def read(connection: socket.socket, ended: threading.Event) -> Iterator[Conversation]:
        with connection.makefile("rb") as reader:
            for stream in http2.read_calls(reader, connection):
                yield OnGrpc(connection, ended, good, stream)

    return read


class NeverAccepts:
    """Listens on a port and never accepts: a client waits until its own timeout."""

    def __init__(self, port: int) -> None:
        self._listener = listen(port, backlog=0)
        self._waiting = [_begin_connecting(port) for _ in range(4)]  # more connections than there are waiting threads

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        for each in (self._listener, *self._waiting):
            each.close()


def _begin_connecting(port: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)  # noqa: FBT003  # the socket's own signature
    with contextlib.suppress(BlockingIOError):
        client.connect((HOST, port))
    return client
