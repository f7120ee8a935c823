"""Classifies transport exceptions (urllib3, http.client, ssl, socket); pure."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import requests.exceptions
from urllib3 import exceptions
from urllib3.util.ssl_match_hostname import CertificateError

from helseid_fn.error_codes import Party


class Phase(Enum):
    """A phase of connecting. The value is the reason of a failure in it."""

    RESOLVING = "dns"
    CONNECTING = "connect"
    PROXY = "proxy"
    TLS = "tls"


class ConnectError(exceptions.HTTPError):
    """No connection was made, so nothing was sent. `__cause__` says what went wrong in the phase."""

    def __init__(self, phase: Phase) -> None:
        super().__init__(f"no connection: {phase.value}")
        self.phase = phase


@dataclass(frozen=True, slots=True)
class Failure:
    """No complete response was received.

    `reason` is one of `errors.UNAVAILABLE_REASONS`, or "http" when the bytes received were not HTTP. `processed` means that
    the server may have processed the request, `final` that the same request would fail again.
    """

    reason: str
    processed: bool
    final: bool = False


_LOST = Failure("connection_lost", processed=True)
_NOT_SENT = {phase: Failure(phase.value, processed=False) for phase in Phase}

_BY_TYPE: tuple[tuple[Failure, tuple[type[BaseException], ...]], ...] = (
    (
        _NOT_SENT[Phase.PROXY],
        (exceptions.ProxyError, requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema),
    ),
    (_NOT_SENT[Phase.RESOLVING], (exceptions.NameResolutionError,)),
    (_NOT_SENT[Phase.CONNECTING], (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)),
    (Failure("timeout", processed=True), (exceptions.ReadTimeoutError, TimeoutError)),
    (Failure("tls", processed=False, final=True), (ssl.SSLCertVerificationError, CertificateError)),
    (_LOST, (http.client.RemoteDisconnected, http.client.IncompleteRead)),
    (Failure("http", processed=True, final=True), (http.client.HTTPException, exceptions.InvalidHeader)),
)
"""The failures of everything but connecting, and of other libraries' connections. The first match counts."""


def classify_failure(error: BaseException, *, phases_known: bool = True) -> Failure:
    """Classify an exception by the phase of a `ConnectError`, else by its type and the types it wraps.

    Our connections raise `ConnectError` for every failure to connect, so a TLS error without one came after the request was
    sent. Pass `phases_known=False` for another library's connections, where such an error may be the handshake's.
    """
    chain = tuple(_chain(error))

    def has(*types: type[BaseException]) -> bool:
        return any(isinstance(each, types) for each in chain)

    broken_tls = has(ssl.SSLError) and not has(ssl.SSLEOFError, ssl.SSLZeroReturnError)  # more than a lost connection
    phase = next((each.phase for each in chain if isinstance(each, ConnectError)), None)
    if phase is Phase.TLS:
        return Failure("timeout" if has(TimeoutError) else "tls", processed=False, final=broken_tls)
    if phase is not None:
        return _NOT_SENT[phase]
    for failure, types in _BY_TYPE:
        if has(*types):
            return failure
    return Failure("tls", processed=True, final=True) if broken_tls and not phases_known else _LOST


def describe_failure(failure: Failure, party: Party, origin_url: str, waited_seconds: float) -> str:
    """Describe the failure in two sentences: what happened, and what to check."""
    what = {
        "proxy": "could not be reached through the proxy. Check HTTPS_PROXY and NO_PROXY.",
        "dns": "has a host name that could not be resolved. Check the address and the network's DNS.",
        "connect": "did not accept a connection. Check the address, the server's status and the function's egress.",
        "timeout": f"did not respond within {waited_seconds:.3g} s. Check its status and the function's egress.",
        "connection_lost": "closed the connection before its response was complete. If it goes on, check its status.",
        "tls": "does not speak TLS, or its certificate is not trusted or is for another name. "
        "Check the address and the CA bundle (REQUESTS_CA_BUNDLE).",
        "http": "sent something other than an HTTP response. Check the address and any proxy or gateway in front of it.",
    }[failure.reason]
    return f"{party.as_subject} at {origin_url} {what}"


def _chain(error: BaseException | None, depth: int = 0) -> Iterator[BaseException]:
    """Yield the exception and those it wraps; every library has its own way of wrapping."""
    if error is None or depth > 8:
        return
    yield error
    wrapped = [getattr(error, "reason", None), getattr(error, "original_error", None), error.__cause__, *error.args]
    for each in wrapped:
        if isinstance(each, BaseException):
            yield from _chain(each, depth + 1)
