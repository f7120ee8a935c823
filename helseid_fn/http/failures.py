"""Classifies transport exceptions (urllib3, http.client, ssl, socket); pure."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

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


class TunnelRefusedError(OSError):
    """A proxy responded to CONNECT with this status, which is not 2xx."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the proxy refused the tunnel with status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Failure:
    """No complete response was received.

    `reason` is one of `error_codes.UNAVAILABLE_REASONS`, or "http" when the bytes received were not HTTP. `processed` means
    that the server may have processed the request, `final` that the same request would fail again. `words` say more than the
    reason does, in two sentences that follow the server's name.
    """

    reason: str
    processed: bool
    final: bool = False
    words: tuple[str, str] | None = field(default=None, compare=False)


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
        reason = "timeout" if has(TimeoutError) else "tls"
        return Failure(reason, processed=False, final=broken_tls, words=_describe_handshake(chain))
    if phase is Phase.PROXY:
        return _classify_proxy(chain)
    if phase is not None:
        return _NOT_SENT[phase]
    for failure, types in _BY_TYPE:
        if has(*types):
            return failure
    return Failure("tls", processed=True, final=True) if broken_tls and not phases_known else _LOST


def _classify_proxy(chain: tuple[BaseException, ...]) -> Failure:
    """Classify a failure on the way through a proxy; without credentials, or for this host, it refuses for good."""
    status = next((each.status for each in chain if isinstance(each, TunnelRefusedError)), None)
    if status is None:
        return _NOT_SENT[Phase.PROXY]
    remedy = {
        407: "Put the user name and the password that it wants into HTTPS_PROXY.",
        403: "Have the host allowed there, or named in NO_PROXY.",
    }.get(status, "Check the proxy, HTTPS_PROXY and NO_PROXY.")
    words = (f"could not be reached, since the proxy refused the connection with {status}.", remedy)
    return Failure("proxy", processed=False, final=status in (403, 407), words=words)


# What OpenSSL calls the bytes of a server that speaks another protocol; it changes the words only.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")


def _describe_handshake(chain: tuple[BaseException, ...]) -> tuple[str, str] | None:
    """Say what is wrong with a server's TLS, where OpenSSL or the socket tells it."""
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            fault = each.verify_message.rstrip(".") or "it is not trusted"
            remedy = "Check the address and the CA bundle (REQUESTS_CA_BUNDLE)."
            return f"presented a certificate that cannot be verified: {fault}.", remedy
        if isinstance(each, ssl.SSLError) and getattr(each, "reason", None) in _NOT_TLS:
            return "does not speak TLS on that port.", "Check the port and the scheme of the address, and any proxy in between."
        if isinstance(each, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)):
            return "ended the TLS handshake by closing the connection.", "If it goes on, check its status and any firewall."
    return None


HELSENETTET = "In production many APIs of nhn.no are reachable only from Helsenettet; see docs/helsenettet.md."


def describe_failure(failure: Failure, party: Party, origin_url: str, waited_seconds: float) -> tuple[str, str]:
    """Describe the failure in two sentences: what happened, and what to check."""
    checks = "Check the address, the server's status and the function's egress."
    if f".{urlsplit(origin_url).hostname}".endswith(".nhn.no"):
        checks = HELSENETTET
    what, remedy = (
        failure.words
        or {
            "proxy": ("could not be reached through the proxy.", "Check HTTPS_PROXY and NO_PROXY."),
            "dns": ("has a host name that could not be resolved.", checks),
            "connect": ("did not accept a connection.", checks),
            "timeout": (f"did not respond within {waited_seconds:.3g} s.", "Check its status and the function's egress."),
            "connection_lost": (
                "closed the connection before its response was complete.",
                "If it goes on, check its status.",
            ),
            "tls": (
                "does not speak TLS, or its certificate is not trusted or is for another name.",
                "Check the address and the CA bundle (REQUESTS_CA_BUNDLE).",
            ),
            "http": (
                "sent something other than an HTTP response.",
                "Check the address and any proxy or gateway in front of it.",
            ),
        }[failure.reason]
    )
    return f"{party.as_subject} at {origin_url} {what}", remedy


def _chain(error: BaseException | None, depth: int = 0) -> Iterator[BaseException]:
    """Yield the exception and those it wraps; every library has its own way of wrapping."""
    if error is None or depth > 8:
        return
    yield error
    wrapped = [getattr(error, "reason", None), getattr(error, "original_error", None), error.__cause__, *error.args]
    for each in wrapped:
        if isinstance(each, BaseException):
            yield from _chain(each, depth + 1)
