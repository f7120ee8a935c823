"""Callers of a function, each on a kept connection: for each line on standard input a batch, then its wall-clock seconds.

A line is JSON: `port`, `callers`, and the `calls` that they make together.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

_REQUEST = b"POST / HTTP/1.1\r\nHost: function\r\nContent-Length: 0\r\n\r\n"


def call_in_turn(port: int, calls: int, begin: threading.Barrier) -> None:
    """Make calls one after another; the first failure ends the program."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        begin.wait()
        for _ in range(calls):
            connection.sendall(_REQUEST)
            response = b""
            while (end := response.find(b"\r\n\r\n")) < 0 or len(response) < end + 4 + length_in(response[:end]):
                piece = connection.recv(65536)
                if not piece:
                    raise ConnectionError("the function hung up")
                response += piece
            if not response.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(response.decode())


def length_in(head: bytes) -> int:
    """Read the length of the body from the head of a response."""
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def seconds_of(port: int, callers: int, calls: int) -> float:
    """Return the seconds until every call has a response."""
    begin = threading.Barrier(callers + 1, timeout=30)
    with ThreadPoolExecutor(callers) as pool:
        working = [pool.submit(call_in_turn, port, calls // callers, begin) for _ in range(callers)]
        begin.wait()
        begun_at = time.perf_counter()
        for each in working:
            each.result()
        return time.perf_counter() - begun_at


for line in sys.stdin:
    print(seconds_of(**json.loads(line)), flush=True)
