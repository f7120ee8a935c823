"""The only door to HelseID and the API: nonces, timeouts, the deadline, and one bounded retry for each reason.

A request is a function, not a value: `send` calls `build` again for every attempt, so that a client assertion or a proof is
never sent twice. An HTTP library's own retries, redirects, cookies and netrc would break that, so requests' adapter is used
without its session, which leaves all four out.
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Garbled, Party, Unreachable
from helseid_fn.http.connection import POOL_CLASSES, load_tls_context
from helseid_fn.http.failures import Loss, describe_loss, read_loss
from helseid_fn.http.messages import Answer, Build, Message
from helseid_fn.http.retries import pause_before_retry
from helseid_fn.oauth.dpop import asks_for_nonce, read_nonce

CONNECT_TIMEOUT_SECONDS = 3.0
MAX_ANSWER_BYTES = 1024 * 1024
MAX_KEPT_CONNECTIONS = 100

MAX_IDLE_SECONDS = 5.0
"""Connections kept for longer may have died while the instance slept, and are not used again. Measured by the wall clock,
since a sleeping instance's monotonic clock may stand still.
"""

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Origin:
    """What is remembered of an origin: its latest nonce, the way there, and the connections kept open."""

    url: str
    proxies: dict[str, str] = field(repr=False)
    tls: ssl.SSLContext | None
    adapter: HTTPAdapter
    used_at: float
    nonce: str | None = None


class Transport:
    """Sends requests; safe for threads. Opens nothing before the first one, so it may be made before a server forks."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._random = random
        self._lock = threading.Lock()
        self._origins: dict[str, _Origin] = {}

    def send(
        self,
        party: Party,
        method: str,
        url: str,
        build: Build,
        *,
        deadline: Deadline,
        journal: Journal,
        answer_timeout_seconds: float | None = None,
        idempotent: bool = True,
    ) -> Answer:
        """Send a request and return the answer, whatever its status.

        It is sent anew, each time built anew: once when the server asks for a nonce, and at most twice on transient faults
        (no complete answer, 429, 5xx), with jittered pauses or the server's `Retry-After`, inside the deadline. What is not
        `idempotent` is sent again only when the server cannot have acted on it.

        Raises `Unreachable`, `DeadlineExceeded` or `Garbled`.
        """
        url = wire_url(url)
        origin = self._origin(party, url)
        nonce, nonce_rounds, retries = origin.nonce, 0, 0
        while True:
            timeout_seconds = min(deadline.check(party), answer_timeout_seconds or deadline.total_seconds)
            outcome = self._exchange(party, origin, _prepare(method, url, build(url, nonce)), timeout_seconds, journal)
            if isinstance(outcome, Answer) and asks_for_nonce(outcome):
                nonce, nonce_rounds = _read_asked_nonce(party, outcome, nonce_rounds), nonce_rounds + 1
                continue
            pause = pause_before_retry(outcome, retries, idempotent=idempotent, now=self._now(), random=self._random())
            if pause is None or pause >= deadline.left_seconds():
                break
            self._sleep(pause)
            nonce, retries = origin.nonce, retries + 1
        if isinstance(outcome, Answer):
            return outcome
        deadline.check(party)
        detail = describe_loss(outcome, party, origin.url, timeout_seconds)
        if outcome.reason == "http":
            raise Garbled(party, "http", f"{detail}.")
        if outcome.acted and not idempotent:
            detail += f"; whether it acted on the {method} is not known, so it was not sent again"
        raise Unreachable(party, outcome.reason, f"{detail}.")

    def _exchange(
        self, party: Party, origin: _Origin, request: requests.PreparedRequest, timeout_seconds: float, journal: Journal
    ) -> Answer | Loss:
        """Send one request over a kept or a new connection, and learn the nonce of its answer."""
        adapter = self._live_adapter(origin)
        timeout = Timeout(connect=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds), total=timeout_seconds)
        with journal.request(party):
            try:
                answer = _read(party, adapter.send(request, stream=True, timeout=timeout, proxies=origin.proxies))  # type: ignore[arg-type]  # its stub lacks Timeout
            except Garbled as error:
                journal.note_outcome(party, error.code.rpartition(".")[2])
                raise
            except (requests.RequestException, HTTPError, OSError) as error:
                # A kind of proxy that requests cannot use is told as a wrong address.
                wrong_proxy = isinstance(error, requests.exceptions.InvalidSchema)
                loss = Loss("proxy", acted=False) if wrong_proxy else read_loss(error)
                journal.note_outcome(party, loss.reason)
                _logger.debug("%s at %s: no answer (%s)", party.value, origin.url, loss.reason)
                return loss
        origin.used_at = self._now()
        origin.nonce = read_nonce(answer.headers) or origin.nonce
        journal.note_outcome(party, answer.status)
        _logger.debug("%s at %s: %s answered with %d", party.value, origin.url, request.method, answer.status)
        return answer

    def _origin(self, party: Party, url: str) -> _Origin:
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if key not in self._origins:
                # The environment's proxies and CA bundle as requests reads them; once, since that takes longer than a proof.
                way = requests.Session().merge_environment_settings(url, {}, stream=True, verify=None, cert=None)
                bundle = way["verify"] if isinstance(way["verify"], str) else requests.utils.DEFAULT_CA_BUNDLE_PATH
                tls = _load_trust(party, bundle) if parts.scheme == "https" else None
                # Without TLS there is only this very machine, and its traffic is no proxy's to see.
                proxies = dict(way["proxies"]) if tls else {}
                self._origins[key] = _Origin(key, proxies, tls, _Adapter(tls), used_at=self._now())
            return self._origins[key]

    def _live_adapter(self, origin: _Origin) -> HTTPAdapter:
        """Return the origin's kept connections, or fresh ones when the kept have idled too long or the clock was set."""
        with self._lock:
            now = self._now()
            if not 0 <= now - origin.used_at <= MAX_IDLE_SECONDS:
                origin.adapter = _Adapter(origin.tls)
            origin.used_at = now
            return origin.adapter


class _Adapter(HTTPAdapter):
    """Requests' adapter over punctual connections, with one TLS context for all of them."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        super().__init__(pool_maxsize=MAX_KEPT_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._tls, **kwargs)
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def cert_verify(self, *args: Any) -> None:
        """Leave the connection as it is: the TLS context says whom to trust; requests would load its bundle each time."""


def _load_trust(party: Party, bundle: str) -> ssl.SSLContext:
    try:
        return load_tls_context(bundle)
    except OSError:
        detail = f"The CA bundle {bundle} could not be read any more, so {party.in_text} cannot be verified; put it back."
        raise Unreachable(party, "tls", detail) from None


def wire_url(url: str) -> str:
    """Return the URL exactly as it will be sent, which `htu` must repeat: normalised by requests, no default port."""
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    parts = urlsplit(prepared.url or "")
    default_port = ":443" if parts.scheme == "https" else ":80"
    return parts._replace(netloc=parts.netloc.removesuffix(default_port), fragment="").geturl()


def _prepare(method: str, url: str, message: Message) -> requests.PreparedRequest:
    # Not compressed: a small answer could unpack to a huge one.
    headers = {"User-Agent": "helseid-fn", "Accept-Encoding": "identity", **message.headers}
    # Not `Request.prepare()`, which would normalise the URL once more than the proof knows of, and look for cookies.
    request = requests.PreparedRequest()
    request.method, request.url = method, url
    request.prepare_headers(headers)
    request.prepare_body(message.body, None)
    return request


def _read(party: Party, response: requests.Response) -> Answer:
    with response:
        if response.status_code < 200:
            # Left unread: closing ends the connection, whose next bytes are the real answer and must not become another's.
            detail = (
                f"{party.as_subject} answered with {response.status_code}, which is no answer; report it to those who run it."
            )
            raise Garbled(party, "http", detail)
        body = b""
        # To its end: that a body is shorter than announced shows only when the next read finds nothing.
        while piece := response.raw.read(MAX_ANSWER_BYTES + 1 - len(body), decode_content=False):
            body += piece
    if len(body) > MAX_ANSWER_BYTES:
        remedy = "ask it for less" if party is Party.API else "check HELSEID_ISSUER and what stands between it and us"
        raise Garbled(party, "too_large", f"{party.as_subject} answered with more than 1 MiB, the most that is read; {remedy}.")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise Garbled(
            party,
            "http",
            f"{party.as_subject} compressed its answer although it was asked not to; look for a proxy that does so.",
        )
    return Answer(response.status_code, response.headers, body)


def _read_asked_nonce(party: Party, answer: Answer, rounds: int) -> str:
    """Return the nonce of the answer in hand: what other threads have learned meanwhile plays no part."""
    nonce = read_nonce(answer.headers)
    if nonce is None:
        fault = "asked for a nonce but gave none that can be sent back (DPoP-Nonce)"
    elif rounds:
        fault = "asked for a nonce again when it was sent the one that it had just given"
    else:
        return nonce
    raise Garbled(party, "nonce", f"{party.as_subject} {fault}; report it to those who run it.")
