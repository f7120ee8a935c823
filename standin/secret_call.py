"""One gRPC call to the secret manager: served or failed as planned, and recorded."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc

from standin import secret_faults
from standin.http_party import Shared
from standin.record import Exchange
from standin.refusals import Refusal
from standin.script import Script
from standin.secret import VaultError
from standin.secret_faults import SecretFault

_ENDED = ("UNAVAILABLE", "the server stopped")


class SecretCall:
    """The gRPC handler of one method."""

    def __init__(
        self,
        method: str,
        respond: Callable[[Any], Any],
        shared: Shared,
        script: Script[SecretFault],
        ended: Callable[[], threading.Event],
    ) -> None:
        """Call `respond` for the response; `ended` returns the event that is set when the server stops."""
        self._method = method
        self._respond = respond
        self._shared = shared
        self._script = script
        self._ended = ended
        self.kind = _kind(method)

    def __call__(self, request: Any, context: Any) -> Any:
        """Serve one call."""
        started = time.monotonic()
        fault = self._script.take(self.kind)
        exchange = self._shared.record.begin(self._exchange(request, fault))
        refusal: Refusal | None = None
        try:
            response = self._serve(request, fault)
        except VaultError as error:
            refusal = Refusal(error.code, error.details, error.details)
        elapsed = time.monotonic() - started
        status = refusal.error if refusal else "OK"
        self._shared.record.finish(replace(exchange, status=status, refusal=refusal, duration_seconds=elapsed))
        if refusal:
            context.abort(grpc.StatusCode[refusal.error], refusal.description)
        return response

    def _serve(self, request: Any, fault: SecretFault | None) -> Any:
        early = self._respond(request) if getattr(fault, "handled", False) else None
        match fault:
            case secret_faults.Fail(code, details):
                raise VaultError(code, details)
            case secret_faults.Silence():
                self._ended().wait()
                raise VaultError(*_ENDED)
            case secret_faults.Slow(seconds):
                if self._ended().wait(seconds):
                    raise VaultError(*_ENDED)
        response = early or self._respond(request)
        if isinstance(fault, secret_faults.CorruptPayload):
            data = response.payload.data
            response.payload.data = bytes([data[0] ^ 1]) + data[1:]
        if isinstance(fault, secret_faults.WrongChecksum):
            response.payload.data_crc32c ^= 1
        return response

    def _exchange(self, request: Any, fault: SecretFault | None) -> Exchange:
        named = getattr(request, "name", "") or getattr(request, "parent", "") or request.secret.name
        return Exchange(
            number=0,
            party="secret_manager",
            kind=self.kind,
            method=self._method,
            target=named,
            headers=(),
            body=b"",
            form={},
            claims={},
            started_at=self._shared.clock.now(),
            fault=repr(fault) if fault else None,
        )


def _kind(method: str) -> str:
    """Return the verb of a version's method, such as `access`; a secret's own method keeps the noun: `get_secret`."""
    verb, _, _ = method.partition("Secret")
    return f"{verb.lower()}_secret" if method.endswith("Secret") else verb.lower()
