"""The way to one server: proxy, DNS, TCP and TLS, each as a finding of its own."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from helseid_fn.cli.doctor.finding import Finding, State, ok, skipped
from helseid_fn.http.adapter import find_route
from helseid_fn.http.addresses import Address, open_socket, resolve
from helseid_fn.http.failures import HELSENETTET
from helseid_fn.http.trust import load_tls_context

TIMEOUT_SECONDS = 5.0
_START_IT = "Nothing listens there on this machine. Start the server, such as helseid-standin, or correct the port."


def check_way(url: str) -> Iterator[Finding]:
    """Check the way to a URL's server step by step, and stop where it ends."""
    target = _Target(url)
    proxy, bundle = find_route(url)
    hop = _Target(proxy) if proxy else target
    if proxy:
        yield ok("proxy", f"{target.name} is reached through {hop.name}.")
    addresses = _look_up(hop)
    yield _check_dns(hop, addresses, is_proxy=proxy is not None)
    if isinstance(addresses, Exception):
        return
    connected = _connect(addresses)
    yield _check_tcp(hop, connected, is_proxy=proxy is not None)
    if isinstance(connected, OSError):
        return
    with closing(connected):
        if proxy:
            refusal = _open_tunnel(connected, target)
            if refusal is not None:
                yield refusal
                return
        yield _check_tls(connected, target, bundle, hop.name if proxy else None)


class _Target:
    """The host and the port of a URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.name = f"{self.host}:{self.port}"


def _look_up(target: _Target) -> list[Address] | Exception:
    try:
        return resolve(target.host, target.port, TIMEOUT_SECONDS)
    except (OSError, UnicodeError) as error:
        return error


def _check_dns(target: _Target, found: list[Address] | Exception, *, is_proxy: bool) -> Finding:
    if isinstance(found, Exception):
        if is_proxy:
            return _failed("proxy", f"The proxy's name {target.host} could not be resolved.", "Check HTTPS_PROXY.", "proxy.dns")
        return _failed("dns", f"The name {target.host} could not be resolved.", _remedy(target), "dns.failed")
    addresses = sorted({str(each[4][0]) for each in found})
    kinds = {_kind(each) for each in addresses}
    return ok("dns", f"{target.host} is {', '.join(addresses)} ({' and '.join(sorted(kinds))}).")


def _kind(address: str) -> str:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if parsed.is_loopback:
        return "this machine"
    return "private, as in Helsenettet or a network of your own" if parsed.is_private else "public"


def _connect(addresses: list[Address]) -> socket.socket | OSError:
    try:
        connected = open_socket(addresses, (), time.monotonic() + TIMEOUT_SECONDS)
    except OSError as error:
        return error
    connected.settimeout(TIMEOUT_SECONDS)
    return connected


def _check_tcp(target: _Target, connected: socket.socket | OSError, *, is_proxy: bool) -> Finding:
    if not isinstance(connected, OSError):
        return ok("tcp", f"{target.name} accepts connections.")
    if isinstance(connected, TimeoutError):
        why, code = f"did not respond within {TIMEOUT_SECONDS:g} s, so a firewall probably drops what is sent", "tcp.timeout"
    else:
        why, code = f"refused the connection ({connected.strerror})", "tcp.refused"
    if is_proxy:
        return _failed(
            "proxy", f"The proxy {target.name} {why}.", "Check HTTPS_PROXY and NO_PROXY.", code.replace("tcp", "proxy")
        )
    is_here = target.host in {"localhost", "127.0.0.1", "::1"}
    remedy = _START_IT if is_here and code == "tcp.refused" else _remedy(target)
    return _failed("tcp", f"{target.name} {why}.", remedy, code)


def _open_tunnel(connected: socket.socket, target: _Target) -> Finding | None:
    """Have the proxy open a tunnel; the credentials in its URL are the transport's to send, so the sign-in reports a 407."""
    connected.sendall(f"CONNECT {target.name} HTTP/1.1\r\nHost: {target.name}\r\n\r\n".encode("ascii"))
    head = b""
    try:
        while not head.endswith(b"\r\n\r\n") and len(head) < 65536 and (octet := connected.recv(1)):
            head += octet
    except OSError:
        head = b""
    status = head.split(b" ")[1].decode("ascii", "replace") if head.count(b" ") else "nothing"
    if status.startswith("2"):
        return None
    if status == "407":
        return skipped("tls", f"The proxy wants a user name, so the TLS of {target.name} is tried with the sign-in alone.")
    remedy = "Have the host allowed there, or named in NO_PROXY."
    return _failed("proxy", f"The proxy refused a connection to {target.name} ({status}).", remedy, "proxy.forbids")


def _check_tls(connected: socket.socket, target: _Target, bundle: str, proxy: str | None) -> Finding:
    if target.scheme != "https":
        return skipped("tls", f"{target.name} is on this machine and not https.")
    try:
        with load_tls_context(bundle).wrap_socket(connected, server_hostname=target.host) as secured:
            return ok("tls", f"{target.name} speaks {secured.version()}, with a certificate from {_verified_issuer(secured)}.")
    except ssl.SSLCertVerificationError as error:
        return _explain_certificate(error, target, proxy)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it closed the connection"
        remedy = "Check the port and the scheme of the address, and any proxy or firewall in between."
        return _failed("tls", f"{target.name} does not speak TLS as expected ({reason}).", remedy, "tls.protocol")


def _explain_certificate(error: ssl.SSLCertVerificationError, target: _Target, proxy: str | None) -> Finding:
    """Say whose certificate it is: a network that inspects TLS shows its own."""
    fault = error.verify_message.rstrip(".")
    if error.verify_code == 10:  # X509_V_ERR_CERT_HAS_EXPIRED
        return _failed(
            "tls", f"The certificate of {target.name} has expired.", "Report it, or check this clock.", "tls.expired"
        )
    if error.verify_code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
        remedy = "Check the address, and whether DNS or a proxy leads elsewhere."
        return _failed("tls", f"The certificate of {target.name} is for another name ({fault}).", remedy, "tls.other_name")
    issuer = _fetch_issuer(target) if proxy is None else f"an authority that {proxy} may have made"
    return _failed(
        "tls",
        f"The certificate of {target.name} is from {issuer}, which this machine does not trust: a network that inspects TLS?",
        "If it is your network's, name a file with its certificate and the usual ones in REQUESTS_CA_BUNDLE.",
        "tls.untrusted",
    )


def _verified_issuer(secured: ssl.SSLSocket) -> str:
    certificate: dict[str, Any] = dict(secured.getpeercert() or {})
    names = dict(pair for part in certificate.get("issuer", ()) for pair in part)
    return str(names.get("organizationName") or names.get("commonName") or "an authority without a name")


def _fetch_issuer(target: _Target) -> str:
    """Fetch the certificate again without verifying it, only to read who issued it; nothing is sent over this connection."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((target.host, target.port), timeout=TIMEOUT_SECONDS) as connected,
            context.wrap_socket(connected, server_hostname=target.host) as secured,
        ):
            certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    except (OSError, ValueError):
        return "an unknown authority"
    named = [
        each
        for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        for each in certificate.issuer.get_attributes_for_oid(oid)
    ]
    return f"{named[0].value!s:.100}" if named else "an authority without a name"


def _remedy(target: _Target) -> str:
    is_nhn = f".{target.host}".endswith(".nhn.no")
    return HELSENETTET if is_nhn else "Check the address, this network's DNS and its egress."


def _failed(check: str, finding: str, remedy: str, code: str) -> Finding:
    return Finding(check, State.FAILED, finding, remedy, code)
