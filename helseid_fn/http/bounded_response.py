"""A response whose read timeout bounds its head and its body together.

A socket's own timeout restarts with every byte, so a server that sends one byte a second would never time out.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from contextlib import suppress
from typing import Any

DEFAULT_MAX_BYTES = 1024 * 1024
"""The largest body of a response where nobody says otherwise."""

MAX_HEAD_BYTES = 1024 * 1024
"""The limit for the head of one response, with every interim one before it."""


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until the timeout it had at the start has passed in all, and at most this many bytes."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, max_bytes: int) -> None:
        self._sock = sock
        self._raw = raw
        self._bytes_left = max_bytes
        self._is_stopped = False
        timeout_seconds = sock.gettimeout()
        self._ends_at = None if timeout_seconds is None else time.monotonic() + timeout_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._is_stopped:
            return None
        if self._ends_at is not None:
            left_seconds = self._ends_at - time.monotonic()
            if left_seconds <= 0:
                raise TimeoutError("the response exceeded its time limit")
            self._sock.settimeout(left_seconds)
        count = self._raw.readinto(buffer)
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise http.client.HTTPException("the response exceeds the size limit")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()

    def allow(self, max_bytes: int) -> None:
        """Read at most this many bytes from now on."""
        self._bytes_left = max_bytes

    def stop(self) -> None:
        """Read nothing more from the socket; what has been read already can still be seen."""
        self._is_stopped = True


class BoundedResponse(http.client.HTTPResponse):
    """A response that is read within its socket's timeout, and up to a limit of bytes."""

    def __init__(self, sock: socket.socket, *args: Any, max_bytes: int = DEFAULT_MAX_BYTES, **kwargs: Any) -> None:
        """Read from the socket; a body is at most `max_bytes`, and its framing as much again."""
        super().__init__(sock, *args, **kwargs)
        self._socket = sock
        self._reader = _DeadlineReader(sock, self.fp.detach(), MAX_HEAD_BYTES)
        self._max_bytes = max_bytes
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self._reader.allow(2 * self._max_bytes + MAX_HEAD_BYTES)

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]  # missing in typeshed
        if size < 0:  # http.client would read to the end
            raise http.client.HTTPException("a chunk has a negative length")
        return size

    def _close_conn(self) -> None:
        """End the connection if there are bytes after the response: the next request would take them for its own response."""
        self._reader.stop()
        if self.fp.peek() or count_decrypted(self._socket):
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        super()._close_conn()  # type: ignore[misc]  # missing in typeshed

    def _read_status(self) -> tuple[str, int, str]:
        """Skip every interim response (RFC 9110 section 15.2); http.client skips 100 only."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # missing in typeshed
            if not 102 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)


def count_decrypted(sock: socket.socket) -> int:
    """Return how many bytes OpenSSL has decrypted that nobody has read; the socket itself shows nothing of them."""
    return sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
