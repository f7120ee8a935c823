"""Google Secret Manager over real gRPC, with the message types of Google's client library."""

import threading
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

import grpc

from standin import secret_service
from standin.http_party import Shared
from standin.http_server import HOST, bind
from standin.script import Script
from standin.secret import Version
from standin.secret_call import SecretCall
from standin.secret_faults import SecretFault
from standin.vault import Vault


class SecretManager:
    """The server, with methods to fill it and to make it fail."""

    def __init__(self, shared: Shared, port: int = 0) -> None:
        """Set up the server; it listens after `start`."""
        self._shared = shared
        self._port = port
        self.credentials: grpc.ServerCredentials | None = None
        """With them it speaks TLS from its next start; Google's client speaks plain text to this machine alone."""
        self._server: Any = None
        self._script: Script[SecretFault] = Script()
        self._ended = threading.Event()
        self.vault = Vault(shared.clock.now)
        self._service = secret_service.SecretService(self.vault, shared.record)

    @property
    def address(self) -> str:
        """Host and port, the form that `api_endpoint` and a gRPC channel take."""
        return f"{HOST}:{self._port}"

    def start(self) -> None:
        """Listen; a restarted server takes the same port again."""
        if self._server is not None:
            return
        bind(self._port).close()  # gRPC itself would log a failure to bind, and hide its cause
        self._ended = threading.Event()
        # Without this option two servers could share a port, and a stopped one would seem to run.
        server = grpc.server(ThreadPoolExecutor(max_workers=64), options=(("grpc.so_reuseport", 0),))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(secret_service.NAME, self._methods()),))
        if self.credentials is None:
            self._port = server.add_insecure_port(self.address)
        else:
            self._port = server.add_secure_port(self.address, self.credentials)
        server.start()
        self._server = server

    def stop(self) -> None:
        """Stop listening and end every call."""
        server, self._server = self._server, None
        if server is not None:
            self._ended.set()
            server.stop(grace=0).wait()

    def create(self, secret: str) -> None:
        """Create a secret without versions, unless it exists."""
        if secret not in self.vault.names():
            self.vault.create(secret)

    def add(self, secret: str, data: str | bytes) -> str:
        """Add a version and return its name; create the secret if necessary."""
        self.create(secret)
        return self._service.add(secret, data if isinstance(data, bytes) else data.encode()).name

    def versions(self, secret: str | None = None) -> list[Version]:
        """Return the versions of one secret, or of every secret, oldest first."""
        names = self.vault.names() if secret is None else [secret]
        return [version for name in names for version in self.vault.secret(name).versions]

    def disable(self, version: str) -> None:
        """Disable a version."""
        self.vault.change_state(version, "DISABLED")

    def enable(self, version: str) -> None:
        """Enable a version."""
        self.vault.change_state(version, "ENABLED")

    def destroy(self, version: str) -> None:
        """Destroy a version permanently."""
        self.vault.change_state(version, "DESTROYED")

    def alias(self, secret: str, alias: str, number: int) -> None:
        """Point an alias at a version."""
        self.vault.secret(secret).version_aliases[alias] = number

    def fail_next(self, kind: str, fault: SecretFault, *, times: int = 1, after: int = 0) -> None:
        """Fail the next calls of a kind, after letting `after` of them through.

        The kinds are access, add, get, list, enable, disable and destroy, and get_secret, create_secret, update_secret.
        """
        self._script.plan(kind, fault, times=times, after=after)

    def fail_always(self, kind: str, fault: SecretFault, *, after: int = 0) -> None:
        """Fail every call of a kind until `clear_faults`."""
        self._script.plan(kind, fault, times=inf, after=after)

    def clear_faults(self) -> None:
        """Remove every planned fault."""
        self._script.clear()

    def _methods(self) -> dict[str, Any]:
        return {
            name: grpc.unary_unary_rpc_method_handler(
                SecretCall(name, respond, self._shared, self._script, lambda: self._ended),
                request_deserializer=request.deserialize,
                response_serializer=response.serialize,
            )
            for name, (respond, request, response) in self._service.methods().items()
        }
