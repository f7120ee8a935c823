from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable

import pytest
import requests
from urllib3 import HTTPConnectionPool
from urllib3 import exceptions as u3
from urllib3.connection import HTTPConnection
from urllib3.util.ssl_match_hostname import CertificateError

from helseid_fn.error_codes import INVALID_RESPONSE_REASONS, UNAVAILABLE_REASONS, Party
from helseid_fn.http.failures import ConnectError, Failure, Phase, TunnelRefusedError, classify_failure, describe_failure

POOL = HTTPConnectionPool("127.0.0.1")
CONNECTION = HTTPConnection("127.0.0.1")


def retries_used_up(cause: Exception) -> u3.MaxRetryError:
    return u3.MaxRetryError(POOL, "/", cause)


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


REFUSED = ConnectionRefusedError(111, "Connection refused")


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


UNTRUSTED = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
UNTRUSTED.verify_message = "certificate has expired"
RESET = ConnectionResetError(104, "Connection reset by peer")
DISCONNECTED = http.client.RemoteDisconnected("Remote end closed connection without response")
NO_NAME = u3.NameResolutionError("api.example.no", CONNECTION, socket.gaierror(-2, "Name or service not known"))
NO_CONNECTION = u3.NewConnectionError(CONNECTION, "refused")
CONNECT_TIMEOUT = u3.ConnectTimeoutError(CONNECTION, "timed out")
READ_TIMEOUT = u3.ReadTimeoutError(POOL, "/", "Read timed out.")
NO_PROXY = u3.ProxyError("Unable to connect to proxy", OSError("Tunnel connection failed: 403"))


def failed_in(phase: Phase, cause: BaseException) -> Exception:
    return caused(ConnectError(phase), cause)


CHAINS: list[tuple[str, Callable[[], BaseException], str, bool]] = [
    ("a proxy that fails", lambda: requests.exceptions.ProxyError(retries_used_up(NO_PROXY)), "proxy", False),
    (
        "a proxy that refuses the connection",
        lambda: requests.exceptions.ProxyError(retries_used_up(u3.ProxyError("no", NO_CONNECTION))),
        "proxy",
        False,
    ),
    ("name not found", lambda: requests.exceptions.ConnectionError(retries_used_up(NO_NAME)), "dns", False),
    ("connection refused", lambda: requests.exceptions.ConnectionError(retries_used_up(NO_CONNECTION)), "connect", False),
    (
        "connection refused, with its cause",
        lambda: requests.exceptions.ConnectionError(retries_used_up(caused(u3.NewConnectionError(CONNECTION, "no"), REFUSED))),
        "connect",
        False,
    ),
    (
        "a connect timeout",
        lambda: requests.exceptions.ConnectTimeout(retries_used_up(CONNECT_TIMEOUT)),
        "connect",
        False,
    ),
    (
        "a connect timeout, with its cause",
        lambda: requests.exceptions.ConnectTimeout(
            retries_used_up(caused(u3.ConnectTimeoutError(CONNECTION, "slow"), TimeoutError("timed out")))
        ),
        "connect",
        False,
    ),
    ("a read timeout", lambda: requests.exceptions.ReadTimeout(READ_TIMEOUT), "timeout", True),
    ("a bare read timeout of urllib3's", lambda: READ_TIMEOUT, "timeout", True),
    ("a bare timeout", lambda: TimeoutError("the response exceeded its time limit"), "timeout", True),
    (
        "a timeout inside a protocol error",
        lambda: requests.exceptions.ConnectionError(u3.ProtocolError("Connection broken", TimeoutError("slow"))),
        "timeout",
        True,
    ),
    (
        "certificate not trusted",
        lambda: requests.exceptions.SSLError(retries_used_up(u3.SSLError(UNTRUSTED))),
        "tls",
        False,
    ),
    (
        "certificate for another name, as urllib3 reports it",
        lambda: u3.SSLError(CertificateError("hostname '127.0.0.1' doesn't match 'elsewhere.example'")),
        "tls",
        False,
    ),
    ("a bare certificate error", lambda: UNTRUSTED, "tls", False),
    ("a TLS record changed in transit", lambda: tls_error("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), "connection_lost", True),
    (
        "TLS ended too early",
        lambda: requests.exceptions.SSLError(retries_used_up(u3.SSLError(ssl.SSLEOFError(8, "EOF occurred")))),
        "connection_lost",
        True,
    ),
    ("TLS closed", lambda: u3.ProtocolError("aborted", ssl.SSLZeroReturnError(6, "closed")), "connection_lost", True),
    (
        "disconnected before a response",
        lambda: requests.exceptions.ConnectionError(u3.ProtocolError("Connection aborted.", DISCONNECTED)),
        "connection_lost",
        True,
    ),
    (
        "reset",
        lambda: requests.exceptions.ConnectionError(u3.ProtocolError("Connection aborted.", RESET)),
        "connection_lost",
        True,
    ),
    ("broken pipe", lambda: BrokenPipeError(32, "Broken pipe"), "connection_lost", True),
    (
        "disconnected within the body",
        lambda: u3.ProtocolError("Connection broken", u3.IncompleteRead(10, 20)),
        "connection_lost",
        True,
    ),
    (
        "disconnected within a chunk",
        lambda: u3.ProtocolError("Connection broken", http.client.IncompleteRead(b"")),
        "connection_lost",
        True,
    ),
    (
        "not HTTP",
        lambda: requests.exceptions.ConnectionError(u3.ProtocolError("aborted", http.client.BadStatusLine("SSH-2.0"))),
        "http",
        True,
    ),
    ("a header line without end", lambda: u3.ProtocolError("aborted", http.client.LineTooLong("header line")), "http", True),
    ("an invalid header", lambda: requests.exceptions.InvalidHeader(u3.InvalidHeader("Content-Length")), "http", True),
    ("anything else", lambda: OSError("no idea"), "connection_lost", True),
]


@pytest.mark.parametrize(("error", "reason", "processed"), [pytest.param(*rest, id=name) for name, *rest in CHAINS])
def test_an_exception_is_classified_by_type(error: Callable[[], BaseException], reason: str, *, processed: bool) -> None:
    failure = classify_failure(error())
    assert (failure.reason, failure.processed) == (reason, processed)
    assert failure.final is (reason in {"tls", "http"})


@pytest.mark.parametrize(
    ("phase", "cause", "expected"),
    [
        (Phase.RESOLVING, TimeoutError(), Failure("dns", processed=False)),
        (Phase.RESOLVING, UnicodeError(), Failure("dns", processed=False)),
        (Phase.CONNECTING, REFUSED, Failure("connect", processed=False)),
        (Phase.CONNECTING, TimeoutError(), Failure("connect", processed=False)),
        (Phase.PROXY, UNTRUSTED, Failure("proxy", processed=False)),
        (Phase.PROXY, DISCONNECTED, Failure("proxy", processed=False)),
        (Phase.PROXY, TimeoutError(), Failure("proxy", processed=False)),
        (Phase.PROXY, TunnelRefusedError(407), Failure("proxy", processed=False, final=True)),
        (Phase.PROXY, TunnelRefusedError(403), Failure("proxy", processed=False, final=True)),
        (Phase.PROXY, TunnelRefusedError(502), Failure("proxy", processed=False)),
        (Phase.TLS, UNTRUSTED, Failure("tls", processed=False, final=True)),
        (Phase.TLS, tls_error("TLSV1_ALERT_INTERNAL_ERROR"), Failure("tls", processed=False, final=True)),
        (Phase.TLS, tls_error("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), Failure("tls", processed=False, final=True)),
        (Phase.TLS, ssl.SSLEOFError(8, "EOF occurred"), Failure("tls", processed=False)),
        (Phase.TLS, RESET, Failure("tls", processed=False)),
        (Phase.TLS, TimeoutError(), Failure("timeout", processed=False)),
    ],
    ids=lambda value: value.name if isinstance(value, Phase) else None,
)
def test_a_connect_error_is_classified_by_phase(phase: Phase, cause: BaseException, expected: Failure) -> None:
    assert classify_failure(failed_in(phase, cause)) == expected


@pytest.mark.parametrize("reason", ["WRONG_VERSION_NUMBER", "TLSV1_ALERT_INTERNAL_ERROR"])
def test_another_librarys_tls_error_may_be_the_handshakes(reason: str) -> None:
    error = u3.SSLError(tls_error(reason))
    assert classify_failure(error, phases_known=False) == Failure("tls", processed=True, final=True)
    assert classify_failure(error) == Failure("connection_lost", processed=True)


def test_an_exception_that_wraps_itself_is_classified() -> None:
    error = OSError("round")
    error.args = (error,)
    assert classify_failure(error) == Failure("connection_lost", processed=True)


REASONS = (*(reason for reason in UNAVAILABLE_REASONS if reason not in ("rate_limited", "server_error", "nonce")), "http")


@pytest.mark.parametrize("reason", REASONS)
def test_a_description_names_the_party_and_a_remedy(reason: str) -> None:
    what, remedy = describe_failure(Failure(reason, processed=True), Party.API, "https://api.example.no", 3.0)
    assert what.startswith("The API at https://api.example.no ")
    assert what.endswith(".")
    assert remedy.endswith(".")
    assert "heck " in remedy
    assert reason in UNAVAILABLE_REASONS or reason in INVALID_RESPONSE_REASONS[Party.API]


@pytest.mark.parametrize(
    ("phase", "cause", "words"),
    [
        (Phase.PROXY, TunnelRefusedError(407), "the proxy refused the connection with 407. Put the user name and the password"),
        (Phase.PROXY, TunnelRefusedError(403), "the proxy refused the connection with 403. Have the host allowed"),
        (Phase.PROXY, TunnelRefusedError(502), "the proxy refused the connection with 502. Check the proxy"),
        (Phase.TLS, UNTRUSTED, "a certificate that cannot be verified: certificate has expired. Check the address"),
        (Phase.TLS, tls_error("WRONG_VERSION_NUMBER"), "does not speak TLS on that port. Check the port"),
        (Phase.TLS, tls_error("TLSV1_ALERT_INTERNAL_ERROR"), "does not speak TLS, or its certificate"),
        (Phase.TLS, ssl.SSLEOFError(8, "EOF occurred"), "ended the TLS handshake by closing the connection. If it goes on"),
        (Phase.TLS, RESET, "ended the TLS handshake by closing the connection. If it goes on"),
        (Phase.TLS, TimeoutError(), "did not respond within 3 s. Check its status"),
    ],
)
def test_a_description_says_what_ended_the_connecting(phase: Phase, cause: BaseException, words: str) -> None:
    failure = classify_failure(failed_in(phase, cause))
    assert words in " ".join(describe_failure(failure, Party.API, "https://api.example.no", 3.0))


@pytest.mark.parametrize(
    ("host", "told"),
    [("api.nhn.no", True), ("nhn.no", True), ("api.hn-tjener.prod.melding.nhn.no:443", True), ("notnhn.no", False)],
)
@pytest.mark.parametrize("reason", ["dns", "connect"])
def test_an_unreachable_nhn_host_is_told_with_helsenettet(reason: str, host: str, *, told: bool) -> None:
    _, remedy = describe_failure(Failure(reason, processed=False), Party.API, f"https://{host}", 3.0)
    assert ("reachable only from Helsenettet; see docs/helsenettet.md." in remedy) is told


@pytest.mark.parametrize(("seconds", "words"), [(3.0, "within 3 s"), (8.3333, "within 8.33 s"), (0.25, "within 0.25 s")])
def test_a_timeouts_description_says_how_long_it_took(seconds: float, words: str) -> None:
    what, _ = describe_failure(Failure("timeout", processed=True), Party.HELSEID, "https://sts.example.no", seconds)
    assert words in what
