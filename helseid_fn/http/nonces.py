"""The nonces that servers have issued, to requests of ours and of other HTTP libraries."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from helseid_fn.http.dpop_nonce import read_nonce
from helseid_fn.http.url import origin_of

MAX_ORIGINS = 100


class Nonces:
    """The latest nonce of each origin (RFC 9449 section 8.2); safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: OrderedDict[str, str] = OrderedDict()

    def learn(self, url: str, headers: Mapping[str, str]) -> None:
        """Take the nonce of a response, whatever its status, for the next request to its origin."""
        nonce, origin = read_nonce(headers), origin_of(url)
        if nonce is None:
            return
        with self._lock:
            self._latest[origin] = nonce
            self._latest.move_to_end(origin)
            if len(self._latest) > MAX_ORIGINS:
                self._latest.popitem(last=False)

    def get(self, url: str) -> str | None:
        """Return the latest nonce of the URL's origin."""
        return self._latest.get(origin_of(url))
