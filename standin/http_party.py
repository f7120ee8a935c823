"""What HelseID and the API have in common: a server, a record of its exchanges and a script of faults."""

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
from standin.messages import Answer, Request
from standin.record import Exchange, Party, Record, claims_in, secrets_in
from standin.refusals import Refusal
from standin.script import Script
from standin.treatment import Treatment
from standin.wire import Wire


@dataclass(frozen=True)
class House:
    """What the parties of one stand-in share."""

    clock: Clock
    record: Record
    tls: ssl.SSLContext | None = None


class HttpParty(ABC):
    """One origin: answers requests, notes each, and fails when the script says so."""

    party: ClassVar[Party]

    def __init__(self, house: House, port: int = 0) -> None:
        """Prepare without listening."""
        self._house = house
        self._script: Script[Fault] = Script()
        self.server = HttpServer(self.serve, house.clock, house.tls, port)

    @abstractmethod
    def kind_of(self, request: Request) -> str:
        """Name what a request is for: the word that tests count by."""

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Treat a request for real."""

    @abstractmethod
    def refuse(self, refusal: Refusal) -> Answer:
        """Put a refusal into this party's words."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.server.origin

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        self.server.start()

    def stop(self) -> None:
        """Close the listening socket and every connection."""
        self.server.stop()

    def drop_connections(self) -> None:
        """Close every connection, idle or not, and go on listening."""
        self.server.drop_connections()

    def fail_next(self, kind: str, fault: Fault, *, times: int = 1, after: int = 0) -> None:
        """Fail the next requests of a kind, once `after` of them were let through."""
        self._script.plan(kind, fault, times=times, after=after)

    def fail_always(self, kind: str, fault: Fault, *, after: int = 0) -> None:
        """Fail every request of a kind until `clear_faults`."""
        self._script.plan(kind, fault, times=inf, after=after)

    def override(
        self, kind: str, members: Mapping[str, Any] = {}, *, without: Collection[str] = (), times: float = inf
    ) -> None:
        """Change or leave out members of good JSON answers; refusals stay as they are."""
        self._script.change(kind, members, without, times)

    def clear_faults(self) -> None:
        """Forget every planned fault and override."""
        self._script.clear()

    def serve(self, wire: Wire, request: Request, connection: int) -> None:
        """Treat one request, or fail at it as planned."""
        kind = self.kind_of(request)
        fault = self._script.take(kind)
        exchange = replace(self._exchange(kind, request, connection), fault=repr(fault) if fault else None)
        treatment = Treatment(exchange, self._house.record)

        def handle() -> Answer:
            return treatment.handle(lambda: self.answer(request), self.refuse, partial(self._script.apply, kind))

        def deliver(answer: Answer) -> bytes:
            treatment.finish(answer)
            return wire.compose(answer, bodiless=request.method == "HEAD")

        try:
            if fault is None:
                wire.send(deliver(handle()))
            else:
                fault.carry_out(wire, handle, deliver)
        finally:
            treatment.finish(None)

    def _exchange(self, kind: str, request: Request, connection: int) -> Exchange:
        form = dict(request.form()) if "urlencoded" in (request.header("Content-Type") or "") else {}
        self._house.record.keep_secrets(secrets_in(request, form))
        return Exchange(
            number=0,
            party=self.party,
            kind=kind,
            method=request.method,
            target=request.target,
            headers=request.headers,
            body=request.body,
            form=form,
            claims=claims_in(request, form),
            started_at=self._house.clock.now(),
            connection=connection,
        )
