"""A connection that a thread opens while what its request needs is still being fetched.

`docs/decisions/0015-connections-are-opened-early.md` says why a connection, and no request.
"""

from __future__ import annotations

from collections.abc import Callable

from urllib3.exceptions import HTTPError

from helseid_fn.concurrency import begin
from helseid_fn.errors import HelseidFnError
from helseid_fn.http.failures import ConnectError, Phase


def begin_connecting(connect: Callable[[], None]) -> Callable[[float], None]:
    """Begin to connect in a thread, and return what waits for it so many seconds and raises what connecting raised."""

    def try_to_connect() -> Exception | bool:
        try:
            connect()
        except HelseidFnError:
            return True  # the request looks for a way to the origin itself, and reports if there is none
        except (HTTPError, OSError, ValueError) as error:
            return error
        return True

    def join(timeout_seconds: float) -> None:
        try:
            outcome = wait(timeout_seconds)
        except TimeoutError as error:
            raise ConnectError(Phase.CONNECTING) from error
        if isinstance(outcome, Exception):
            raise outcome

    wait = begin(try_to_connect, name="early-connection")
    return join
