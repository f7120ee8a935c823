"""An API that costs almost nothing: each request gets the same small JSON response over a kept connection. Prints its port.

A request for `…/large?bytes=N` gets so many bytes.
"""

from __future__ import annotations

import re
import socket
import threading

_BODY = b'{"greeting": "Hello from a plain API", "organization": {"parent": "999977774", "child": "999977776"}}'
_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)

_LARGE = re.compile(rb"GET \S*/large\?bytes=(\d+) ")


def converse(connection: socket.socket) -> None:
    """Respond to each request of one connection until it ends."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with connection:
        while piece := connection.recv(65536):
            received += piece
            while (end := received.find(b"\r\n\r\n")) >= 0:
                length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", received[:end])
                whole = end + 4 + (int(length[1]) if length else 0)
                if len(received) < whole:
                    break
                large = _LARGE.match(received)
                received = received[whole:]
                if large is None:
                    connection.sendall(_RESPONSE)
                    continue
                size = int(large[1])
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (size, bytes(size)))


def main() -> None:
    """Serve until killed."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=converse, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
