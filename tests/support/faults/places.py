"""The places where a fault can strike, each with the function that is deployed so as to meet it there."""

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
from tests.support.faults.impostor import Deaf


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
    """One party, asked for one kind of thing."""

    party: ClassVar[str]
    counted_as: ClassVar[str]
    """The party's name in an answer's `requests`."""
    name: ClassVar[str] = "127.0.0.1"
    """What its certificate is for."""
    little_seconds: ClassVar[float] = 1.0
    """The time for a call that meets a fault which lasts as long as it is let."""

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
        """Count the requests of this kind that ever arrived."""

    @abstractmethod
    def strike(self, fault: Fault) -> contextlib.AbstractContextManager[object]:
        """Let every request of this kind meet the fault."""

    @abstractmethod
    def stop(self) -> None:
        """Let the party listen no longer."""

    @abstractmethod
    def start(self) -> None:
        """Let it listen again."""

    @property
    @abstractmethod
    def port(self) -> int:
        """Where it listens."""

    @abstractmethod
    def show(self, certificate: Any) -> None:
        """Let it show this certificate from now on."""

    @contextlib.contextmanager
    def unresolved(self) -> Iterator[None]:
        """Let its name not be found."""
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
        """Let nobody listen there."""
        self.stop()
        yield
        self.start()

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        """Let connections neither be taken nor refused."""
        self.stop()
        with Deaf(self.port):
            yield
        self.start()

    @contextlib.contextmanager
    def showing(self, certificate: Any) -> Iterator[None]:
        """Let it show a certificate that is not its own."""
        self.show(certificate)
        yield
        self.show(self.site.authority.server(self.name))

    def reach(self) -> None:
        """Bring the function to where its next call begins with a request of this kind."""
        assert self.function.call().status_code == 200

    def call(self) -> Response:
        """Call for what no token is held for."""
        return self.function.call(OTHER_UNIT)


class AtStandIn(Place):
    """A party of the stand-in's."""

    kind: ClassVar[str]

    def build(self) -> Function:
        self.standin = self.site.start_standin(tls=self.site.authority.server() if self.tls else None)
        trust = {"REQUESTS_CA_BUNDLE": str(self.site.authority.bundle)} if self.tls else {}
        return self.site.deploy(self.standin, **trust)

    @property
    def http_party(self) -> HttpParty:
        """The part of the stand-in that is asked."""
        return self.standin.helseid

    @property
    def port(self) -> int:
        return self.http_party.server.port

    def arrived(self) -> int:
        return self.standin.count(self.kind)

    @contextlib.contextmanager
    def strike(self, fault: Fault) -> Iterator[None]:
        self.http_party.fail_always(self.kind, Inflicted(fault))
        yield
        self.http_party.clear_faults()

    @contextlib.contextmanager
    def unresolved(self) -> Iterator[None]:
        """Let its name not be found, and the connections be gone that were made when it was."""
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
    """HelseID, asked for its metadata."""

    party, counted_as, kind = "helseid", "helseid", "metadata"

    def reach(self) -> None:
        """Do nothing: the first call of all asks for the metadata."""


class TokenEndpoint(AtStandIn):
    """HelseID, asked for a token."""

    party, counted_as, kind = "helseid", "helseid", "token"


class SampleApi(AtStandIn):
    """The API, called with a token that is held."""

    party, counted_as, kind = "api", "api", "api"

    @property
    def http_party(self) -> HttpParty:
        """The part of the stand-in that is asked."""
        return self.standin.api

    def call(self) -> Response:
        """Call with the held token."""
        return self.function.call()
