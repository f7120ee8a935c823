"""One token request: the client credentials grant with a client assertion and a proof (RFC 6749, 7523, 9449)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlencode

from helseid_fn.context import Context
from helseid_fn.echo import redact
from helseid_fn.error_codes import Party
from helseid_fn.http.clock import read_seconds_ahead
from helseid_fn.http.messages import Message
from helseid_fn.http.retries import check_available
from helseid_fn.http.transport import Transport
from helseid_fn.keys.signing_key import SigningKey, generate_proof_key
from helseid_fn.oauth.client_assertion import ASSERTION_TYPE, build_client_assertion
from helseid_fn.oauth.dpop import build_proof
from helseid_fn.oauth.metadata import Metadata
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_errors import parse_token_error
from helseid_fn.oauth.token_response import Token, is_token_error, parse_grant


class TokenRequest(NamedTuple):
    """Who requests which token; `now` is the wall clock in seconds, and `new_id` makes unique ids."""

    client_id: str
    key: SigningKey
    organization: Organization
    scopes: frozenset[str]
    now: Callable[[], float]
    new_id: Callable[[], str]


def fetch_token(request: TokenRequest, metadata: Metadata, transport: Transport, ctx: Context) -> Token:
    """Fetch a token that is bound to a fresh proof key.

    Raises `Refused`, `InvalidResponse`, `Unavailable` or `DeadlineExceeded`.
    """
    proof_key = generate_proof_key()
    sent_at, assertion_jti = 0.0, ""
    sent_secrets: list[str] = []

    def build(url: str, nonce: str | None) -> Message:
        nonlocal sent_at, assertion_jti
        sent_at, assertion_jti = request.now(), request.new_id()
        ctx.note(kid=request.key.kid, assertion_jti=assertion_jti)
        proof = build_proof(proof_key, method="POST", url=url, now=sent_at, jti=request.new_id(), nonce=nonce)
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", "DPoP": proof}
        assertion = _build_assertion(request, metadata.issuer, sent_at, assertion_jti)
        sent_secrets.extend((assertion, proof))
        return Message(headers, _build_form(request, assertion))

    response = transport.send(
        Party.HELSEID,
        "POST",
        metadata.token_endpoint,
        build,
        ctx=ctx,
        response_timeout_seconds=ctx.attempt_seconds,
    )
    check_available(Party.HELSEID, response, request.now())
    if response.status == 200 or is_token_error(response):
        response.require_body()
    if is_token_error(response):
        # HelseID's words are logged, and may repeat what it was sent.
        words = redact(response.body.decode("utf-8", "replace"), tuple(sent_secrets))
        raise parse_token_error(
            replace(response, body=words.encode()),
            request.key,
            client_id=request.client_id,
            issuer=metadata.issuer,
            scopes=request.scopes,
            now=request.now(),
            ctx=ctx,
        )
    grant = parse_grant(response, request.scopes)
    return Token(
        grant.value,
        proof_key,
        scopes=grant.scopes,
        lifetime_seconds=grant.lifetime_seconds,
        requested_at=sent_at,
        client_kid=request.key.kid,
        client_key_thumbprint=request.key.thumbprint,
        assertion_jti=assertion_jti,
        client_key_expiry=request.key.expiry,
        clock_seconds_ahead=read_seconds_ahead(response, request.now()),
    )


def _build_assertion(request: TokenRequest, issuer: str, now: float, jti: str) -> str:
    return build_client_assertion(
        request.key, client_id=request.client_id, issuer=issuer, organization=request.organization, now=now, jti=jti
    )


def _build_form(request: TokenRequest, assertion: str) -> bytes:
    form = {
        "grant_type": "client_credentials",
        "client_id": request.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": " ".join(sorted(request.scopes)),
    }
    return urlencode(form).encode("ascii")
