"""One gRPC call to the secret manager: failed as planned or answered, and written down."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc

from standin import secret_faults
from standin.http_party import House
from standin.record import Exchange
from standin.refusals import Refusal
from standin.script import Script
from standin.secret import VaultError
from standin.secret_faults import SecretFault

_ENDED = ("UNAVAILABLE", "the server stopped")


class SecretCall:
    """What gRPC calls for one method."""

    def __init__(
        self,
        method: str,
        answer: Callable[[Any], Any],
        house: House,
        script: Script[SecretFault],
        ended: Callable[[], threading.Event],
    ) -> None:
        """Answer by this function; `ended` tells the event that the server's stop sets."""
        self._method = method
        self._answer = answer
        self._house = house
        self._script = script
        self._ended = ended
        self.kind = _kind(method)

    def __call__(self, request: Any, context: Any) -> Any:
        """Treat one call."""
        started = time.monotonic()
        fault = self._script.take(self.kind)
        exchange = self._house.record.begin(self._exchange(request, fault))
        refusal: Refusal | None = None
        try:
            answer = self._treated(request, fault)
        except VaultError as error:
            refusal = Refusal(error.code, error.details, error.details)
        elapsed = time.monotonic() - started
        status = refusal.error if refusal else "OK"
        self._house.record.finish(replace(exchange, status=status, refusal=refusal, duration_seconds=elapsed))
        if refusal:
            context.abort(grpc.StatusCode[refusal.error], refusal.description)
        return answer

    def _treated(self, request: Any, fault: SecretFault | None) -> Any:
        early = self._answer(request) if getattr(fault, "handled", False) else None
        match fault:
            case secret_faults.Fail(code, details):
                raise VaultError(code, details)
            case secret_faults.Silence():
                self._ended().wait()
                raise VaultError(*_ENDED)
            case secret_faults.Slow(seconds):
                if self._ended().wait(seconds):
                    raise VaultError(*_ENDED)
        answer = early or self._answer(request)
        if isinstance(fault, secret_faults.CorruptPayload):
            data = answer.payload.data
            answer.payload.data = bytes([data[0] ^ 1]) + data[1:]
        if isinstance(fault, secret_faults.WrongChecksum):
            answer.payload.data_crc32c ^= 1
        return answer

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
            started_at=self._house.clock.now(),
            fault=repr(fault) if fault else None,
        )


def _kind(method: str) -> str:
    """Name a method by its verb: access, add, get, list, enable, disable, destroy; a secret's own with the noun."""
    verb, _, _ = method.partition("Secret")
    return f"{verb.lower()}_secret" if method.endswith("Secret") else verb.lower()
