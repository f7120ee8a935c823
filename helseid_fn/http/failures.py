"""Why an exchange brought no complete answer, read from the exception that ended it; pure."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from urllib3 import exceptions
from urllib3.util.ssl_match_hostname import CertificateError

from helseid_fn.errors import Party

# OpenSSL's names for what goes wrong before anything is sent: certificates, versions, protocols.
_HANDSHAKE = re.compile("CERT|HANDSHAKE|VERSION|PROTOCOL|UNKNOWN_CA|HTTP_REQUEST|WRONG_")


@dataclass(frozen=True, slots=True)
class Loss:
    """No complete answer came.

    `reason` is one of `errors.UNREACHABLE_REASONS`, or "http" when what came was not HTTP. `acted` tells whether the server
    may have acted on the request all the same.
    """

    reason: str
    acted: bool


def read_loss(error: BaseException) -> Loss:
    """Read the loss from an exception of requests, urllib3, http.client, ssl or socket, whichever wraps the other."""
    chain = tuple(_chain(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in chain)

    if has(exceptions.ProxyError):
        return Loss("proxy", acted=False)
    if has(exceptions.NameResolutionError):
        return Loss("dns", acted=False)
    if has(exceptions.NewConnectionError, exceptions.ConnectTimeoutError):
        return Loss("connect", acted=False)
    if has(exceptions.ReadTimeoutError, TimeoutError):
        return Loss("timeout", acted=True)
    if any(_is_handshake_fault(each) for each in chain):
        return Loss("tls", acted=False)
    if has(http.client.HTTPException, exceptions.InvalidHeader) and not has(
        http.client.RemoteDisconnected, http.client.IncompleteRead
    ):
        return Loss("http", acted=True)
    return Loss("connection_lost", acted=True)


def describe_loss(loss: Loss, party: Party, origin_url: str, waited_seconds: float) -> str:
    """Describe the loss as a sentence without its full stop: what happened, and what to look at."""
    who = f"{party.as_subject} at {origin_url}"
    return {
        "proxy": f"{who} could not be reached through the proxy; check HTTPS_PROXY and NO_PROXY",
        "dns": f"{who} could not be found by name; check the address and the network's DNS",
        "connect": f"{who} did not take the connection; check the address, whether it is up, and the function's egress",
        "timeout": f"{who} did not answer within {waited_seconds:.3g} s; check how it is doing and the function's egress",
        "connection_lost": f"{who} hung up before its answer was complete; try again, and check how it is doing",
        "tls": f"{who} does not speak TLS, or shows a certificate that is not trusted or not for that name; "
        "check the address and the CA bundle (REQUESTS_CA_BUNDLE)",
        "http": f"{who} answered with something that is not HTTP; check the address and what stands in front of it",
    }[loss.reason]


def _is_handshake_fault(error: BaseException) -> bool:
    reason = getattr(error, "reason", None)
    named = isinstance(reason, str) and _HANDSHAKE.search(reason) is not None
    # urllib3 has an exception of its own for a certificate of another name, where it compares the names itself, as for boto3.
    wrong_certificate = isinstance(error, (ssl.SSLCertVerificationError, CertificateError))
    return wrong_certificate or (isinstance(error, ssl.SSLError) and named)


def _chain(error: BaseException | None, depth: int = 0) -> Iterator[BaseException]:
    """Yield the exception and those that it wraps, each library in its own way."""
    if error is None or depth > 8:
        return
    yield error
    wrapped = [getattr(error, "reason", None), getattr(error, "original_error", None), error.__cause__, *error.args]
    for each in wrapped:
        if isinstance(each, BaseException):
            yield from _chain(each, depth + 1)
