"""Looks a name up and connects to the first of its addresses that accepts, within a time limit."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any, cast

from helseid_fn.concurrency import run_with_timeout

ATTEMPT_DELAY_SECONDS = 0.25
"""RFC 8305 section 8 recommends it."""

Address = tuple[int, int, int, str, Any]
"""What `socket.getaddrinfo` returns of each address: family, type, protocol, canonical name, address."""


def resolve(host: str, port: int, timeout_seconds: float) -> list[Address]:
    """Look the name up in a thread, since a look-up has no timeout of its own."""

    def look_up() -> list[Address] | OSError | UnicodeError:
        try:
            return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            return error

    found = run_with_timeout(look_up, timeout_seconds, name="dns-lookup")
    if isinstance(found, Exception):
        raise found
    return found


def open_socket(addresses: Iterable[Address], options: Iterable[tuple[int, int, Any]], connect_by: float) -> socket.socket:
    """Connect to the address that accepts first: the next one is tried as soon as one fails, or 250 ms after it.

    So one dead address costs a quarter of a second and not the call (RFC 8305 section 5). The other attempts are closed.
    """
    waiting = deque(_alternate_families(addresses))
    failure = OSError("the name has no address")
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                wait_seconds = left_seconds(connect_by)
                if waiting:
                    try:
                        selector.register(_begin_to_connect(waiting.popleft(), options), selectors.EVENT_WRITE)
                    except OSError as error:
                        failure = error
                        continue
                for key, _ in selector.select(min(wait_seconds, ATTEMPT_DELAY_SECONDS) if waiting else wait_seconds):
                    sock = cast("socket.socket", key.fileobj)
                    selector.unregister(sock)
                    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if number == 0:
                        return sock
                    failure = OSError(number, os.strerror(number))
                    sock.close()
        finally:
            for key in list(selector.get_map().values()):
                cast("socket.socket", key.fileobj).close()
    raise failure


def _alternate_families(addresses: Iterable[Address]) -> list[Address]:
    """Return the addresses with the families in turn, the first one's first (RFC 8305 section 4)."""
    by_family: dict[int, list[Address]] = {}
    for address in addresses:
        by_family.setdefault(address[0], []).append(address)
    return [each for group in zip_longest(*by_family.values()) for each in group if each is not None]


def _begin_to_connect(address: Address, options: Iterable[tuple[int, int, Any]]) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.settimeout(0)
        sock.connect(where)
    except BlockingIOError:
        pass  # under way
    except OSError:
        sock.close()
        raise
    return sock


def left_seconds(ends_at: float) -> float:
    """Return the seconds until then, by the monotonic clock. Raises `TimeoutError` when there are none."""
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time limit has passed")
    return left
