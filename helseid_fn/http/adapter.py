"""Requests' adapter without its session: how an origin is reached, and how a request is sent.

`docs/decisions/0003-requests-adapter-without-session.md` says why there is no session.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from helseid_fn.error_codes import Party
from helseid_fn.errors import Unavailable
from helseid_fn.http.connection import POOL_CLASSES
from helseid_fn.http.messages import Message
from helseid_fn.http.tls_session import TlsSession
from helseid_fn.http.trust import share_tls_context
from helseid_fn.http.url import origin_of

MAX_KEPT_CONNECTIONS = 100

MAX_IDLE_SECONDS = 5.0
"""A connection that was idle for longer is not used again: it may have died while the instance slept. Measured by the wall
clock, since the monotonic clock of a sleeping instance may stand still.
"""


@dataclass(slots=True)
class Origin:
    """An origin's connections, and the way to it."""

    url: str
    proxies: dict[str, str] = field(repr=False)
    tls: ssl.SSLContext | None
    adapter: _Adapter
    used_at: float

    @classmethod
    def open(cls, party: Party, url: str, now: float, max_bytes: int) -> Self:
        """Read the environment's proxies and CA bundle; nothing is connected yet.

        `now` is wall-clock seconds, `max_bytes` the largest body that is taken from there.

        Raises `Unavailable` when the CA bundle cannot be read.
        """
        scheme = urlsplit(url).scheme
        # Done once for each origin, since it takes longer than signing a proof.
        proxies, bundle = _read_environment(url)
        tls = _load_trust(party, bundle) if scheme == "https" else None
        # http goes to this machine only, and a proxy must not see that traffic.
        proxies = proxies if tls else {}
        return cls(origin_of(url), proxies, tls, _Adapter(tls, max_bytes, TlsSession()), used_at=now)

    def drop_connections(self) -> None:
        """Have the next request open a new connection."""
        self.adapter = self.adapter.renew()

    def is_idle(self, now: float) -> bool:
        """Return whether its connections were idle for too long, or the clock was set back."""
        return not 0 <= now - self.used_at <= MAX_IDLE_SECONDS

    def renew_idle_connections(self, now: float) -> _Adapter:
        """Return the adapter: a new one if its connections are idle."""
        if self.is_idle(now):
            self.adapter = self.adapter.renew()
        self.used_at = now
        self.adapter.tls_session.drop_old(now)
        return self.adapter


def load_trust_early(url: str) -> None:
    """Load the CA bundle that a first request to the URL would load; a bundle that cannot be read is that request's failure."""
    if urlsplit(url).scheme == "https":
        with suppress(OSError):
            share_tls_context(_read_environment(url)[1])


def find_route(url: str) -> tuple[str | None, str]:
    """Return the proxy that leads to a URL, without its credentials, and the CA bundle, as the environment has them."""
    proxies, bundle = _read_environment(url)
    proxy = requests.utils.select_proxy(url, proxies) if urlsplit(url).scheme == "https" else None
    if proxy is None:
        return None, bundle
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), bundle


def _read_environment(url: str) -> tuple[dict[str, str], str]:
    environment = requests.Session().merge_environment_settings(url, {}, stream=True, verify=None, cert=None)
    bundle = environment["verify"] if isinstance(environment["verify"], str) else requests.utils.DEFAULT_CA_BUNDLE_PATH
    return dict(environment["proxies"]), bundle


class _Adapter(HTTPAdapter):
    """Requests' adapter for one origin, over our connections, which share one TLS context."""

    def __init__(self, tls: ssl.SSLContext | None, max_bytes: int, tls_session: TlsSession) -> None:
        self.tls_session = tls_session
        self._tls = tls
        self._max_bytes = max_bytes
        self._pool: Any = None
        super().__init__(pool_maxsize=MAX_KEPT_CONNECTIONS)

    def renew(self) -> Self:
        """Return the same without connections, but with the session to resume."""
        return type(self)(self._tls, self._max_bytes, self.tls_session)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._tls, **kwargs)
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def ensure_connected(self, url: str, proxies: dict[str, str], timeout_seconds: float) -> None:
        """Connect to the URL's origin within this time, unless a kept connection is open.

        Raises `ConnectError`, or what requests raises for a proxy's URL.
        """
        request = requests.PreparedRequest()
        request.url = url
        self.get_connection_with_tls_context(request, verify=True, proxies=proxies).ensure_connected(timeout_seconds)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool of connections, which is the same for every request to the origin, so it is found once."""
        if self._pool is None:
            pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
            pool.conn_kw.update(max_bytes=self._max_bytes, tls_session=self.tls_session)
            self._pool = pool
        return self._pool

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Return the response with what is read of it; its cookies are never looked for."""
        response = requests.Response()
        response.request, response.status_code, response.raw = req, resp.status, resp
        response.headers = CaseInsensitiveDict(resp.headers)
        return response

    def cert_verify(self, *args: Any) -> None:
        """Do nothing: the TLS context decides whom to trust, and requests would load its bundle every time."""


def _load_trust(party: Party, bundle: str) -> ssl.SSLContext:
    try:
        return share_tls_context(bundle)
    except OSError:
        detail = f"The CA bundle {bundle} cannot be read, so {party.in_text} cannot be verified. Restore the file."
        raise Unavailable(party, "tls", detail) from None


@lru_cache(maxsize=32)  # most calls have one of few URLs
def wire_url(url: str) -> str:
    """Return the URL exactly as it will be sent, which `htu` must repeat: normalised by requests, without a default port."""
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    parts = urlsplit(prepared.url or "")
    default_port = ":443" if parts.scheme == "https" else ":80"
    return parts._replace(netloc=parts.netloc.removesuffix(default_port), fragment="").geturl()


def prepare(method: str, url: str, message: Message) -> requests.PreparedRequest:
    """Prepare the message for the adapter. `url` is a `wire_url` and is sent as it is."""
    # Not compressed: a small response could unpack to a huge one.
    headers = {"User-Agent": "helseid-fn", "Accept-Encoding": "identity", **message.headers}
    # `Request.prepare()` would normalise the URL once more than the proof's `htu`, and look for cookies.
    request = requests.PreparedRequest()
    request.method, request.url = method, url
    request.prepare_headers(headers)
    request.prepare_body(message.body, None)
    return request
