"""One call to the API with a token and a proof by the key that the token is bound to (RFC 9449 section 7)."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helseid_fn import challenges
from helseid_fn.api_request import ApiRequest
from helseid_fn.deadline import Deadline
from helseid_fn.dpop import build_proof
from helseid_fn.errors import Garbled, HelseidFnError, Party, Refused
from helseid_fn.exchange import Answer, Message
from helseid_fn.journal import Journal
from helseid_fn.losses import check_available
from helseid_fn.redaction import elide
from helseid_fn.token_answer import Token
from helseid_fn.transport import Transport

_MEANINGS = {
    "invalid_token": "does not take the token, although a fresh one was asked for; check that HELSEID_SCOPE and HELSEID_ISSUER "
    "are what the API expects",
    "invalid_dpop_proof": "does not take the proof; check this machine's clock, and that API_URL is to the letter the address "
    "that the API knows itself by",
    "insufficient_scope": "wants another scope; add it to the client in Selvbetjening and to HELSEID_SCOPE",
    "unauthorized": "does not let us in; check HELSEID_SCOPE, HELSEID_ISSUER and the clock",
    "forbidden": "does not allow this; check the scope, the organization, and what the client may do there",
    "not_found": "has nothing at that address; check API_URL and request.path",
    "redirect": "points to another address, which a proof cannot follow; set API_URL to the final one",
    "other": "refused the request; its answer is in api.body",
}


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What the API answered: its status and its body as a JSON value."""

    status: int
    body: Any
    challenge_errors: tuple[str, ...] = ()

    @property
    def rejects_token(self) -> bool:
        """Tell whether the API wants another token (RFC 6750 section 3.1)."""
        return self.status == 401 and "invalid_token" in self.challenge_errors


class Api:
    """Calls the API; safe for threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(24),
    ) -> None:
        self._transport = transport
        self._now = now
        self._new_id = new_id

    def call(self, request: ApiRequest, token: Token, deadline: Deadline, journal: Journal) -> ApiAnswer:
        """Call the API and return its answer, whatever its status below 500.

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
            Party.API,
            request.method,
            request.url,
            build,
            deadline=deadline,
            journal=journal,
            idempotent=request.is_idempotent,
        )
        try:
            check_available(Party.API, answer, self._now())
        except HelseidFnError as error:
            error.api_answer = {"status": answer.status, "body": _read_text(answer, tuple(sent_secrets))}
            raise
        # Of whatever scheme: the Sample API names another one than its own DPoP.
        found = challenges.parse(answer.headers.get("WWW-Authenticate"))
        errors = tuple(each.parameters["error"] for each in found if "error" in each.parameters)
        return ApiAnswer(answer.status, _read_body(answer, tuple(sent_secrets)), errors)


def check_answer(answer: ApiAnswer) -> None:
    """Raise `Refused`, with the answer's status and body, unless the API answered 2xx."""
    if 200 <= answer.status < 300:
        return
    named = next((error for error in answer.challenge_errors if error in _MEANINGS), None)
    by_status = {401: "unauthorized", 403: "forbidden", 404: "not_found"}.get(answer.status)
    reason = named or by_status or ("redirect" if 300 <= answer.status < 400 else "other")
    error = Refused(Party.API, reason, f"The API {_MEANINGS[reason]} (status {answer.status}).")
    error.api_answer = {"status": answer.status, "body": answer.body}
    raise error


def _read_body(answer: Answer, sent_secrets: tuple[str, ...]) -> Any:
    """Read the body as a JSON value: JSON as it is, other text as a text, none as None.

    Raises `Garbled` when a 2xx answer is neither.
    """
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    text = _read_text(answer, sent_secrets)
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if not answer.body:
        return None
    if is_json and text is not None:
        try:
            return json.loads(text, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError):
            pass
    elif text is not None and media_type != "text/html":
        return text
    if 200 <= answer.status < 300:
        kind = "broken JSON" if is_json else f"{media_type or 'bytes of no stated type'} that is not JSON or plain text"
        raise Garbled(
            Party.API,
            "body",
            f"The API answered {answer.status} with {kind}; check API_URL and what stands in front of the API.",
        )
    return text


def _read_text(answer: Answer, sent_secrets: tuple[str, ...]) -> str | None:
    """Decode the body, without what we sent in case the API echoes it; None when it is not text in UTF-8."""
    try:
        return elide(answer.body.decode("utf-8-sig"), sent_secrets) if answer.body else None
    except UnicodeDecodeError:
        return None


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("too large for a double")
    return value
