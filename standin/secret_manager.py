"""Google Secret Manager over real gRPC, on the package's own message types."""

import threading
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

import grpc

from standin import secret_service
from standin.http_party import House
from standin.http_server import HOST
from standin.script import Script
from standin.secret import Version
from standin.secret_call import SecretCall
from standin.secret_faults import SecretFault
from standin.vault import Vault


class SecretManager:
    """The server, and the handles by which a test fills and breaks it."""

    def __init__(self, house: House, port: int = 0) -> None:
        """Prepare without listening."""
        self._house = house
        self._port = port
        self._server: Any = None
        self._script: Script[SecretFault] = Script()
        self._ended = threading.Event()
        self.vault = Vault(house.clock.now)
        self._service = secret_service.SecretService(self.vault, house.record)

    @property
    def address(self) -> str:
        """Host and port, as `api_endpoint` and a channel want them."""
        return f"{HOST}:{self._port}"

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        if self._server is not None:
            return
        self._ended = threading.Event()
        # Without this option two servers could share a port, and a stopped one would seem to live on.
        server = grpc.server(ThreadPoolExecutor(max_workers=64), options=(("grpc.so_reuseport", 0),))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(secret_service.NAME, self._methods()),))
        self._port = server.add_insecure_port(self.address)
        server.start()
        self._server = server

    def stop(self) -> None:
        """Stop listening and end every call."""
        server, self._server = self._server, None
        if server is not None:
            self._ended.set()
            server.stop(grace=0).wait()

    def create(self, secret: str) -> None:
        """Make a secret without versions, unless there is one by this name."""
        if secret not in self.vault.names():
            self.vault.create(secret)

    def add(self, secret: str, data: str | bytes) -> str:
        """Add a version, making the secret when there is none; give the version's name."""
        self.create(secret)
        return self._service.keep(secret, data if isinstance(data, bytes) else data.encode()).name

    def versions(self, secret: str | None = None) -> list[Version]:
        """Give the versions of one secret, or of every secret, the oldest first: their states and what each holds."""
        names = self.vault.names() if secret is None else [secret]
        return [version for name in names for version in self.vault.secret(name).versions]

    def disable(self, version: str) -> None:
        """Disable a version."""
        self.vault.change_state(version, "DISABLED")

    def enable(self, version: str) -> None:
        """Enable a version."""
        self.vault.change_state(version, "ENABLED")

    def destroy(self, version: str) -> None:
        """Destroy a version for good."""
        self.vault.change_state(version, "DESTROYED")

    def alias(self, secret: str, alias: str, number: int) -> None:
        """Give a version a second name."""
        self.vault.secret(secret).version_aliases[alias] = number

    def fail_next(self, kind: str, fault: SecretFault, *, times: int = 1, after: int = 0) -> None:
        """Fail the next calls of a kind, once `after` of them were let through.

        The kinds are access, add, get, list, enable, disable and destroy, and get_secret, create_secret, update_secret.
        """
        self._script.plan(kind, fault, times=times, after=after)

    def fail_always(self, kind: str, fault: SecretFault, *, after: int = 0) -> None:
        """Fail every call of a kind until `clear_faults`."""
        self._script.plan(kind, fault, times=inf, after=after)

    def clear_faults(self) -> None:
        """Forget every planned fault."""
        self._script.clear()

    def _methods(self) -> dict[str, Any]:
        return {
            name: grpc.unary_unary_rpc_method_handler(
                SecretCall(name, answer, self._house, self._script, lambda: self._ended),
                request_deserializer=asked.deserialize,
                response_serializer=answered.serialize,
            )
            for name, (answer, asked, answered) in self._service.methods().items()
        }
