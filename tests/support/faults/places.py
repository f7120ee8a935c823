"""The places where a fault can occur, each with a function deployed to meet it there."""

import contextlib
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from werkzeug.wrappers import Response

from standin import StandIn
from standin.http_party import HttpParty
from tests.support.certificates import Authority
from tests.support.deployment import OTHER_UNIT, Function
from tests.support.faults.conversation import Fault, Inflicted
from tests.support.faults.impostor import NeverAccepts


@dataclass(frozen=True)
class Site:
    """What a place is built with."""

    start_standin: Callable[..., StandIn]
    deploy: Callable[..., Function]
    patch: pytest.MonkeyPatch
    jwk: dict[str, Any]
    authority: Authority
    ending: contextlib.ExitStack
    """Ends what was started."""


class Place(ABC):
    """One kind of request to one party."""

    party: ClassVar[str]
    counted_as: ClassVar[str]
    """The party's name in a report's `requests`."""
    name: ClassVar[str] = "127.0.0.1"
    """What its certificate is for."""
    little_seconds: ClassVar[float] = 1.0
    """The deadline of a call that meets a fault without end."""

    def __init__(self, site: Site, *, tls: bool) -> None:
        self.site = site
        self.tls = tls
        self.standin: StandIn
        self.function = self.build()

    @abstractmethod
    def build(self) -> Function:
        """Start the parties and deploy the function."""

    @abstractmethod
    def arrived(self) -> int:
        """Count all requests of this kind so far."""

    @abstractmethod
    def inject(self, fault: Fault) -> contextlib.AbstractContextManager[object]:
        """Inject the fault into every request of this kind."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the party from listening."""

    @abstractmethod
    def start(self) -> None:
        """Start listening again."""

    @property
    @abstractmethod
    def port(self) -> int:
        """The port that it listens on."""

    @abstractmethod
    def show(self, certificate: Any) -> None:
        """Use this certificate from now on."""

    @contextlib.contextmanager
    def unresolved(self) -> Iterator[None]:
        """Make its name unresolvable."""
        look_up = socket.getaddrinfo

        def fail(host: str, port: int, *rest: Any, **options: Any) -> Any:
            if port == self.port:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return look_up(host, port, *rest, **options)

        self.site.patch.setattr(socket, "getaddrinfo", fail)
        yield
        self.site.patch.setattr(socket, "getaddrinfo", look_up)

    @contextlib.contextmanager
    def refused(self) -> Iterator[None]:
        """Refuse connections."""
        self.stop()
        yield
        self.start()

    @contextlib.contextmanager
    def never_accepting(self) -> Iterator[None]:
        """Neither accept nor refuse connections."""
        self.stop()
        with NeverAccepts(self.port):
            yield
        self.start()

    @contextlib.contextmanager
    def showing(self, certificate: Any) -> Iterator[None]:
        """Use a certificate that is not its own."""
        self.show(certificate)
        yield
        self.show(self.site.authority.server(self.name))

    def reach(self) -> None:
        """Prepare the function so that its next call begins with a request of this kind."""
        assert self.function.call().status_code == 200

    def call(self) -> Response:
        """Call for an organization that has no cached token."""
        return self.function.call(OTHER_UNIT)


class AtStandIn(Place):
    """A party of the stand-in."""

    kind: ClassVar[str]

    def build(self) -> Function:
        self.standin = self.site.start_standin(tls=self.site.authority.server() if self.tls else None)
        trust = {"REQUESTS_CA_BUNDLE": str(self.site.authority.bundle)} if self.tls else {}
        return self.site.deploy(self.standin, API_METHODS="GET,POST", **trust)

    @property
    def http_party(self) -> HttpParty:
        """The part of the stand-in that receives the request."""
        return self.standin.helseid

    @property
    def port(self) -> int:
        return self.http_party.server.port

    def arrived(self) -> int:
        return self.standin.count(self.kind)

    @contextlib.contextmanager
    def inject(self, fault: Fault) -> Iterator[None]:
        self.http_party.fail_always(self.kind, Inflicted(fault))
        yield
        self.http_party.clear_faults()

    @contextlib.contextmanager
    def unresolved(self) -> Iterator[None]:
        """Make its name unresolvable, and drop the connections made before."""
        self.http_party.drop_connections()
        with super().unresolved():
            yield

    def stop(self) -> None:
        self.http_party.stop()

    def start(self) -> None:
        self.http_party.start()

    def show(self, certificate: Any) -> None:
        self.http_party.server._tls = certificate
        self.http_party.drop_connections()


class Metadata(AtStandIn):
    """Requests to HelseID for its metadata."""

    party, counted_as, kind = "helseid", "helseid", "metadata"

    def reach(self) -> None:
        """Do nothing: the very first call requests the metadata."""


class TokenEndpoint(AtStandIn):
    """Requests to HelseID for a token."""

    party, counted_as, kind = "helseid", "helseid", "token"


class SampleApi(AtStandIn):
    """Calls to the API with a cached token."""

    party, counted_as, kind = "api", "api", "api"

    @property
    def http_party(self) -> HttpParty:
        """The part of the stand-in that receives the request."""
        return self.standin.api

    def call(self) -> Response:
        """Call with the cached token."""
        return self.function.call()


class PostToSampleApi(SampleApi):
    """The same with a method that is not idempotent."""

    def call(self) -> Response:
        """Send a POST with the cached token."""
        return self.function.call({"request": {"method": "POST", "path": "orders", "json": {"quantity": 1}}})
