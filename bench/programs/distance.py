"""A TCP proxy that is as slow as a distance: `python distance.py PORT ROUND_TRIP_SECONDS`. Prints its own port.

Each direction takes half a round trip, and a new connection passes nothing during its first, which TCP's handshake would take.
Bandwidth is not limited, and nothing is reordered.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import sys
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Path:
    """The way of one connection, in seconds."""

    opened_at: float
    round_trip: float

    @property
    def ready_at(self) -> float:
        """When the handshake is over, and the first byte may leave."""
        return self.opened_at + self.round_trip

    def arrival(self, sent_at: float) -> float:
        """Return when bytes arrive at the other end."""
        return max(sent_at, self.ready_at) + self.round_trip / 2


def relay(source: socket.socket, target: socket.socket, path: Path) -> None:
    """Pass one direction on until it ends."""
    sent: queue.Queue[tuple[float, bytes]] = queue.Queue()

    def deliver() -> None:
        piece = b"first"
        with contextlib.suppress(OSError):
            while piece:
                due_at, piece = sent.get()
                time.sleep(max(0.0, due_at - time.monotonic()))
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    threading.Thread(target=deliver, daemon=True).start()
    piece = b"first"
    while piece:
        try:
            piece = source.recv(65536)
        except OSError:
            piece = b""
        sent.put((path.arrival(time.monotonic()), piece))


def connect(client: socket.socket, port: int, path: Path) -> None:
    """Connect a client with the party, and pass both directions on."""
    party = socket.create_connection(("127.0.0.1", port))
    for end in (client, party):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=relay, args=(party, client, path), daemon=True).start()
    relay(client, party, path)


def main() -> None:
    """Serve until killed."""
    port, round_trip = int(sys.argv[1]), float(sys.argv[2])
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            client, _ = listener.accept()
            path = Path(time.monotonic(), round_trip)
            threading.Thread(target=connect, args=(client, port, path), daemon=True).start()


if __name__ == "__main__":
    main()
