"""One call to the API with a token and a proof by the key that the token is bound to (RFC 9449 section 7)."""

from __future__ import annotations

import time
from collections.abc import Callable

from helseid_fn.api.request import ApiRequest
from helseid_fn.api.response import ApiAnswer, read_api_answer
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Party
from helseid_fn.http.messages import Message
from helseid_fn.http.transport import Transport
from helseid_fn.oauth.dpop import build_proof, new_jti
from helseid_fn.oauth.token_response import Token


class Api:
    """Calls an API that HelseID protects: the one that the settings name, or Selvbetjening; safe for threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        party: Party = Party.API,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = new_jti,
    ) -> None:
        self._transport = transport
        self._party = party
        self._now = now
        self._new_id = new_id

    def call(self, request: ApiRequest, token: Token, deadline: Deadline, journal: Journal) -> ApiAnswer:
        """Call the API and return its answer, whatever its status below 500; it may take all the time that is left.

        Raises `Unreachable`, `DeadlineExceeded` or `Garbled`.
        """
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

        answer = self._transport.send(
            self._party,
            request.method,
            request.url,
            build,
            deadline=deadline,
            journal=journal,
            idempotent=request.is_idempotent,
        )
        return read_api_answer(answer, self._party, sent_secrets=tuple(sent_secrets), now=self._now())
