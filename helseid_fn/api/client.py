"""A call to an API with a DPoP-bound token (RFC 9449 section 7), and once more when the API rejects the token."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from helseid_fn.api.call_headers import CallHeaders
from helseid_fn.api.failure_ids import read_failure_ids
from helseid_fn.api.file_body import FileBody
from helseid_fn.api.json_response import JsonResponse, read_json_response, rejects_token
from helseid_fn.api.refusal import check_response
from helseid_fn.api.request import ApiRequest
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.http.messages import Message, Response
from helseid_fn.http.transport import Transport
from helseid_fn.oauth.dpop import build_proof, new_jti
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from helseid_fn.oauth.token_source import TokenSource


@dataclass(frozen=True, slots=True)
class ApiResult:
    """The API's 2xx response, and the token that it was obtained with."""

    response: JsonResponse
    token: Token


@dataclass(frozen=True, slots=True)
class ApiExchange:
    """A request, the API's response as it came, whatever its status, and what was sent with it."""

    request: ApiRequest
    response: Response
    token: Token
    sent_secrets: tuple[str, ...] = field(repr=False)


NO_HEADERS = CallHeaders()


def make_uuid() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())


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
        headers: CallHeaders = NO_HEADERS,
        new_uuid: Callable[[], str] = make_uuid,
    ) -> None:
        """Take `headers`, which every call has besides its own."""
        self._tokens = tokens
        self._transport = transport
        self._party = party
        self._now = now
        self._new_id = new_id
        self._headers = headers
        self._new_uuid = new_uuid

    def call(self, request: ApiRequest, organization: Organization, scopes: frozenset[str], ctx: Context) -> ApiResult:
        """Call the API for an organization, with a token that has these scopes, and read its response as a JSON value.

        Raises `SigningKeyError`, `Unavailable`, `DeadlineExceeded`, `Refused` or `InvalidResponse`.
        """
        exchange = self.exchange(request, organization, scopes, ctx)
        return ApiResult(self.read(exchange, ctx), exchange.token)

    def exchange(
        self, request: ApiRequest, organization: Organization, scopes: frozenset[str], ctx: Context, *, stream: bool = False
    ) -> ApiExchange:
        """Do the same, but return the response as it came, whatever its status; with `stream`, a 2xx is yet to be read."""
        connect_early = partial(self._transport.connect_early, self._party, request.url, ctx=ctx)
        token = self._tokens.get(organization, scopes, ctx, meanwhile=connect_early)
        headers = self._headers.build(request.headers, ctx, self._new_uuid)
        exchange = self._send(request, headers, token, ctx, stream=stream)
        if rejects_token(exchange.response) and self._tokens.may_replace(token):
            # Revoked, or expired by the API's clock: one new token, one more call.
            token = self._tokens.get(organization, scopes, ctx, rejected=token)
            exchange = self._send(request, headers, token, ctx, stream=stream)
            if rejects_token(exchange.response):
                self._tokens.note_rejected_anew(token)
        ctx.note_token(token.expires_at, token.scopes, exchange.sent_secrets)
        return exchange

    def read(self, exchange: ApiExchange, ctx: Context) -> JsonResponse:
        """Read the response, and raise the error that it means unless it is 2xx, or a 304 that the request asked for."""
        request = exchange.request
        response = read_json_response(
            exchange.response,
            self._party,
            sent_secrets=exchange.sent_secrets,
            now=self._now(),
            idempotent=request.is_idempotent,
        )
        if response.status == 401:
            ctx.note(clock_difference_seconds=response.clock_seconds_ahead)
        if not (response.status == 304 and request.is_conditional):
            check_response(response, exchange.token)
        return response

    def _send(
        self, request: ApiRequest, headers: Mapping[str, str], token: Token, ctx: Context, *, stream: bool
    ) -> ApiExchange:
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
            body = request.body.rewind(ctx) if isinstance(request.body, FileBody) else request.body
            return Message({**headers, **own}, body)

        response = self._transport.send(
            self._party, request.method, request.url, build, ctx=ctx, idempotent=request.is_idempotent, stream=stream
        )
        ctx.note(api_ids=read_failure_ids(response, request.url) or None)
        return ApiExchange(request, response, token, tuple(sent_secrets))
