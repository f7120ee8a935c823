"""Verified connections whose connect timeout bounds all of connecting: look-up, addresses, proxy and TLS."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import ssl_wrap_socket, wait_for_read

from helseid_fn.http.addresses import left_seconds, open_socket, resolve
from helseid_fn.http.bounded_response import DEFAULT_MAX_BYTES, BoundedResponse, count_decrypted
from helseid_fn.http.failures import ConnectError, Phase, TunnelRefusedError
from helseid_fn.http.tls_session import TlsSession


class _Tunnel(NamedTuple):
    host: str
    port: int
    headers: Mapping[str, str]

    def connect_request(self) -> bytes:
        host = f"[{self.host}]" if ":" in self.host else self.host
        target = f"{host}:{self.port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


class _PhasedConnection(HTTPConnection):
    """Connects within its timeout in all, and raises `ConnectError` with the phase that failed."""

    _connect_by = 0.0

    def __init__(
        self, *args: Any, max_bytes: int = DEFAULT_MAX_BYTES, tls_session: TlsSession | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._tls_session = tls_session or TlsSession()
        self.response_class = partial(BoundedResponse, max_bytes=max_bytes)  # type: ignore[assignment]  # it is only called

    def connect(self) -> None:
        timeout_seconds = cast("float", self.timeout)  # our adapter always sets one
        self._connect_by = time.monotonic() + timeout_seconds
        with _phase(Phase.PROXY if self.proxy else Phase.RESOLVING):
            addresses = resolve(self.host.strip("[]"), self.port, timeout_seconds)
        with _phase(Phase.PROXY if self.proxy else Phase.CONNECTING):
            self.sock = open_socket(addresses, self.socket_options or (), self._connect_by)
        self.sock.settimeout(timeout_seconds)

    @property
    def is_connected(self) -> bool:
        """Whether the connection can carry another request: it is open, and no byte has come that nobody asked for.

        Where there is something to read, reading shows what it is: TLS's own records, such as session tickets, are no such
        bytes.
        """
        if self.sock is None:
            return False
        is_socket = isinstance(self.sock, socket.socket)  # and not TLS within TLS, which has buffers of its own
        if is_socket and not count_decrypted(self.sock) and not wait_for_read(self.sock, timeout=0):
            return True
        timeout_seconds = self.sock.gettimeout()
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(timeout_seconds)
        return False

    @property
    def has_connected_to_proxy(self) -> bool:
        """Keep urllib3 from reporting later failures as the proxy's; `connect` has reported those."""
        return True


class _PhasedTlsConnection(_PhasedConnection, HTTPSConnection):
    """The same over TLS, and through a proxy's tunnel where there is a proxy."""

    _tunnel_target: _Tunnel | None = None

    def set_tunnel(
        self, host: str, port: int | None = None, headers: Mapping[str, str] | None = None, scheme: str = "http"
    ) -> None:
        super().set_tunnel(host, port, headers, scheme)
        self._tunnel_target = _Tunnel(host.strip("[]"), port or 443, headers or {})

    def connect(self) -> None:
        session = self._tls_session.offer()
        try:
            self._connect(session)
        except ConnectError as error:
            if session is None or error.phase is not Phase.TLS:
                raise
            # Whether the session was to blame, a full handshake shows.
            self._tls_session.drop()
            seconds = self._connect_by - time.monotonic()
            if seconds <= 0:
                raise
            self.timeout = seconds
            self._connect(None)

    def _connect(self, session: ssl.SSLSession | None) -> None:
        super().connect()
        host, proxy_has_tls = self.host, False
        if self._tunnel_target is not None:
            with _phase(Phase.PROXY):
                proxy_has_tls = self.proxy is not None and self.proxy.scheme == "https"
                if proxy_has_tls:
                    self._start_tls(host)
                self._open_tunnel(self._tunnel_target)
            host = self._tunnel_target.host
        with _phase(Phase.TLS):
            if proxy_has_tls:
                self._start_tls(host, inside_tls=True)
            else:
                self._start_tls(host, session=session)
                self._tls_session.keep(cast("ssl.SSLSocket", self.sock))
        self.is_verified = True
        self.sock.settimeout(self.timeout)

    def _open_tunnel(self, tunnel: _Tunnel) -> None:
        self.sock.settimeout(left_seconds(self._connect_by))
        self.sock.sendall(tunnel.connect_request())
        response = self.response_class(self.sock, method="CONNECT")
        try:
            response.begin()
        finally:
            response.close()
        if not 200 <= response.status < 300:
            raise TunnelRefusedError(response.status)

    def _start_tls(self, host: str, *, inside_tls: bool = False, session: ssl.SSLSession | None = None) -> None:
        self.sock.settimeout(left_seconds(self._connect_by))
        name, context = host.strip("[]"), cast("ssl.SSLContext", self.ssl_context)  # our adapter always sets one
        if inside_tls:
            self.sock = ssl_wrap_socket(self.sock, server_hostname=name, ssl_context=context, tls_in_tls=True)
        else:
            self.sock = context.wrap_socket(self.sock, server_hostname=name, session=session)
        # A connection that ends without TLS saying so was cut: a body that lasts until its end would pass for complete.
        self.sock.suppress_ragged_eofs = False  # type: ignore[union-attr]  # typeshed lacks it


@contextmanager
def _phase(phase: Phase) -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPError, http.client.HTTPException, UnicodeError) as error:
        raise ConnectError(phase) from error


class _PhasedPool(HTTPConnectionPool):
    ConnectionCls = _PhasedConnection

    def ensure_connected(self, timeout_seconds: float) -> None:
        """Connect within this time if no kept connection is open, and keep the connection for the next request.

        Raises `ConnectError`.
        """
        connection = self._get_conn()
        try:
            if connection.is_closed:
                connection.timeout = timeout_seconds
                self._prepare_proxy(connection) if self.proxy else connection.connect()
        except ConnectError:
            connection.close()
            raise
        finally:
            self._put_conn(connection)


class _PhasedTlsPool(_PhasedPool, HTTPSConnectionPool):
    ConnectionCls = _PhasedTlsConnection


POOL_CLASSES = {"http": _PhasedPool, "https": _PhasedTlsPool}
"""The `pool_classes_by_scheme` of a urllib3 `PoolManager`."""
