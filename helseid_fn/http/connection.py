"""How connections are made: verified, and with timeouts that bound the whole of connecting and the whole of an answer.

A socket's timeout starts anew with every byte, so that a server which sends one byte a second holds its client for as long as
it likes. Here what was set as the read timeout is all the time that the head and the body of one answer may take together.
"""

from __future__ import annotations

import http.client
import io
import queue
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError


def load_tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Load a context that verifies certificates against this file or folder of PEM certificates.

    It takes about 30 ms, so one context serves all connections. TLS 1.2 is the least that HelseID's profile allows.

    Raises `OSError` (which `ssl.SSLError` is) when the bundle cannot be read.
    """
    is_folder = Path(ca_bundle).is_dir()
    context = ssl.create_default_context(cafile=None if is_folder else ca_bundle, capath=ca_bundle if is_folder else None)
    context.hostname_checks_common_name = False  # RFC 9525 section 2
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


MAX_WIRE_BYTES = 2 * 1024 * 1024
"""What one answer may take on the wire, its head, its framing and all: a chunk of length -1 would be read for ever."""


class _PunctualReader(io.RawIOBase):
    """Reads a socket with what is left of the time that it had when the answer was begun, and not beyond what is sane."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        self._bytes_left = MAX_WIRE_BYTES
        timeout_seconds = sock.gettimeout()
        self._ends_at = None if timeout_seconds is None else time.monotonic() + timeout_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._ends_at is not None:
            left_seconds = self._ends_at - time.monotonic()
            if left_seconds <= 0:
                raise TimeoutError("the answer took longer than its time")
            self._sock.settimeout(left_seconds)
        got = self._raw.readinto(buffer)
        self._bytes_left -= got or 0
        if self._bytes_left < 0:
            raise http.client.HTTPException("the answer is larger than any may be")
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()


class PunctualResponse(http.client.HTTPResponse):
    """Reads one answer within the read timeout of its socket, and no more bytes of it than are sane."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_PunctualReader(sock, raw))

    def _read_status(self) -> tuple[str, int, str]:
        """Pass over every interim answer (RFC 9110 section 15.2); http.client does so with 100 only."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
            if not 102 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _PunctualConnect:
    """Bounds finding the name and trying its addresses, all of it together: a look-up knows no timeout but this."""

    timeout: float | None

    def _new_conn(self) -> socket.socket:
        made: queue.SimpleQueue[socket.socket | Exception] = queue.SimpleQueue()

        def connect() -> None:
            try:
                made.put(super(_PunctualConnect, self)._new_conn())  # type: ignore[misc]  # HTTPConnection's, beside this class
            except (OSError, HTTPError) as error:
                made.put(error)

        threading.Thread(target=connect, name="connect", daemon=True).start()
        try:
            outcome = made.get(timeout=self.timeout)
        except queue.Empty:
            raise ConnectTimeoutError(self, "no connection in time") from None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class _PunctualConnection(_PunctualConnect, HTTPConnection):
    response_class = PunctualResponse


class _PunctualTlsConnection(_PunctualConnect, HTTPSConnection):
    response_class = PunctualResponse


class _PunctualPool(HTTPConnectionPool):
    ConnectionCls = _PunctualConnection


class _PunctualTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PunctualTlsConnection


POOL_CLASSES = {"http": _PunctualPool, "https": _PunctualTlsPool}
"""What a urllib3 `PoolManager` takes as its `pool_classes_by_scheme`."""
