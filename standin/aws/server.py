"""A web server on loopback that keeps what it receives and can be told to fail."""

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
    """Listen on a port, which may not be free at once where another server has just ceased to."""
    for _ in range(500):
        with contextlib.suppress(OSError):
            return socket.create_server((HOST, port), backlog=backlog)
        time.sleep(0.01)
    raise AssertionError(f"port {port} is not free")


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Say nothing."""


class Server:
    """Serves an application from threads; keeps its port when it is stopped and started again."""

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
        """Listen, on the port of before if there was one."""
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
        """Listen no longer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def fail_next(self, fault: App, times: int = 1) -> None:
        """Let a fault answer the next requests."""
        self._faults.extend([fault] * times)

    def fail_always(self, fault: App | None) -> None:
        """Let a fault answer every request, until this is called with None."""
        self._lasting_fault = fault

    def forget_faults(self) -> None:
        """Answer every request again."""
        self._faults.clear()
        self._lasting_fault = None

    def is_counted(self, environ: Environ) -> bool:
        """Tell whether a request is one that a fault may answer."""
        raise NotImplementedError

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self.is_counted(environ):
            fault = self._faults.popleft() if self._faults else self._lasting_fault
            if fault is not None:
                return fault(environ, start_response)
        return self._app(environ, start_response)


def answer(status: int, body: object, content_type: str = "application/x-amz-json-1.1") -> App:
    """Return a fault that answers with this: bytes as they are, anything else as JSON."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()

    def respond(_environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response(f"{status} x", [("Content-Type", content_type), ("Content-Length", str(len(octets)))])
        return [octets]

    return respond


def refuse(status: int, code: str, message: str = "AWS's own words") -> App:
    """Return a fault that answers as AWS does when it refuses."""
    return answer(status, {"__type": code, "message": message})


def raw(octets: bytes) -> App:
    """Return a fault that sends these bytes in place of HTTP, and hangs up."""

    def respond(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        connection = environ["werkzeug.socket"]
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_RDWR)
        start_response("200 x", [])
        return []

    return respond


def slow(seconds: float, then: App) -> App:
    """Return a fault that lets another one wait."""

    def respond(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        time.sleep(seconds)
        return then(environ, start_response)

    return respond


def drip(seconds: float) -> App:
    """Return a fault that sends a body one byte at a time, for so long."""

    def respond(_environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 x", [("Content-Type", "application/json"), ("Content-Length", "100000")])
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            yield b" "
            time.sleep(0.05)

    return respond
