"""An API that HelseID protects, as a program calls it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, TypedDict, Unpack

from helseid_fn.api.client import ApiClient
from helseid_fn.api.json_pointer import find, is_pointer
from helseid_fn.api.request import ApiRequest
from helseid_fn.api.response import ApiResponse
from helseid_fn.api.url import resolve_below
from helseid_fn.api.written_request import build_api_request
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidInvocation, InvalidResponse
from helseid_fn.oauth.organization import Organization, check_organization

MAX_PAGES = 10_000


class Parts(TypedDict, total=False):
    """What a request may have besides its method and path."""

    params: Mapping[str, object]
    headers: Mapping[str, str]
    json: Any
    content: bytes | BinaryIO


class Options(Parts, total=False):
    """What a call may have besides; `ProtectedApi.request` explains each."""

    allow: Collection[int]
    stream: bool


FindNext = Callable[[ApiResponse], str | None]


def _choose_finder(next_page: str | FindNext) -> FindNext:
    """Return what finds the next page's link in a response. Raises `InvalidInvocation` for what is no pointer."""
    if not isinstance(next_page, str):
        return next_page
    if next_page == "link":
        return lambda response: response.links.get("next")
    if not is_pointer(next_page):
        detail = 'next must be "link", a JSON pointer such as "/links/next", or a function of the response.'
        raise InvalidInvocation("request", detail)

    def follow(response: ApiResponse) -> str | None:
        link = find(response.json(), next_page)
        if not isinstance(link, str | None):
            raise _bad_link(f"at {next_page} is not a string.")
        return link or None

    return follow


class ProtectedApi:
    """An API below one URL, called for one organization with one set of scopes; safe for threads.

    Token, proof, nonce, renewal, retries and the deadline are taken care of.
    """

    def __init__(
        self,
        client: ApiClient,
        url: str,
        organization: Organization,
        scopes: frozenset[str],
        *,
        max_body_bytes: int,
        begin: Callable[[], Context],
    ) -> None:
        """Call below `url`; `begin` returns the context of each call, with its deadline."""
        self._client = client
        self._url = url
        self._organization = organization
        self._scopes = scopes
        self._max_body_bytes = max_body_bytes
        self._begin = begin

    def for_organization(self, organization: Organization) -> ProtectedApi:
        """Return the same API for another organization. Raises `InvalidInvocation`."""
        try:
            checked = check_organization(organization)
        except ValueError as fault:
            raise InvalidInvocation("organization", str(fault)) from None
        return ProtectedApi(
            self._client, self._url, checked, self._scopes, max_body_bytes=self._max_body_bytes, begin=self._begin
        )

    def request(
        self, method: str, path: str = "", *, allow: Collection[int] = (), stream: bool = False, **parts: Unpack[Parts]
    ) -> ApiResponse:
        """Call the API and return its response; only a 2xx, a 304 that was asked for, or a status in `allow` is one.

        `path` is relative to the API's URL and unencoded, and `params` are the query: strings, whole numbers, or lists of
        them. A body is either `json` or `content`: bytes, or a binary file that can seek, which is streamed. With `stream`,
        the body of a 2xx is yet to be read; a connection that breaks while it is read is not tried again.

        Raises `InvalidInvocation` for a request that cannot be sent, otherwise `SigningKeyError`, `Unavailable`,
        `DeadlineExceeded`, `Refused` or `InvalidResponse`.
        """
        return self.send(build_api_request(method, self._url, path, self._max_body_bytes, **parts), allow=allow, stream=stream)

    def send(self, request: ApiRequest, *, allow: Collection[int] = (), stream: bool = False) -> ApiResponse:
        """Send a request that is built already, such as a job's `request`, as `request` says. Raises what it raises."""
        ctx = self._begin()
        exchange = self._client.exchange(request, self._organization, self._scopes, ctx, stream=stream)
        response = exchange.response
        if not (
            200 <= response.status < 300 or (response.status == 304 and request.is_conditional) or response.status in allow
        ):
            self._client.read(exchange, ctx)  # raises what the status means
        response.require_body()
        return ApiResponse(response.status, response.headers, response.stream or response.body, request.url)

    def get(self, path: str = "", **options: Unpack[Options]) -> ApiResponse:
        """Call with GET, as `request` says."""
        return self.request("GET", path, **options)

    def post(self, path: str = "", **options: Unpack[Options]) -> ApiResponse:
        """Call with POST, which is sent once if the API may have processed it."""
        return self.request("POST", path, **options)

    def put(self, path: str = "", **options: Unpack[Options]) -> ApiResponse:
        """Call with PUT, as `request` says."""
        return self.request("PUT", path, **options)

    def patch(self, path: str = "", **options: Unpack[Options]) -> ApiResponse:
        """Call with PATCH, which is sent once if the API may have processed it."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str = "", **options: Unpack[Options]) -> ApiResponse:
        """Call with DELETE, as `request` says."""
        return self.request("DELETE", path, **options)

    def pages(
        self,
        path: str = "",
        *,
        next: str | FindNext = "link",  # noqa: A002  # nobody iterates by hand in here
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[ApiResponse]:
        """Yield a page and those that follow it.

        `next` says where a page has the link to the next one: "link" for the header `Link` (RFC 8288), a JSON pointer (RFC
        6901) such as "/Links/Next/Href", or a function of the response. The link is a URL, a path (from the API's URL, or from
        its origin if it begins with a slash) or a query that begins with a question mark, each encoded; None after the last
        page. A URL that is not below the API's is never called.

        Raises what `request` raises.
        """
        find_next = _choose_finder(next)
        request = build_api_request("GET", self._url, path, self._max_body_bytes, params=params, headers=headers)
        seen = set[str]()
        while True:
            seen.add(request.url)
            response = self.send(request)
            yield response
            link = find_next(response)
            if link is None:
                return
            request = replace(request, url=self._find_page(link, request.url, seen))

    def _find_page(self, link: str, current_url: str, seen: Collection[str]) -> str:
        try:
            url = resolve_below(self._url, current_url, link)
        except ValueError as fault:
            raise _bad_link(str(fault)) from None
        if url in seen:
            raise _bad_link("leads to a page that was read already.")
        if len(seen) >= MAX_PAGES:
            raise _bad_link(f"goes on after {MAX_PAGES} pages.")
        return url


def _bad_link(fault: str) -> InvalidResponse:
    remedy = "Report it to its operators, or find the page in another way."
    return InvalidResponse(Party.API, "next_page", f"The API's link to the next page {fault} {remedy}")
