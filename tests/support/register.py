"""The stand-in's Adresseregisteret, which grows while it is read, takes its time, and counts."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from standin import StandIn
from standin.address_register import BASE_PATH, SCOPE, AddressRegister
from standin.messages import Request, Response

PATH = f"{BASE_PATH}/event"


class Register(AddressRegister):
    """Has all its events from the beginning, or one page to which each request adds some until it is closed and long enough."""

    def __init__(self, standin: StandIn, events: int, page_size: int, *, growth: int = 0, page_seconds: float = 0) -> None:
        super().__init__(events=page_size if growth else events, page_size=page_size)
        self.requests = 0
        self.is_open = bool(growth)
        self._least_events = events
        self._growth = growth
        self._page_seconds = page_seconds
        self._lock = threading.Lock()
        self._standin = standin
        standin.api.address_register = self

    @property
    def settings(self) -> dict[str, str]:
        """What a function needs to follow it."""
        return {"API_URL": self._standin.address_register_base, "HELSEID_SCOPE": SCOPE}

    @property
    def is_growing(self) -> bool:
        """Whether a request adds events."""
        return self.is_open or self.events < self._least_events

    def respond(self, request: Request) -> Response:
        """Respond with the page as it is now."""
        with self._lock:
            self.requests += 1
            response = super().respond(request)
            if self.is_growing:
                self.events += self._growth
        time.sleep(self._page_seconds)
        return response

    def read(self, first: int, last: int) -> list[dict[str, Any]]:
        """Return events, past the request's checks."""
        found: list[dict[str, Any]] = []
        while len(found) <= last - first:
            request = Request("GET", f"{PATH}?fromSequenceNumber={first + len(found)}", (), b"", "http")
            found += json.loads(super().respond(request).body)
        return found[: last - first + 1]
