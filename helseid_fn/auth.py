"""HelseID's tokens as an auth object of requests, for libraries that take one."""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from helseid_fn.api.authorization import Authorization, Authorizer, stream_is_gone
from helseid_fn.errors import HelseidFnError
from helseid_fn.http import messages
from helseid_fn.http.adapter import wire_url


class HelseIdAuth(AuthBase):
    """Adds a token and a proof to each request; `Client.auth` makes one. Safe for threads.

    It follows the API's nonce, obtains another token once if the API rejects one, and raises this package's errors. A redirect
    is `Refused` and not followed: a proof is for one URL.
    """

    def __init__(self, authorizer: Authorizer) -> None:
        """Authorize requests with the tokens of an authorizer."""
        self._authorizer = authorizer

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the headers to a request, and look at its response before the caller does."""
        url = wire_url(request.url or "")
        authorization = self._authorizer.authorize(request.method or "GET", url, self._authorizer.begin())
        request.url = url  # what the proof says, to the letter
        request.headers.update(authorization.headers())
        request.hooks["response"].append(_Repetition(self._authorizer, authorization))
        return request

    def __repr__(self) -> str:
        return "<HelseIdAuth>"


class _Repetition:
    """Sends a request again while its response asks for that."""

    def __init__(self, authorizer: Authorizer, authorization: Authorization) -> None:
        self._authorizer = authorizer
        self._authorization = authorization

    def __call__(self, response: Response, **options: Any) -> Response:
        while self._wants_repeat(response):
            response = _send_again(response, self._authorization.headers(), options)
        return response

    def _wants_repeat(self, response: Response) -> bool:
        try:
            seen = messages.Response(response.status_code, response.headers, b"")
            return self._authorization.wants_repeat(seen, self._authorizer.begin())
        except HelseidFnError:
            response.close()
            raise


def _send_again(response: Response, headers: dict[str, str], options: dict[str, Any]) -> Response:
    """Send the request of a response with these headers, as requests' own digest authentication does."""
    response.content  # noqa: B018  # read, so that the connection can be used again
    response.close()
    request: Any = response.request.copy()
    _rewind(request)
    cookies = request._cookies  # noqa: SLF001  # as requests' own do: a cookie may lead to the server that knows the nonce
    extract_cookies_to_jar(cookies, response.request, response.raw)  # type: ignore[no-untyped-call]
    request.prepare_cookies(cookies)
    request.headers.update(headers)
    again: Response = response.connection.send(request, **options)
    again.history.append(response)
    again.request = request
    return again


def _rewind(request: PreparedRequest) -> None:
    """Have a body that is a file read from where it began; raises `InvalidInvocation` for one that is gone."""
    if request.body is None or isinstance(request.body, str | bytes):
        return
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        raise stream_is_gone() from None
