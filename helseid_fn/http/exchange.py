"""One request and what came of it, for a person who watches; a log never gets it, since it has what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from helseid_fn.error_codes import Party
from helseid_fn.http.failures import Failure
from helseid_fn.http.messages import Message, Response


class Exchange(NamedTuple):
    """What was sent, None without a connection, and the response or the failure; `seconds` is how long it took."""

    party: Party
    method: str
    url: str
    message: Message | None
    outcome: Response | Failure
    seconds: float


Observe = Callable[[Exchange], None]
"""Is called with each exchange, on the thread that made it."""


def ignore(exchange: Exchange) -> None:
    """Observe nothing, as every deployed function does."""
    del exchange
