"""How connections are made: verified, and with a timeout that bounds the whole answer, not each of its pieces.

A socket's timeout starts anew with every byte, so that a server which sends one byte a second holds its client for as long as
it likes. Here what was set as the read timeout is all the time that the head and the body of one answer may take together.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from pathlib import Path
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


def load_tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Load a context that verifies certificates against this file or folder of PEM certificates.

    It takes about 30 ms, so one context serves all connections. TLS 1.2 is the least that HelseID's profile allows.

    Raises `OSError` (which `ssl.SSLError` is) when the bundle cannot be read.
    """
    is_folder = Path(ca_bundle).is_dir()
    context = ssl.create_default_context(cafile=None if is_folder else ca_bundle, capath=ca_bundle if is_folder else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _PunctualReader(io.RawIOBase):
    """Reads a socket with what is left of the time that it had when the answer was begun."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
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
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PunctualResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_PunctualReader(sock, raw))


class _PunctualConnection(HTTPConnection):
    response_class = _PunctualResponse


class _PunctualTlsConnection(HTTPSConnection):
    response_class = _PunctualResponse


class _PunctualPool(HTTPConnectionPool):
    ConnectionCls = _PunctualConnection


class _PunctualTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PunctualTlsConnection


POOL_CLASSES = {"http": _PunctualPool, "https": _PunctualTlsPool}
"""What a urllib3 `PoolManager` takes as its `pool_classes_by_scheme`."""
