"""The parties that the functions call: the stand-in, Secrets Manager, its extension, and an API that costs almost nothing."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from bench.batches import Program
from demo.processes import bare_environment
from standin import Client, StandIn, make_jwk, public_jwk
from standin.aws.secrets_manager import SESSION_TOKEN, Extension, SecretsManager
from standin.sample_api import GREETINGS_PATH

SECRET = "projects/bench/secrets/helseid-key"  # noqa: S105  # an address
OTHER_PARENT = "313745392"


class Parties:
    """Started on entry; there is a client for each key size, with a new RSA key for PS256."""

    def __init__(self) -> None:
        keys = {bits: make_jwk("PS256", bits=bits) for bits in (2048, 4096)}
        clients = [
            Client(client_id=f"rsa-{bits}", jwks=[public_jwk(key)], other_parents=[OTHER_PARENT]) for bits, key in keys.items()
        ]
        self.standin = StandIn(clients, secret_manager=True)
        self._keys = {bits: json.dumps(key) for bits, key in keys.items()}
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.standin)
            self.standin.secret_manager.add(SECRET, self._keys[4096])
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for bits, text in self._keys.items():
                (self._folder / str(bits)).touch(0o600)
                (self._folder / str(bits)).write_text(text)
            self._manager = stack.enter_context(SecretsManager())
            self._arn = self._manager.add(self._keys[4096])
            self._extension = stack.enter_context(Extension(self._manager, time.time, ttl_seconds=float("inf")))
            api = stack.enter_context(Program("plain_api", Path(sys.executable), bare_environment()))
            self._plain_api_url = f"http://127.0.0.1:{int(api.read()[0])}{GREETINGS_PATH}"
            self._running = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def with_key_file(self, bits: int = 4096) -> dict[str, str]:
        """Return the environment of a function whose key is a file."""
        return self._environment(f"file:{self._folder / str(bits)}", bits)

    def with_secret_manager(self) -> dict[str, str]:
        """Return the environment of a function whose key is in Google's Secret Manager."""
        return self._environment(f"{SECRET}/versions/latest")

    def with_extension(self) -> dict[str, str]:
        """Return the environment of a function on Lambda with the extension."""
        return {**self._environment(self._arn), **self._extension.environment(self._arn)}

    def with_secrets_manager(self) -> dict[str, str]:
        """Return the environment of a function on Lambda without the extension."""
        return {**self._environment(self._arn), **self._manager.environment(self._arn, AWS_SESSION_TOKEN=SESSION_TOKEN)}

    def with_plain_api(self) -> dict[str, str]:
        """Return the environment of a function that calls an API that checks nothing."""
        return {**self.with_key_file(), "API_URL": self._plain_api_url}

    def count(self, *kinds: str) -> int:
        """Count the requests of these kinds that have arrived so far."""
        return sum(self.standin.count(kind) for kind in kinds)

    def _environment(self, key_address: str, bits: int = 4096) -> dict[str, str]:
        return {**bare_environment(), **self.standin.environment(key_address, f"rsa-{bits}")}
