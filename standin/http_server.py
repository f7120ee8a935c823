"""A small threaded HTTP/1.1 server on loopback that can be stopped and started on the same port."""

import contextlib
import errno
import socket
import ssl
import threading
from collections.abc import Callable

from standin.clock import Clock
from standin.messages import Request
from standin.wire import Wire

HOST = "127.0.0.1"
_BACKLOG = 512


class PortInUseError(OSError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        """Name the port."""
        super().__init__(errno.EADDRINUSE, f"port {port} is in use")
        self.port = port


def bind(port: int) -> socket.socket:
    """Return a socket bound to a port, 0 for a free one; raises `PortInUseError`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(port) from error
        raise
    return listener


class HttpServer:
    """Serves each connection in a thread of its own, and passes every request to one function."""

    def __init__(
        self,
        serve: Callable[[Wire, Request, int], None],
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        """Set up the server; port 0 takes a free port at the first start and keeps it."""
        self._serve = serve
        self._clock = clock
        self._tls = tls
        self.port = port
        self.public_port: int | None = None
        """The port in its URLs, where clients reach it through a proxy on another port."""
        self.connections = 0
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._wires: set[Wire] = set()

    @property
    def origin(self) -> str:
        """The scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.public_port or self.port}"

    def start(self) -> None:
        """Listen, unless the server already does."""
        if self._listener is not None:
            return
        listener = bind(self.port)
        listener.listen(_BACKLOG)
        self.port = listener.getsockname()[1]
        self._listener, self._ended = listener, threading.Event()
        self._accepting = threading.Thread(target=self._accept, args=(listener, self._ended), daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Stop listening and close every connection."""
        listener, self._listener = self._listener, None
        if listener is None or self._accepting is None:
            return
        self._ended.set()
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            pass  # wakes the thread in accept(); closing the socket does not do so on every platform
        # The port is free only when no thread waits in accept().
        self._accepting.join(timeout=1)
        listener.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        """Close every connection and continue to listen, as a proxy does with idle connections."""
        with self._lock:
            wires = list(self._wires)
        for wire in wires:
            wire.cut()

    def _accept(self, listener: socket.socket, ended: threading.Event) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if ended.is_set():
                connection.close()
                return
            self.connections += 1
            arguments = (connection, self.connections, ended)
            threading.Thread(target=self._serve_connection, args=arguments, daemon=True).start()

    def _serve_connection(self, connection: socket.socket, number: int, ended: threading.Event) -> None:
        # Send responses at once: a delayed acknowledgement would add 40 ms to each.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            secured = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        except (OSError, ValueError):
            connection.close()
            return
        wire = Wire(secured, "https" if self._tls else "http", self._clock, ended)
        with self._lock:
            self._wires.add(wire)
        try:
            while wire.open and not ended.is_set() and (request := wire.read()) is not None:
                self._serve(wire, request, number)
        except (OSError, ValueError):
            pass  # the client hung up, or a fault closed the connection
        finally:
            with self._lock:
                self._wires.discard(wire)
            wire.close()
