"""Serves the console's page, its live exchanges and its inspection, to this machine's own browser alone."""

import json
import queue
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from standin.console.inspection import MAX_LENGTH, inspect
from standin.events import event
from standin.helseid import HelseId
from standin.http_party import Shared
from standin.http_server import HttpServer
from standin.messages import Headers, Request, Response
from standin.narration import narrate
from standin.record import Exchange
from standin.wire import Wire

SHOWN_AT_FIRST = 500
KEEP_ALIVE_SECONDS = 10.0
_MAX_WAITING = 1000
_TYPES = {"index.html": "text/html", "console.css": "text/css", "console.js": "text/javascript"}
_PAGES = {"/": "index.html", "/console.css": "console.css", "/console.js": "console.js"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Headers = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class Console:
    """The console of one stand-in, on a port of its own; always http, since its authority is installed in no browser."""

    def __init__(self, shared: Shared, helseid: HelseId, port: int = 0) -> None:
        """Show the exchanges of this record; it listens after `start`."""
        self._shared = shared
        self._helseid = helseid
        self.server = HttpServer(self._serve, shared.clock, port=port)

    @property
    def url(self) -> str:
        """The page's URL."""
        return f"{self.server.origin}/"

    def start(self) -> None:
        """Listen."""
        self.server.start()

    def stop(self) -> None:
        """Close the listening socket and every connection."""
        self.server.stop()

    def _serve(self, wire: Wire, request: Request, _connection: int) -> None:
        refusal = self._find_refusal(request)
        if refusal is not None:
            wire.send(wire.encode(_text(HTTPStatus.FORBIDDEN, refusal)))
        elif (request.method, request.path) == ("GET", "/exchanges"):
            self._stream(wire)
        else:
            wire.send(wire.encode(self._respond(request), bodiless=request.method == "HEAD"))

    def _find_refusal(self, request: Request) -> str | None:
        """Return why a request is refused: another name for this machine is a rebound one, another origin another page."""
        hosts = {f"127.0.0.1:{self.server.port}", f"localhost:{self.server.port}"}
        if request.header("Host") not in hosts:
            return "The console is served under 127.0.0.1 and localhost alone."
        origin, site = request.header("Origin"), request.header("Sec-Fetch-Site")
        if (origin is not None and origin.removeprefix("http://") not in hosts) or site == "cross-site":
            return "The console is for its own page alone."
        return None

    def _respond(self, request: Request) -> Response:
        if request.method == "POST" and request.path == "/inspect":
            return self._inspect(request)
        if request.path not in _PAGES:
            return _text(HTTPStatus.NOT_FOUND, "There is no such page.")
        if request.method not in ("GET", "HEAD"):
            return _text(HTTPStatus.METHOD_NOT_ALLOWED, "The page is read with GET.")
        name = _PAGES[request.path]
        body = (files("standin.console") / "page" / name).read_bytes()
        return Response(HTTPStatus.OK, (("Content-Type", f"{_TYPES[name]}; charset=utf-8"), *_HEADERS), body)

    def _inspect(self, request: Request) -> Response:
        # A form of another page cannot send JSON without asking first, and nobody allows it.
        if request.header("Content-Type") != "application/json":
            return _text(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send JSON.")
        try:
            text = json.loads(request.body)["text"]
        except (ValueError, KeyError, TypeError):
            text = None
        if not isinstance(text, str) or len(text) > MAX_LENGTH:
            return _text(HTTPStatus.BAD_REQUEST, "Send a text.")
        return Response.json(200, inspect(text, self._helseid, self._shared.clock.now()), _HEADERS)

    def _stream(self, wire: Wire) -> None:
        """Send the latest exchanges, and then each new one, as server-sent events; they end with the connection."""
        waiting: queue.Queue[Exchange] = queue.Queue(_MAX_WAITING)

        def listen(exchange: Exchange) -> None:
            if not waiting.full():
                waiting.put(exchange)

        record = self._shared.record
        record.listeners.append(listen)
        try:
            head = "".join(f"{name}: {value}\r\n" for name, value in (*_HEADERS, ("Content-Type", "text/event-stream")))
            wire.send(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n".encode("ascii"))
            wire.open = False
            for exchange in [each for each in record.exchanges() if each.status is not None][-SHOWN_AT_FIRST:]:
                wire.send(_encode(exchange))
            while True:
                try:
                    wire.send(_encode(waiting.get(timeout=KEEP_ALIVE_SECONDS)))
                except queue.Empty:
                    wire.send(b": still here\n\n")
        finally:
            record.listeners.remove(listen)


def describe(exchange: Exchange) -> dict[str, Any]:
    """Describe an exchange for the page: as for other programs, with the checks; a secret manager's response has the key."""
    shown: Mapping[str, Any] = event(exchange)
    hidden = {"response": None} if exchange.party == "secret_manager" else {}
    return {**shown, **hidden, "checks": list(exchange.checks), "line": narrate(exchange)}


def _encode(exchange: Exchange) -> bytes:
    return f"id: {exchange.number}\ndata: {json.dumps(describe(exchange))}\n\n".encode()


def _text(status: HTTPStatus, text: str) -> Response:
    return Response(status, (("Content-Type", "text/plain; charset=utf-8"), *_HEADERS), text.encode())
