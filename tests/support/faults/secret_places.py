"""The places where a secret manager can fail; an impostor takes its port while the fault lasts."""

import contextlib
import json
import socket
import ssl
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import grpc
from google.cloud.secretmanager_v1 import SecretManagerServiceClient, types
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from helseid_fn.secret_store.google import client as google_client
from standin.aws.secrets_manager import Extension, SecretsManager
from standin.aws.server import HOST
from standin.crc32c import crc32c
from tests.support.deployment import Function
from tests.support.faults.conversation import Fault
from tests.support.faults.impostor import Impostor, Read, read_grpc, read_http
from tests.support.faults.places import Place, Site
from tests.support.proxy import Proxy, pump

SECRET = "projects/p/secrets/helseid-key"
NAME = "secret-manager.example"
UNFINDABLE = f"{'a' * 64}.example:443"
"""No label has more than 63 letters (RFC 1035 section 2.3.4), so that no name server need be asked."""


class _SecretPlace(Place):
    party: ClassVar[str] = "secret_manager"
    counted_as: ClassVar[str] = "secret_store"
    read: Read

    def __init__(self, site: Site, *, tls: bool) -> None:
        self._impostors: list[Impostor] = []
        super().__init__(site, tls=tls)

    @contextlib.contextmanager
    def inject(self, fault: Fault) -> Iterator[None]:
        self.stop()
        with Impostor(self.port, fault, self.read) as impostor:
            self._impostors.append(impostor)
            yield
        self.start()

    def arrived(self) -> int:
        return sum(impostor.arrived for impostor in self._impostors) + self.arrived_at_the_real_one()

    @abstractmethod
    def arrived_at_the_real_one(self) -> int:
        """Count the requests that reached the real server."""


class GoogleSecretManager(_SecretPlace):
    """Google Secret Manager over gRPC; with TLS, under its own name and behind a proxy."""

    name = NAME

    def build(self) -> Function:
        self.standin = self.site.start_standin(secret_manager=True)
        text = json.dumps(self.site.jwk)
        self.standin.secret_manager.add(SECRET, text)
        payload = types.SecretPayload(data=text.encode(), data_crc32c=crc32c(text.encode()))
        version = types.AccessSecretVersionResponse(name=f"{SECRET}/versions/1", payload=payload)
        self.read = read_grpc(types.AccessSecretVersionResponse.serialize(version))
        environment = {"HELSEID_KEY": f"{SECRET}/versions/latest"}
        if self.tls:
            self._gate = self.site.ending.enter_context(_TlsGate(self.port))
            self.show(self.site.authority.server(self.name))
            proxy = self.site.ending.enter_context(Proxy({f"{NAME}:443": self._gate.port}))
            environment |= {"SECRET_MANAGER_ENDPOINT": f"{NAME}:443", "https_proxy": proxy.url}
        return self.site.deploy(self.standin, **environment)

    @property
    def port(self) -> int:
        return int(self.standin.secret_manager.address.rpartition(":")[2])

    def arrived_at_the_real_one(self) -> int:
        return self.standin.count("access")

    def stop(self) -> None:
        self.standin.secret_manager.stop()

    def start(self) -> None:
        self.standin.secret_manager.start()

    def show(self, certificate: ssl.SSLContext) -> None:
        certificate.set_alpn_protocols(["h2"])
        self._gate.show(certificate)

    @contextlib.contextmanager
    def unresolved(self) -> Iterator[None]:
        """Make clients for a name that gRPC, which looks up names itself, cannot find."""

        def make_unresolved_client(*_: object) -> SecretManagerServiceClient:
            channel = grpc.insecure_channel(UNFINDABLE, options=[google_client._OWN_CONNECTIONS])
            return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))

        make_client = google_client._make_client
        self.site.patch.setattr(google_client, "_make_client", make_unresolved_client)
        self.stop()
        self.call()  # with the client made before, whose connection is refused, so it is replaced
        yield
        self.site.patch.setattr(google_client, "_make_client", make_client)
        self.start()


class AwsSecretsManager(_SecretPlace):
    """AWS Secrets Manager, through boto3."""

    def build(self) -> Function:
        self.standin = self.site.start_standin()
        text = json.dumps(self.site.jwk)
        self._manager = self.site.ending.enter_context(SecretsManager(self.site.authority.server() if self.tls else None))
        arn = self._add(text)
        self.read = read_http(json.dumps({"ARN": arn, "SecretString": text}).encode())
        trust = {"REQUESTS_CA_BUNDLE": str(self.site.authority.bundle)} if self.tls else {}
        return self.site.deploy(self.standin, **self._manager.environment(arn), **trust)

    def _add(self, text: str) -> str:
        self.site.patch.setenv("AWS_CA_BUNDLE", str(self.site.authority.bundle))
        arn = self._manager.add(text)
        self.site.patch.delenv("AWS_CA_BUNDLE")
        return arn

    @property
    def port(self) -> int:
        return self._manager.port

    def arrived_at_the_real_one(self) -> int:
        return len(self._manager.reads)

    def stop(self) -> None:
        self._manager.stop()

    def start(self) -> None:
        self._manager.start()

    def show(self, certificate: ssl.SSLContext) -> None:
        self._manager.stop()
        self._manager._tls = certificate
        self._manager.start()


class AwsExtension(_SecretPlace):
    """AWS's Lambda extension, which is called before Secrets Manager."""

    little_seconds = 10.0
    """The extension is given up after its own 2 s; then boto3's client is made, which takes seconds on a busy machine."""

    def build(self) -> Function:
        self.standin = self.site.start_standin()
        text = json.dumps(self.site.jwk)
        manager = self.site.ending.enter_context(SecretsManager())
        self._extension = self.site.ending.enter_context(Extension(manager, time.time))
        arn = manager.add(text)
        self._manager = manager
        self.read = read_http(json.dumps({"ARN": arn, "SecretString": text}).encode())
        return self.site.deploy(self.standin, **self._extension.environment(arn))

    @property
    def port(self) -> int:
        return self._extension.port

    def arrived_at_the_real_one(self) -> int:
        return len(self._extension.reads) + len(self._manager.reads)

    def stop(self) -> None:
        self._extension.stop()

    def start(self) -> None:
        self._extension.start()

    def show(self, certificate: Any) -> None:
        raise NotImplementedError("the extension speaks no TLS")


class _TlsGate:
    """Terminates TLS, with a replaceable certificate, and passes on the plain bytes."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._certificate: ssl.SSLContext | None = None
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def show(self, certificate: ssl.SSLContext) -> None:
        """Use this certificate from now on, and end the connections that were made with another."""
        self._certificate = certificate
        while self._connections:
            with contextlib.suppress(OSError):
                self._connections.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        assert self._certificate is not None
        with contextlib.suppress(OSError), client, socket.create_connection((HOST, self._behind)) as behind:
            self._connections.append(behind)
            with self._certificate.wrap_socket(client, server_side=True) as secured:
                back = threading.Thread(target=pump, args=(behind, secured), daemon=True)
                back.start()
                pump(secured, behind)
                back.join()
