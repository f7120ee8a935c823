"""HelseID's metadata: where its token endpoint is (OpenID Connect Discovery 1.0; HelseID's requirement FK2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from helseid_fn.concurrency import SingleFlight
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http.messages import Message, Response
from helseid_fn.http.retries import check_available
from helseid_fn.http.transport import Transport
from helseid_fn.http.url import find_url_fault

CACHE_SECONDS = 24 * 60 * 60
"""HelseID recommends a day (FK2)."""


class Metadata(NamedTuple):
    """The members of the metadata that are used, and when it was fetched, in seconds since the epoch."""

    issuer: str
    token_endpoint: str
    fetched_at: float


class MetadataSource:
    """The cached metadata of one issuer, fetched at first use and then once a day; safe for threads."""

    def __init__(
        self,
        issuer: str,
        transport: Transport,
        *,
        token_endpoint_host: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the token endpoint from the issuer's host, or from `token_endpoint_host` if it is given."""
        self._issuer = issuer
        # Appended, not inserted as RFC 8414 says: the issuer of HelseID's conformance tests has a path.
        self._url = f"{issuer}/.well-known/openid-configuration"
        self._token_endpoint_host = token_endpoint_host
        self._transport = transport
        self._now = now
        self._cached: SingleFlight[Metadata] = SingleFlight()

    def get(self, ctx: Context) -> Metadata:
        """Return the metadata; fetches it when none is cached or the cached copy is a day old.

        Raises `Unavailable`, `DeadlineExceeded` or `InvalidResponse`.
        """
        return self._cached.get(self._is_fresh, lambda: self._fetch(ctx), ctx, Party.HELSEID)

    def next_url(self) -> str:
        """Return where the next request to HelseID goes: the token endpoint, or the metadata where none is cached."""
        metadata = self._cached.value
        return metadata.token_endpoint if metadata is not None and self._is_fresh(metadata) else self._url

    def _is_fresh(self, metadata: Metadata) -> bool:
        return 0 <= self._now() - metadata.fetched_at < CACHE_SECONDS

    def _fetch(self, ctx: Context) -> Metadata:
        response = self._transport.send(
            Party.HELSEID,
            "GET",
            self._url,
            lambda _url, _nonce: Message({"Accept": "application/json"}),
            ctx=ctx,
            response_timeout_seconds=ctx.attempt_seconds,
        )
        check_available(Party.HELSEID, response, self._now())
        if response.status == 200:
            response.require_body()
        return parse_metadata(response, self._issuer, self._now(), token_endpoint_host=self._token_endpoint_host)


def parse_metadata(response: Response, issuer: str, now: float, *, token_endpoint_host: str | None = None) -> Metadata:
    """Parse the response, and check that it is from the issuer in the settings.

    The token endpoint must be on the issuer's host, or on `token_endpoint_host` if it is given.

    Raises `InvalidResponse`.
    """
    members = response.json_members()
    if response.status != 200 or not members:
        raise InvalidResponse(
            Party.HELSEID,
            "redirect" if 300 <= response.status < 400 else "metadata",
            f"{issuer}/.well-known/openid-configuration responded with {response.status} and "
            f"{'JSON' if members else 'no JSON object'}, not with HelseID's metadata. Check HELSEID_ISSUER.",
            status=response.status,
        )
    named = members.get("issuer")
    if named != issuer:
        other = named if isinstance(named, str) and find_url_fault(named) is None else "another issuer"
        detail = f"HelseID's metadata names {other}, not HELSEID_ISSUER ({issuer}). Set HELSEID_ISSUER to exactly that."
        raise InvalidResponse(Party.HELSEID, "issuer_mismatch", detail)
    token_endpoint = members.get("token_endpoint")
    if not isinstance(token_endpoint, str):
        raise _bad_token_endpoint("is missing")
    fault = find_url_fault(token_endpoint)
    if fault is None and issuer.startswith("https:") and not token_endpoint.startswith("https:"):
        fault = "is not https, although the issuer is"
    if fault is not None:
        raise _bad_token_endpoint(fault)
    host, allowed = urlsplit(token_endpoint).netloc, token_endpoint_host or urlsplit(issuer).netloc
    if host.lower() != allowed.lower():
        detail = f"HelseID's token endpoint is on {host}, not on {allowed}. If that is right, set TOKEN_ENDPOINT_HOST to it."
        raise InvalidResponse(Party.HELSEID, "metadata", detail)
    return Metadata(issuer, token_endpoint, fetched_at=now)


def _bad_token_endpoint(fault: str) -> InvalidResponse:
    return InvalidResponse(
        Party.HELSEID, "metadata", f"The token_endpoint in HelseID's metadata {fault}. Check HELSEID_ISSUER."
    )
