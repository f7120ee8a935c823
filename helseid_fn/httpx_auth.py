"""HelseID's tokens as an auth object of httpx, for its clients that wait and those that await."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

try:
    import httpx
except ModuleNotFoundError as error:
    raise ImportError("HelseIdHttpxAuth needs httpx. Install it: pip install 'helseid-fn[httpx]'") from error

from helseid_fn.api.authorization import Authorization, Authorizer, stream_is_gone
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused
from helseid_fn.http import messages

MAX_THREADS = 32
"""Each task that waits for a token has a thread: waiting together, they share one request and, if it fails, its failure."""

Value = TypeVar("Value")
Trace = Callable[[str, Mapping[str, Any]], Awaitable[None] | None]


class HelseIdHttpxAuth(httpx.Auth):
    """Adds a token and a proof to each request; `Client.httpx_auth` makes one. Safe for threads and for asyncio's tasks.

    It follows the API's nonce, obtains another token once if the API rejects one, and raises this package's errors. A redirect
    is `Refused` and not followed: a proof is for one URL. In an `AsyncClient` threads obtain the token, so the loop goes on.
    """

    def __init__(self, authorizer: Authorizer) -> None:
        """Authorize requests with the tokens of an authorizer."""
        self._authorizer = authorizer
        self._workers = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="helseid-token")

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authorize a request of a `Client`."""
        _load_form(request)
        authorization = self._authorizer.authorize(request.method, _wire_url(request.url), self._authorizer.begin())
        response = yield _sign(request, authorization, _ProofGuard)
        while authorization.wants_repeat(_head_of(response), self._authorizer.begin()):
            _check_repeatable(request)
            response = yield _sign(request, authorization, _ProofGuard)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorize a request of an `AsyncClient`."""
        _load_form(request)
        url, ctx = _wire_url(request.url), self._authorizer.begin()
        authorization = await self._work(lambda: self._authorizer.authorize(request.method, url, ctx))
        response = yield _sign(request, authorization, _AsyncProofGuard)
        while await self._wants_repeat(authorization, response):
            _check_repeatable(request)
            response = yield _sign(request, authorization, _AsyncProofGuard)

    async def _wants_repeat(self, authorization: Authorization, response: httpx.Response) -> bool:
        head, ctx = _head_of(response), self._authorizer.begin()
        if head.status != 401:  # only a 401 may need another token
            return authorization.wants_repeat(head, ctx)
        return await self._work(lambda: authorization.wants_repeat(head, ctx))

    async def _work(self, work: Callable[[], Value]) -> Value:
        """Do what may wait for HelseID in a thread; contexts begin before, so that waits for a thread do not add up."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def __repr__(self) -> str:
        return "<HelseIdHttpxAuth>"


class _ProofGuard:
    """A trace of httpcore that lets a proof out once: where httpx follows redirects, it would send it elsewhere."""

    def __init__(self, inner: Trace | None) -> None:
        self.inner = inner
        self._is_sent = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> Any:
        self.check(event, info)
        return self.inner(event, info) if self.inner else None

    def check(self, event: str, info: Mapping[str, Any]) -> None:
        if not event.endswith(".send_request_headers.started"):
            return
        if not any(name.lower() == b"dpop" for name, _ in info["request"].headers):
            return  # CONNECT, to a proxy
        if self._is_sent:
            detail = "The API responded with a redirect. A proof is valid for one address only, so call the final one."
            raise Refused(Party.API, "redirect", detail)
        self._is_sent = True


class _AsyncProofGuard(_ProofGuard):
    """The same for httpcore's connections that are awaited."""

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        self.check(event, info)
        if self.inner and (waiting := self.inner(event, info)) is not None:
            await waiting


def _sign(request: httpx.Request, authorization: Authorization, guard: type[_ProofGuard]) -> httpx.Request:
    """Return the request with a token, and a proof for this one sending."""
    request.headers.update(authorization.headers())
    trace = request.extensions.get("trace")
    inner = trace.inner if isinstance(trace, _ProofGuard) else trace
    request.extensions = {**request.extensions, "trace": guard(inner)}
    return request


def _wire_url(url: httpx.URL) -> str:
    """Return the URL as it is sent."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


def _head_of(response: httpx.Response) -> messages.Response:
    return messages.Response(response.status_code, response.headers, b"")


def _load_form(request: httpx.Request) -> None:
    """Read a form with files, which alone both kinds of client can stream: httpx would read a pipe in it twice."""
    if isinstance(request.stream, httpx.SyncByteStream) and isinstance(request.stream, httpx.AsyncByteStream):
        request.read()


def _check_repeatable(request: httpx.Request) -> None:
    """Raise `InvalidInvocation` unless the body is in memory."""
    try:
        _ = request.content
    except httpx.RequestNotRead:
        raise stream_is_gone() from None
