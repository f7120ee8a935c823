"""The common part of HelseID and the APIs: a server, a record of its exchanges and a script of faults."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any, ClassVar

from standin.clock import Clock
from standin.faults import Fault
from standin.http_server import HttpServer
from standin.messages import Request, Response
from standin.record import Exchange, Party, Record, find_secrets, read_claims
from standin.refusals import Refusal
from standin.script import Script
from standin.transaction import Transaction
from standin.wire import Wire


@dataclass(frozen=True)
class Shared:
    """The objects that the parties of one stand-in share."""

    clock: Clock
    record: Record
    tls: ssl.SSLContext | None = None


class HttpParty(ABC):
    """One origin: serves requests, records each, and fails as planned."""

    party: ClassVar[Party]

    def __init__(self, shared: Shared, port: int = 0) -> None:
        """Set up the server; it listens after `start`."""
        self._shared = shared
        self._script: Script[Fault] = Script()
        self.server = HttpServer(self.serve, shared.clock, shared.tls, port)

    @abstractmethod
    def classify(self, request: Request) -> str:
        """Return the kind of a request, by which tests count and plan faults."""

    @abstractmethod
    def respond(self, request: Request) -> Response:
        """Respond to a request, or raise `RefusedError`."""

    @abstractmethod
    def refuse(self, refusal: Refusal) -> Response:
        """Return the response that this party makes of a refusal."""

    @property
    def origin(self) -> str:
        """The scheme, host and port."""
        return self.server.origin

    def start(self) -> None:
        """Listen; a restarted server takes the same port again."""
        self.server.start()

    def stop(self) -> None:
        """Close the listening socket and every connection."""
        self.server.stop()

    def drop_connections(self) -> None:
        """Close every connection, idle or not, and continue to listen."""
        self.server.drop_connections()

    def fail_next(self, kind: str, fault: Fault, *, times: int = 1, after: int = 0) -> None:
        """Fail the next requests of a kind, after letting `after` of them through."""
        self._script.plan(kind, fault, times=times, after=after)

    def fail_always(self, kind: str, fault: Fault, *, after: int = 0) -> None:
        """Fail every request of a kind until `clear_faults`."""
        self._script.plan(kind, fault, times=inf, after=after)

    def override(
        self, kind: str, members: Mapping[str, Any] = {}, *, without: Collection[str] = (), times: float = inf
    ) -> None:
        """Change or remove members of successful JSON responses."""
        self._script.change(kind, members, without, times)

    def clear_faults(self) -> None:
        """Remove every planned fault and override."""
        self._script.clear()

    def serve(self, wire: Wire, request: Request, connection: int) -> None:
        """Serve one request, or fail as planned."""
        kind = self.classify(request)
        fault = self._script.take(kind)
        exchange = replace(self._exchange(kind, request, connection), fault=repr(fault) if fault else None)
        transaction = Transaction(exchange, self._shared.record)

        def handle() -> Response:
            return transaction.handle(lambda: self.respond(request), self.refuse, partial(self._script.apply, kind))

        def deliver(response: Response) -> bytes:
            transaction.finish(response)
            return wire.encode(response, bodiless=request.method == "HEAD")

        try:
            if fault is None:
                wire.send(deliver(handle()))
            else:
                fault.carry_out(wire, handle, deliver)
        finally:
            transaction.finish(None)

    def _exchange(self, kind: str, request: Request, connection: int) -> Exchange:
        form = dict(request.form()) if "urlencoded" in (request.header("Content-Type") or "") else {}
        self._shared.record.keep_secrets(find_secrets(request, form))
        return Exchange(
            number=0,
            party=self.party,
            kind=kind,
            method=request.method,
            target=request.target,
            headers=request.headers,
            body=request.body,
            form=form,
            claims=read_claims(request, form),
            started_at=self._shared.clock.now(),
            connection=connection,
        )
