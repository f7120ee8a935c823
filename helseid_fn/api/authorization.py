"""The headers that authorize a request which another HTTP library sends, and what its response asks for.

It does here what `ApiClient` and `Transport` do for our own requests: a fresh proof each time, the API's nonce, and one new
token when the API rejects the token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

from helseid_fn.api.json_response import asks_for_proof, read_json_response, rejects_token
from helseid_fn.api.refusal import check_response
from helseid_fn.api.url import resolve_below
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidInvocation
from helseid_fn.http.dpop_nonce import asks_for_nonce, read_requested_nonce
from helseid_fn.http.messages import Response
from helseid_fn.http.nonces import Nonces
from helseid_fn.http.url import find_url_fault
from helseid_fn.oauth.dpop import build_proof, new_jti
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from helseid_fn.oauth.token_source import TokenSource

_REDIRECTS = (301, 302, 303, 307, 308)


class Authorizer:
    """Authorizes requests for one organization with one set of scopes, below one URL if it is given; safe for threads."""

    def __init__(
        self,
        tokens: TokenSource,
        nonces: Nonces,
        organization: Organization,
        scopes: frozenset[str],
        *,
        below: str | None = None,
        begin: Callable[[], Context],
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = new_jti,
    ) -> None:
        self.tokens = tokens
        self.nonces = nonces
        self._organization = organization
        self._scopes = scopes
        self._below = below
        self.begin = begin
        """Returns the time limit of obtaining one token."""
        self.now = now
        self._new_id = new_id

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        """Return itself: dlt copies its configuration with all that is in it, and copies of tokens would be new requests."""
        return self

    def authorize(self, method: str, url: str, ctx: Context) -> Authorization:
        """Authorize a request to a URL, which is exactly as it will be sent.

        Raises `InvalidInvocation` for one to which no token is sent, otherwise what obtaining a token raises.
        """
        fault = find_url_fault(url)
        if fault is not None:
            raise InvalidInvocation("request", f"The URL {fault}. No token is sent there.")
        if self._below is not None:
            try:
                resolve_below(self._below, url, url)
            except ValueError as elsewhere:
                raise InvalidInvocation("request", f"The request {elsewhere} This auth object is for one API.") from None
        return Authorization(self, method, url, self.get_token(ctx))

    def get_token(self, ctx: Context, *, rejected: Token | None = None) -> Token:
        """Return a token, or another one than the API has rejected."""
        return self.tokens.get(self._organization, self._scopes, ctx, rejected=rejected)

    def build_proof(self, token: Token, method: str, url: str, nonce: str | None) -> str:
        """Build a proof for one sending of a request."""
        return build_proof(
            token.proof_key,
            method=method,
            url=url,
            now=self.now(),
            jti=self._new_id(),
            nonce=nonce,
            access_token=token.value,
        )


class Authorization:
    """One request's headers: those to send now, and after a response those to send it again with."""

    def __init__(self, authorizer: Authorizer, method: str, url: str, token: Token) -> None:
        self._authorizer = authorizer
        self._method = method
        self._url = url
        self._token = token
        self._sent_secrets: tuple[str, ...] = ()
        self._start_over()

    def _start_over(self) -> None:
        self._nonce = self._authorizer.nonces.get(self._url)
        self._nonce_rounds = 0
        self._is_renewed = self._is_signed_anew = False

    def headers(self) -> dict[str, str]:
        """Return headers with a proof of their own."""
        proof = self._authorizer.build_proof(self._token, self._method, self._url, self._nonce)
        self._sent_secrets = (self._token.value, proof)
        return {"Authorization": f"DPoP {self._token.value}", "DPoP": proof}

    def wants_repeat(self, response: Response, ctx: Context) -> bool:
        """Return whether the response asks for the request once more, with new headers; its body is not needed.

        Raises `Refused` for a redirect, `InvalidResponse` or `Unavailable` when the API's nonces lead nowhere, and what
        obtaining a token raises.
        """
        self._authorizer.nonces.learn(self._url, response.headers)
        if asks_for_nonce(response):
            self._nonce = read_requested_nonce(Party.API, response, self._nonce, self._nonce_rounds)
            self._nonce_rounds += 1
            return True
        if rejects_token(response) and not self._is_renewed and self._authorizer.tokens.may_replace(self._token):
            self._token = self._authorizer.get_token(ctx, rejected=self._token)
            self._nonce, self._nonce_rounds, self._is_renewed = self._authorizer.nonces.get(self._url), 0, True
            return True
        if asks_for_proof(response) and not self._is_signed_anew:
            # A library's own retry, after a lost connection or a 503, has sent the same headers twice.
            self._is_signed_anew = True
            return True
        if rejects_token(response) and self._is_renewed:
            self._authorizer.tokens.note_rejected_anew(self._token)
        self._refuse_redirect(response)
        self._start_over()  # for a library that sends the same request again
        return False

    def _refuse_redirect(self, response: Response) -> None:
        """Raise `Refused` rather than let the library follow: a proof is for one URL, and the token for one API."""
        if response.status in _REDIRECTS and response.headers.get("Location"):
            now = self._authorizer.now()
            check_response(read_json_response(response, sent_secrets=self._sent_secrets, now=now), self._token)


def stream_is_gone() -> InvalidInvocation:
    """Return the error of a request that the API wants once more, and whose body was a stream."""
    what = "The API asks for the request once more, but its body was a stream that cannot be read again."
    return InvalidInvocation("request", f"{what} Call again with the body as bytes; nothing was processed.")
