"""A web server on loopback, with planned faults."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

HOST = "127.0.0.1"


def listen(port: int, backlog: int | None = None) -> socket.socket:
    """Listen on a port; wait up to 5 s if a stopped server has not released it yet."""
    for _ in range(500):
        with contextlib.suppress(OSError):
            return socket.create_server((HOST, port), backlog=backlog)
        time.sleep(0.01)
    raise TimeoutError(f"port {port} is still in use")


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Log nothing."""


class Server:
    """Serves an application, each request in a thread; a restarted server takes the same port again."""

    def __init__(self, app: App, tls: ssl.SSLContext | None = None) -> None:
        self._app = app
        self._tls = tls
        self._server: BaseWSGIServer | None = None
        self._faults: deque[App] = deque()
        self._lasting_fault: App | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; a restarted server takes the same port again."""
        with listen(self.port) as listener:
            self._server = make_server(
                HOST,
                self.port,
                self._serve,
                threaded=True,
                request_handler=_QuietHandler,
                ssl_context=self._tls,
                fd=listener.fileno(),
            )
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self.port = self._server.port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def fail_next(self, fault: App, times: int = 1) -> None:
        """Respond to the next requests with a fault."""
        self._faults.extend([fault] * times)

    def fail_always(self, fault: App | None) -> None:
        """Respond to every request with a fault, until this is called with None."""
        self._lasting_fault = fault

    def forget_faults(self) -> None:
        """Remove every planned fault."""
        self._faults.clear()
        self._lasting_fault = None

    def is_counted(self, environ: Environ) -> bool:
        """Return whether a fault may apply to a request."""
        raise NotImplementedError

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self.is_counted(environ):
            fault = self._faults.popleft() if self._faults else self._lasting_fault
            if fault is not None:
                return fault(environ, start_response)
        return self._app(environ, start_response)


def respond(status: int, body: object, content_type: str = "application/x-amz-json-1.1") -> App:
    """Return a fault that responds with this body: bytes as they are, anything else as JSON."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()

    def app(_environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response(f"{status} x", [("Content-Type", content_type), ("Content-Length", str(len(octets)))])
        return [octets]

    return app


def refuse(status: int, code: str, message: str = "AWS's own words") -> App:
    """Return a fault that refuses as AWS does."""
    return respond(status, {"__type": code, "message": message})


def raw(octets: bytes) -> App:
    """Return a fault that sends these bytes instead of HTTP, and hangs up."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        connection = environ["werkzeug.socket"]
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_RDWR)
        start_response("200 x", [])
        return []

    return app


def slow(seconds: float, then: App) -> App:
    """Return a fault that delays another one."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        time.sleep(seconds)
        return then(environ, start_response)

    return app


def drip(seconds: float) -> App:
    """Return a fault that sends a body one byte at a time, for some seconds."""

    def app(_environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 x", [("Content-Type", "application/json"), ("Content-Length", "100000")])
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            yield b" "
            time.sleep(0.05)

    return app
