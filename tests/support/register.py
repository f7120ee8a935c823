"""A register in the stand-in's API: events that are made from their numbers, in pages, and more of them while they are read."""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import parse_qs

from standin import StandIn
from standin.messages import Request, Response
from standin.sample_api import BASE_PATH

PATH = "events"


def make_event(number: int) -> dict[str, Any]:
    """Return the event of a number."""
    return {"sequenceNumber": number, "herId": 8_000_000 + number * 7919 % 99_991, "type": "CommunicationPartyUpdated"}


class Register:
    """Serves `GET events?fromSequenceNumber=N` below the stand-in's API, to calls with a valid token and proof."""

    def __init__(self, standin: StandIn, events: int, page: int, *, growth: int = 0, page_seconds: float = 0) -> None:
        """Begin with all events, or with one page to which each request adds this many; each page takes some time."""
        self.events = events
        self.requests = 0
        self._page = page
        self._growth = growth
        self._page_seconds = page_seconds
        self._there = page if growth else events
        self._lock = threading.Lock()
        self._api = standin.api
        self._respond_otherwise = standin.api.respond
        standin.api.respond = self._respond  # type: ignore[method-assign]

    def _respond(self, request: Request) -> Response:
        if request.path != f"{BASE_PATH}/{PATH}":
            return self._respond_otherwise(request)
        self._api.check(request)
        first = int(parse_qs(request.query)["fromSequenceNumber"][0])
        with self._lock:
            self.requests += 1
            there = self._there
            self._there = min(there + self._growth, self.events)
        time.sleep(self._page_seconds)
        last = min(first + self._page - 1, there)
        return Response.json(200, [make_event(number) for number in range(first, last + 1)])
