"""A tiny forward proxy on loopback: plain HTTP in absolute form, tunnels with CONNECT, and a list of its requests."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Forwards to the requested address, or to the port mapped to a name; one request per connection.

    With `tls` it is spoken to over TLS; with `refuses_with` it responds to everything with this status.
    """

    def __init__(
        self, ports: Mapping[str, int] = {}, *, tls: ssl.SSLContext | None = None, refuses_with: int | None = None
    ) -> None:
        self.asked: list[str] = []
        self._ports = ports
        self._tls = tls
        self._refuses_with = refuses_with
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []

    @property
    def url(self) -> str:
        """The scheme, and the port that it listens on."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._secure, args=(client,), daemon=True).start()

    def _secure(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            secured = self._tls.wrap_socket(client, server_side=True) if self._tls else client
            self._sockets.append(secured)
            self._serve(secured)

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = client.recv(1)
                if not piece:
                    return
                head += piece
            line, _, rest = head.partition(b"\r\n")
            method, target, version = line.split(b" ")
            self.asked.append(f"{method.decode()} {target.decode()}")
            if self._refuses_with is not None:
                client.sendall(f"HTTP/1.1 {self._refuses_with} No\r\nContent-Length: 0\r\n\r\n".encode())
                return
            name = target.decode() if method == b"CONNECT" else urlsplit(target.decode()).netloc
            port = self._ports.get(name) or int(name.rpartition(":")[2])
            backend = socket.create_connection(("127.0.0.1", port))
            self._sockets.append(backend)
            threading.Thread(target=pump, args=(backend, client), daemon=True).start()
            if method == b"CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = b"/" + target.split(b"/", 3)[3]
                backend.sendall(b" ".join((method, path, version)) + b"\r\nConnection: close\r\n" + rest)
            pump(client, backend)


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on all bytes until the stream ends."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
