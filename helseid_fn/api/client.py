"""A call to an API with a DPoP-bound token (RFC 9449 section 7), and once more when the API rejects the token."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakSet

from helseid_fn.api.failure_ids import read_failure_ids
from helseid_fn.api.refusal import check_response
from helseid_fn.api.request import ApiRequest
from helseid_fn.api.response import ApiResponse, read_api_response
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.http.messages import Message
from helseid_fn.http.transport import Transport
from helseid_fn.oauth.dpop import build_proof, new_jti
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from helseid_fn.oauth.token_source import TokenSource


@dataclass(frozen=True, slots=True)
class ApiResult:
    """The API's 2xx response, and the token that it was obtained with."""

    response: ApiResponse
    token: Token


class ApiClient:
    """Calls an API that HelseID protects: the one at API_URL, or Selvbetjening; safe for threads."""

    def __init__(
        self,
        tokens: TokenSource,
        transport: Transport,
        *,
        party: Party = Party.API,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = new_jti,
    ) -> None:
        self._tokens = tokens
        self._transport = transport
        self._party = party
        self._now = now
        self._new_id = new_id
        self._rejected_anew: WeakSet[Token] = WeakSet()
        """Tokens that were obtained for a rejected one and rejected too: yet another one would not help."""

    def call(self, request: ApiRequest, organization: Organization, scopes: frozenset[str], ctx: Context) -> ApiResult:
        """Call the API for an organization, with a token that has these scopes.

        Raises `SigningKeyError`, `Unavailable`, `DeadlineExceeded`, `Refused` or `InvalidResponse`.
        """
        token = self._tokens.get(organization, scopes, ctx)
        response = self._send(request, token, ctx)
        if response.rejects_token and token not in self._rejected_anew:
            # Revoked, or expired by the API's clock: one new token, one more call.
            token = self._tokens.get(organization, scopes, ctx, rejected=token)
            response = self._send(request, token, ctx)
            if response.rejects_token:
                self._rejected_anew.add(token)
        if response.status == 401:
            ctx.note(clock_difference_seconds=response.clock_seconds_ahead)
        if not (response.status == 304 and request.is_conditional):
            check_response(response, token)
        return ApiResult(response, token)

    def _send(self, request: ApiRequest, token: Token, ctx: Context) -> ApiResponse:
        """Send the request with a proof by the key that the token is bound to; it may take all the time that is left."""
        sent_secrets = [token.value]

        def build(url: str, nonce: str | None) -> Message:
            proof = build_proof(
                token.proof_key,
                method=request.method,
                url=url,
                now=self._now(),
                jti=self._new_id(),
                nonce=nonce,
                access_token=token.value,
            )
            sent_secrets.append(proof)
            own = {"Authorization": f"DPoP {token.value}", "DPoP": proof}
            return Message({"Accept": "application/json", **request.headers, **own}, request.body)

        response = self._transport.send(
            self._party, request.method, request.url, build, ctx=ctx, idempotent=request.is_idempotent
        )
        ctx.note(api_ids=read_failure_ids(response) or None)
        return read_api_response(
            response, self._party, sent_secrets=tuple(sent_secrets), now=self._now(), idempotent=request.is_idempotent
        )
