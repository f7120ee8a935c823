"""Lambda's Runtime API on loopback: hands events to a runtime interface client and takes its answers."""

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
    """One event, and what came of it."""

    event: object
    seconds: float
    trace: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    """What the handler returned; or, when it raised, Lambda's error object with `errorType` and `errorMessage`."""
    failed: bool = False
    """Whether it raised, which makes Lambda try an asynchronous invocation again."""

    def headers(self) -> dict[str, str]:
        """Return what the client is told beside the event."""
        told = {
            "Lambda-Runtime-Aws-Request-Id": self.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN,
        }
        return told | ({"Lambda-Runtime-Trace-Id": self.trace} if self.trace else {})


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
        """Let the client have an event; `seconds` is what Lambda would give it."""
        invocation = Invocation(event, seconds, trace)
        self._waiting.put(invocation)
        return invocation

    def begin_next(self) -> Invocation | None:
        """Wait for an event and return it, or `None` at the end."""
        invocation = self._waiting.get()
        if invocation is None:
            self._waiting.put(None)
        else:
            self._begun[invocation.id] = invocation
        return invocation

    def settle(self, invocation_id: str, answer: Any, *, failed: bool) -> None:
        """Take what came of an event."""
        invocation = self._begun.pop(invocation_id)
        invocation.answer, invocation.failed = answer, failed
        invocation.answered.set()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a function that ended while it waited for an event; anything else is a defect of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    api: ClassVar[RuntimeApi]
    protocol_version = "HTTP/1.1"
    # Each answer in one piece, at once: in two, the second would wait for the client's delayed acknowledgement of the first.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            self._answer(404)
            return
        invocation = self.api.begin_next()
        if invocation is None:
            self.close_connection = True
            self._answer(410)
            return
        self._answer(200, json.dumps(invocation.event).encode(), invocation.headers())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "null")
        if self.path == f"{_PREFIX}/init/error":
            self.api.init_errors.append(body)
            self._answer(202)
        elif settled := re.fullmatch(rf"{_PREFIX}/invocation/([\w-]+)/(response|error)", self.path):
            self.api.settle(settled[1], body, failed=settled[2] == "error")
            self._answer(202)
        else:
            self._answer(404)

    def _answer(self, status: int, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Say nothing: what matters is in the answers."""
