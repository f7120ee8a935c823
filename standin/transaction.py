"""One request and its response, recorded once."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from standin.checks import recording
from standin.messages import Response
from standin.record import Exchange, Record, find_issued_tokens
from standin.refusals import Refusal, RefusedError

Change = Callable[[dict[str, object]], dict[str, object]]


class Transaction:
    """Keeps the refusal of a request and the checks that it passed until the response has been recorded."""

    def __init__(self, exchange: Exchange, record: Record) -> None:
        """Record the request."""
        self._exchange = record.begin(exchange)
        self._record = record
        self._started = time.monotonic()
        self._refusal: Refusal | None = None
        self._checks: list[str] = []
        self._finished = False

    def handle(self, real: Callable[[], Response], refuse: Callable[[Refusal], Response], change: Change) -> Response:
        """Return the real response, with the planned change applied."""
        with recording() as self._checks:
            try:
                response = _changed(real(), change)
            except RefusedError as error:
                self._refusal = error.refusal
                return refuse(error.refusal)
        self._record.keep_secrets(find_issued_tokens(response))
        return response

    def finish(self, response: Response | None) -> None:
        """Record the response, or None for no response; later calls have no effect."""
        if self._finished:
            return
        self._finished = True
        self._record.finish(
            replace(
                self._exchange,
                status=response.status if response else None,
                response_headers=response.headers if response else (),
                response_body=response.body if response else b"",
                refusal=self._refusal,
                checks=tuple(self._checks),
                duration_seconds=time.monotonic() - self._started,
            )
        )


def _changed(response: Response, change: Change) -> Response:
    if response.status != HTTPStatus.OK:
        return response
    members = json.loads(response.body)
    changed = change(members)
    return response if changed is members else replace(response, body=json.dumps(changed, ensure_ascii=False).encode())
