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

from helseid_fn.errors import GARBLED_REASONS, UNREACHABLE_REASONS, Party
from helseid_fn.http.failures import Loss, describe_loss, read_loss

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
RESET = ConnectionResetError(104, "Connection reset by peer")
HUNG_UP = http.client.RemoteDisconnected("Remote end closed connection without response")
NO_NAME = u3.NameResolutionError("api.example.no", CONNECTION, socket.gaierror(-2, "Name or service not known"))
NO_CONNECTION = u3.NewConnectionError(CONNECTION, "refused")
CONNECT_TIMEOUT = u3.ConnectTimeoutError(CONNECTION, "timed out")
READ_TIMEOUT = u3.ReadTimeoutError(POOL, "/", "Read timed out.")
NO_PROXY = u3.ProxyError("Unable to connect to proxy", OSError("Tunnel connection failed: 403"))

CHAINS: list[tuple[str, Callable[[], BaseException], str, bool]] = [
    ("proxy", lambda: requests.exceptions.ProxyError(retries_used_up(NO_PROXY)), "proxy", False),
    (
        "proxy that does not take the connection",
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
        "connecting took too long",
        lambda: requests.exceptions.ConnectTimeout(retries_used_up(CONNECT_TIMEOUT)),
        "connect",
        False,
    ),
    (
        "connecting took too long, with its cause",
        lambda: requests.exceptions.ConnectTimeout(
            retries_used_up(caused(u3.ConnectTimeoutError(CONNECTION, "slow"), TimeoutError("timed out")))
        ),
        "connect",
        False,
    ),
    ("no answer in time", lambda: requests.exceptions.ReadTimeout(READ_TIMEOUT), "timeout", True),
    ("no whole answer in time", lambda: READ_TIMEOUT, "timeout", True),
    ("a bare time-out", lambda: TimeoutError("the answer took longer than its time"), "timeout", True),
    (
        "a time-out inside a protocol error",
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
        "certificate for another name, as urllib3 itself tells it",
        lambda: u3.SSLError(CertificateError("hostname '127.0.0.1' doesn't match 'elsewhere.example'")),
        "tls",
        False,
    ),
    ("bare TLS error", lambda: UNTRUSTED, "tls", False),
    ("a server without TLS", lambda: tls_error("WRONG_VERSION_NUMBER"), "tls", False),
    ("a record that was changed on the way", lambda: tls_error("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), "connection_lost", True),
    (
        "TLS ended too early",
        lambda: requests.exceptions.SSLError(retries_used_up(u3.SSLError(ssl.SSLEOFError(8, "EOF occurred")))),
        "connection_lost",
        True,
    ),
    ("TLS closed", lambda: u3.ProtocolError("aborted", ssl.SSLZeroReturnError(6, "closed")), "connection_lost", True),
    (
        "hung up before an answer",
        lambda: requests.exceptions.ConnectionError(u3.ProtocolError("Connection aborted.", HUNG_UP)),
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
        "hung up in the middle of the body",
        lambda: u3.ProtocolError("Connection broken", u3.IncompleteRead(10, 20)),
        "connection_lost",
        True,
    ),
    (
        "hung up in the middle of a chunk",
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


@pytest.mark.parametrize(("error", "reason", "acted"), [pytest.param(*rest, id=name) for name, *rest in CHAINS])
def test_reads_the_loss_from_whatever_wraps_it(error: Callable[[], BaseException], reason: str, *, acted: bool) -> None:
    assert read_loss(error()) == Loss(reason, acted)


def test_an_exception_that_wraps_itself_is_read() -> None:
    error = OSError("round")
    error.args = (error,)
    assert read_loss(error) == Loss("connection_lost", acted=True)


REASONS = (*(reason for reason in UNREACHABLE_REASONS if reason not in ("rate_limited", "server_error")), "http")


@pytest.mark.parametrize("reason", REASONS)
def test_every_loss_has_a_code(reason: str) -> None:
    assert reason in UNREACHABLE_REASONS or reason in GARBLED_REASONS[Party.API]


@pytest.mark.parametrize("reason", REASONS)
def test_every_loss_names_the_party_and_the_address(reason: str) -> None:
    sentence = describe_loss(Loss(reason, acted=True), Party.API, "https://api.example.no", 3.0)
    assert sentence.startswith("The API at https://api.example.no ")


@pytest.mark.parametrize("reason", REASONS)
def test_every_loss_names_a_remedy(reason: str) -> None:
    assert "check " in describe_loss(Loss(reason, acted=True), Party.HELSEID, "https://helseid-sts.nhn.no", 3.0)


@pytest.mark.parametrize(("seconds", "words"), [(3.0, "within 3 s"), (8.3333, "within 8.33 s"), (0.25, "within 0.25 s")])
def test_a_time_out_says_how_long_it_waited(seconds: float, words: str) -> None:
    assert words in describe_loss(Loss("timeout", acted=True), Party.HELSEID, "https://helseid-sts.nhn.no", seconds)
