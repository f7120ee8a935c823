"""The parties of the benchmark behind TLS and a distance: each is reached through a proxy in a process of its own.

Near are those that are near in a cloud: Google's metadata server, and AWS's extension, which has the secret after the three
round trips that a new connection to Secrets Manager takes. The CA bundle is certifi's and the run's own authority, since
loading it takes as long as in a cloud. Both sides choose TLS 1.3.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import certifi
import grpc

from bench.batches import Program
from bench.credentials_server import CredentialsServer
from bench.limit import API_SECONDS, HELSEID_SECONDS, MANAGER_SECONDS
from demo.processes import bare_environment
from standin import Client, StandIn, make_jwk, public_jwk
from standin.aws.secrets_manager import SESSION_TOKEN, Extension, SecretsManager
from standin.aws.server import Environ, StartResponse
from tests.support.certificates import Authority

SECRET = "projects/bench/secrets/helseid-key"  # noqa: S105  # an address
_MANAGER_HOST = "secretmanager.localhost"
"""This machine, by a name that gRPC resolves itself (RFC 6761); to `localhost` the function speaks plain text."""


class _DistantExtension(Extension):
    """Waits before each response for as long as its new connection to Secrets Manager and its request would take."""

    def _respond(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        time.sleep(3 * MANAGER_SECONDS)
        return super()._respond(environ, start_response)


class DistantParties:
    """Started on entry; the one client has a new RSA key for PS256."""

    def __init__(self, bits: int = 4096) -> None:
        key = make_jwk("PS256", bits=bits)
        self._key_text = json.dumps(key)
        self._client = Client(client_id="distant", jwks=[public_jwk(key)])
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            authority = Authority(folder / "authority")
            chain = authority.chain("127.0.0.1", _MANAGER_HOST)
            tls = authority.server("127.0.0.1")
            self._bundle = folder / "bundle.pem"
            self._bundle.write_text(Path(certifi.where()).read_text() + authority.bundle.read_text())
            self._key_file = folder / "key"
            self._key_file.touch(0o600)
            self._key_file.write_text(self._key_text)
            self.standin = StandIn([self._client], secret_manager=True, tls=tls)
            self.standin.secret_manager.credentials = grpc.ssl_server_credentials([(chain.read_bytes(), chain.read_bytes())])
            stack.enter_context(self.standin)
            self.standin.secret_manager.add(SECRET, self._key_text)
            for party, seconds in ((self.standin.helseid, HELSEID_SECONDS), (self.standin.api, API_SECONDS)):
                party.server.public_port = _move_away(stack, party.server.port, seconds)
            port = int(self.standin.secret_manager_address.rpartition(":")[2])
            self._google_port = _move_away(stack, port, MANAGER_SECONDS)
            self._credentials = stack.enter_context(CredentialsServer())
            self._manager = stack.enter_context(SecretsManager())
            self._arn = self._manager.add(self._key_text)
            self._extension = stack.enter_context(_DistantExtension(self._manager, time.time, ttl_seconds=float("inf")))
            secured = stack.enter_context(SecretsManager(tls))  # with the same secrets: moto keeps them for the process
            self._aws_port = _move_away(stack, secured.port, MANAGER_SECONDS)
            self._running = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def with_key_file(self) -> dict[str, str]:
        """Return the environment of a function whose key is a file."""
        return self._environment(f"file:{self._key_file}")

    def with_secret_manager(self) -> dict[str, str]:
        """Return the environment of a function whose key is in Google's Secret Manager."""
        return {
            **self._environment(f"{SECRET}/versions/latest"),
            **self._credentials.environment(),
            "SECRET_MANAGER_ENDPOINT": f"{_MANAGER_HOST}:{self._google_port}",
            "GRPC_DNS_RESOLVER": "ares",
        }

    def with_extension(self) -> dict[str, str]:
        """Return the environment of a function on Lambda with the extension."""
        return {**self._environment(self._arn), **self._extension.environment(self._arn), **self._endpoint()}

    def with_secrets_manager(self) -> dict[str, str]:
        """Return the environment of a function on Lambda without the extension."""
        environment = self._manager.environment(self._arn, AWS_SESSION_TOKEN=SESSION_TOKEN)
        return {**self._environment(self._arn), **environment, **self._endpoint()}

    def _endpoint(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SECRETS_MANAGER": f"https://127.0.0.1:{self._aws_port}"}

    def _environment(self, key_address: str) -> dict[str, str]:
        names = ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
        return {**bare_environment(), **self.standin.environment(key_address), **dict.fromkeys(names, str(self._bundle))}


def _move_away(stack: ExitStack, port: int, seconds: float) -> int:
    """Put a proxy before a port, and return the proxy's."""
    arguments = (str(port), str(seconds))
    return int(stack.enter_context(Program("distance", Path(sys.executable), bare_environment(), *arguments)).read()[0])
