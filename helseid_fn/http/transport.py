"""The one loop that sends requests to HelseID and the API: nonces, timeouts, the deadline, and bounded retries.

A request is a function, not a value: `send` calls `build` again for every attempt, so a client assertion or a proof is never
sent twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

import requests
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import DeadlineExceeded, InvalidResponse, Unavailable
from helseid_fn.http.adapter import Origin, prepare, wire_url
from helseid_fn.http.body import read_response
from helseid_fn.http.dpop_nonce import asks_for_nonce, read_requested_nonce
from helseid_fn.http.early_connection import begin_connecting
from helseid_fn.http.exchange import Exchange, Observe, ignore
from helseid_fn.http.failures import Failure, classify_failure, describe_failure
from helseid_fn.http.gzip_members import MEBIBYTE
from helseid_fn.http.messages import Build, Message, Response
from helseid_fn.http.nonces import Nonces
from helseid_fn.http.retries import NEEDS_NEW_CONNECTION, draw_jitter, may_be_processed, pause_before_retry
from helseid_fn.http.streamed_body import StreamedBody
from helseid_fn.http.url import origin_of

CONNECT_TIMEOUT_SECONDS = 3.0
_MIN_WAIT_SECONDS = 0.001  # urllib3 refuses a timeout of 0

_logger = logging.getLogger(__name__)


class Transport:
    """Sends requests; safe for threads. It opens nothing before the first request, so a server may fork after making it."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = draw_jitter,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        api_max_bytes: int = 10 * MEBIBYTE,
        nonces: Nonces | None = None,
        observe: Observe = ignore,
    ) -> None:
        """Take `now` as the wall clock in seconds, and `api_max_bytes` as the largest body of the API; others' are 1 MiB.

        `nonces` are shared with other libraries, which call the same origins.
        """
        self._now = now
        self._api_max_bytes = api_max_bytes
        self._sleep = sleep
        self._random = random
        self._nonces = nonces or Nonces()
        self._observe = observe
        self._connect_timeout_seconds = connect_timeout_seconds
        self._lock = threading.Lock()
        self._origins: dict[str, Origin] = {}

    def connect_early(self, party: Party, url: str, *, ctx: Context, response_timeout_seconds: float | None = None) -> None:
        """Begin to connect to a URL's origin, for a request that will be sent with the same options; nothing is sent.

        What comes of it is that request's first attempt to connect. Where one was sent a moment ago, there is nothing to do.
        """
        url = wire_url(url)
        key = origin_of(url)
        seconds = min(self._connect_timeout_seconds, ctx.left_seconds(), response_timeout_seconds or ctx.deadline_seconds)

        def connect() -> None:
            origin = self._origin(party, url)
            with self._lock:
                adapter = origin.renew_idle_connections(self._now())
            adapter.ensure_connected(url, origin.proxies, seconds)

        with self._lock:
            origin = self._origins.get(key)
            if origin is None or origin.is_idle(self._now()):
                ctx.early_connections[key] = begin_connecting(connect)

    def send(
        self,
        party: Party,
        method: str,
        url: str,
        build: Build,
        *,
        ctx: Context,
        response_timeout_seconds: float | None = None,
        idempotent: bool = True,
        stream: bool = False,
    ) -> Response:
        """Send a request and return the response, whatever its status; with `stream`, the body of a 2xx is yet to be read.

        The request is built and sent again when the server asks for a nonce, at most twice in a row, and at most twice after a
        transient failure (no complete response, or a status of `is_transient`), with jittered pauses or the server's
        `Retry-After`, inside the deadline. A request that is not `idempotent` is sent again only when the server cannot have
        processed it.

        Raises `Unavailable`, `DeadlineExceeded` or `InvalidResponse`.
        """
        url = wire_url(url)
        origin = self._origin(party, url)

        def read(sent: requests.Response) -> Response:
            if not stream or not 200 <= sent.status_code < 300:
                return read_response(party, sent, self._max_bytes(party))
            body = StreamedBody(party, sent, self._max_bytes(party), ctx, origin_url=origin.url, idempotent=idempotent)
            return Response(sent.status_code, sent.headers, b"", stream=body)

        nonce, nonce_rounds, retries = self._nonces.get(url), 0, 0
        while True:
            timeout_seconds = min(ctx.check(party), response_timeout_seconds or ctx.deadline_seconds)
            outcome = self._exchange(party, origin, method, url, partial(build, url, nonce), timeout_seconds, ctx, read)
            if isinstance(outcome, Response) and asks_for_nonce(outcome):
                nonce, nonce_rounds = read_requested_nonce(party, outcome, nonce, nonce_rounds), nonce_rounds + 1
                continue
            if isinstance(outcome, Response) and outcome.status in NEEDS_NEW_CONNECTION:
                origin.drop_connections()
            pause = pause_before_retry(outcome, retries, idempotent=idempotent, now=self._now(), random=self._random())
            if pause is None or pause >= ctx.left_seconds():
                break
            self._sleep(pause)
            nonce, nonce_rounds, retries = self._nonces.get(url), 0, retries + 1
        if isinstance(outcome, Response):
            return outcome
        processed = may_be_processed(outcome, party, idempotent=idempotent)
        if ctx.left_seconds() <= 0:
            raise DeadlineExceeded(party, ctx.deadline_seconds, may_be_processed=processed)
        waited_seconds = timeout_seconds if outcome.processed else min(self._connect_timeout_seconds, timeout_seconds)
        what, remedy = describe_failure(outcome, party, origin.url, waited_seconds)
        if outcome.reason == "http":
            raise InvalidResponse(party, "http", f"{what} {remedy}")
        raise Unavailable(party, outcome.reason, what if processed else f"{what} {remedy}", may_be_processed=processed)

    def _exchange(
        self,
        party: Party,
        origin: Origin,
        method: str,
        url: str,
        build: Callable[[], Message],
        timeout_seconds: float,
        ctx: Context,
        read: Callable[[requests.Response], Response],
    ) -> Response | Failure:
        """Send one request over a kept or a new connection, and learn the nonce of its response.

        The message is built once there is a connection: connecting may take as long as a client assertion is valid.
        """
        connect_seconds, left_before = min(self._connect_timeout_seconds, timeout_seconds), ctx.left_seconds()
        left_after = left_before - timeout_seconds  # of the deadline, when this attempt's time is over
        message: Message | None = None
        with ctx.request(party):
            try:
                if join := ctx.early_connections.pop(origin.url, None):
                    join(timeout_seconds)
                with self._lock:
                    adapter = origin.renew_idle_connections(self._now())
                wait_seconds = max(_MIN_WAIT_SECONDS, ctx.left_seconds() - left_after)
                adapter.ensure_connected(url, origin.proxies, min(connect_seconds, wait_seconds))
                message = build()
                request = prepare(method, url, message)
                left_seconds = max(_MIN_WAIT_SECONDS, ctx.left_seconds() - left_after)
                timeout = Timeout(connect=left_seconds, total=left_seconds)  # urllib3 takes the first for sending, too
                sent = adapter.send(request, stream=True, timeout=timeout, proxies=origin.proxies)  # type: ignore[arg-type]  # its stub lacks Timeout
                response = read(sent)
            except InvalidResponse as error:
                ctx.note_outcome(party, error.reason)
                raise
            except (requests.RequestException, HTTPError, OSError) as error:
                failure = classify_failure(error)
                ctx.note_outcome(party, failure.reason)
                _logger.debug("%s at %s: no response (%s)", party.value, origin.url, failure.reason)
                self._observe(Exchange(party, method, url, message, failure, left_before - ctx.left_seconds()))
                return failure
        origin.used_at = self._now()
        self._nonces.learn(url, response.headers)
        ctx.note_outcome(party, response.status)
        _logger.debug("%s at %s: %s responded with %d", party.value, origin.url, method, response.status)
        self._observe(Exchange(party, method, url, message, response, left_before - ctx.left_seconds()))
        return response

    def _origin(self, party: Party, url: str) -> Origin:
        key = origin_of(url)
        with self._lock:
            if key not in self._origins:
                self._origins[key] = Origin.open(party, url, self._now(), self._max_bytes(party))
            return self._origins[key]

    def _max_bytes(self, party: Party) -> int:
        return self._api_max_bytes if party is Party.API else MEBIBYTE
