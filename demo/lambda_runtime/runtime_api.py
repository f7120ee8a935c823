"""Lambda's Runtime API on loopback: passes events to a runtime interface client and collects the results."""

from __future__ import annotations

import json
import queue
import re
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

_PREFIX = "/2018-06-01/runtime"
_ARN = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn"


@dataclass
class Invocation:
    """One event and its result."""

    event: object
    seconds: float
    trace: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    done: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    """What the handler returned; if it raised, Lambda's error object with `errorType` and `errorMessage`."""
    failed: bool = False
    """Whether the handler raised, which makes Lambda retry an asynchronous invocation."""

    def headers(self) -> dict[str, str]:
        """Return the headers that accompany the event."""
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN,
        }
        return headers | ({"Lambda-Runtime-Trace-Id": self.trace} if self.trace else {})


class RuntimeApi:
    """A Runtime API for one function; a context manager."""

    def __init__(self) -> None:
        self.init_errors: list[dict[str, Any]] = []
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._begun: dict[str, Invocation] = {}
        handler = type("_BoundHandler", (_Handler,), {"api": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def offer(self, event: object, *, seconds: float = 30.0, trace: str | None = None) -> Invocation:
        """Queue an event for the client; `seconds` is the timeout that Lambda would set."""
        invocation = Invocation(event, seconds, trace)
        self._waiting.put(invocation)
        return invocation

    def begin_next(self) -> Invocation | None:
        """Wait for an event and return it, or `None` when the API stops."""
        invocation = self._waiting.get()
        if invocation is None:
            self._waiting.put(None)
        else:
            self._begun[invocation.id] = invocation
        return invocation

    def settle(self, invocation_id: str, result: Any, *, failed: bool) -> None:
        """Record the result of an event."""
        invocation = self._begun.pop(invocation_id)
        invocation.result, invocation.failed = result, failed
        invocation.done.set()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a function that ends while it waits for an event; any other error is our own defect."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    api: ClassVar[RuntimeApi]
    protocol_version = "HTTP/1.1"
    # Each response goes out in one segment: a second would wait for the client's delayed acknowledgement of the first.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            self._respond(404)
            return
        invocation = self.api.begin_next()
        if invocation is None:
            self.close_connection = True
            self._respond(410)
            return
        self._respond(200, json.dumps(invocation.event).encode(), invocation.headers())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "null")
        if self.path == f"{_PREFIX}/init/error":
            self.api.init_errors.append(body)
            self._respond(202)
        elif settled := re.fullmatch(rf"{_PREFIX}/invocation/([\w-]+)/(response|error)", self.path):
            self.api.settle(settled[1], body, failed=settled[2] == "error")
            self._respond(202)
        else:
            self._respond(404)

    def _respond(self, status: int, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Log nothing: what matters is in the responses."""
