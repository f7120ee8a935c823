"""HelseID Selvbetjening: a client registers the public half of its next key, and lists the keys it has."""

import datetime as dt
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Literal

from standin.clients import SELVBETJENING_AUDIENCE, SELVBETJENING_SCOPE
from standin.helseid import HelseId
from standin.http_party import House
from standin.key_registration import BodyForm, check_registration, posted_key, problem
from standin.messages import Answer, Request
from standin.protected_api import AccessSettings, ProtectedApi
from standin.record import Party
from standin.refusals import Refusal
from standin.registered_keys import RegisteredKey

CLIENT_SECRET_PATH = "/v1/client-secret"
KEY_LIFETIME_SECONDS = 180 * 86400.0
_KINDS = {"POST": "register", "GET": "keys"}


@dataclass(kw_only=True)
class SelvbetjeningSettings(AccessSettings):
    """What a test may set, also while Selvbetjening runs.

    A key counts at HelseID `activation_seconds` after it was registered, and for `lifetime_seconds` from then on.
    """

    audience: str = SELVBETJENING_AUDIENCE
    scope: str = SELVBETJENING_SCOPE
    lifetime_seconds: float = KEY_LIFETIME_SECONDS
    activation_seconds: float = 0
    body_form: BodyForm = "both"
    duplicates: Literal["refuse", "accept"] = "refuse"


class Selvbetjening(ProtectedApi):
    """The API by which keys are registered at one HelseID."""

    party: ClassVar[Party] = "selvbetjening"

    def __init__(self, house: House, helseid: HelseId, settings: SelvbetjeningSettings, port: int = 0) -> None:
        """Register keys at this HelseID."""
        super().__init__(house, helseid, settings, port)
        self.settings = settings

    def kind_of(self, request: Request) -> str:
        """Tell registrations and lists apart."""
        return _KINDS.get(request.method, "other") if request.path == CLIENT_SECRET_PATH else "other"

    def refuse(self, refusal: Refusal) -> Answer:
        """Refuse a caller with a challenge, and what was posted with a problem document (RFC 7807)."""
        if refusal.headers:
            return super().refuse(refusal)
        members = {
            "type": f"https://httpstatuses.io/{refusal.status}",
            "title": HTTPStatus(refusal.status).phrase,
            "status": refusal.status,
            "detail": refusal.description,
            "instance": CLIENT_SECRET_PATH,
        }
        return Answer.of(refusal.status, members, content_type="application/problem+json; charset=utf-8")

    def answer(self, request: Request) -> Answer:
        """Register a key, or list the client's keys."""
        if request.path != CLIENT_SECRET_PATH:
            return Answer(HTTPStatus.NOT_FOUND)
        if request.method not in _KINDS:
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", ", ".join(_KINDS)),))
        client_id = str(self.check(request).get("client_id"))
        if client_id not in self._helseid.clients:
            detail = "the token's client_id is not registered"
            problem("unknown_client", "The client does not exist.", detail, HTTPStatus.FORBIDDEN)
        if request.method == "POST":
            return Answer.of(200, {"expiration": self._register(request, client_id)}, self.nonce_headers())
        return Answer.of(200, [_listed(key) for key in self._helseid.keys.of(client_id)], self.nonce_headers())

    def _register(self, request: Request, client_id: str) -> str | None:
        """Register the posted key, and tell when it expires."""
        self._keep_private_members(request)
        jwk = check_registration(request, self.settings.body_form)
        now, settings = self._house.clock.now(), self.settings
        active_at, expires_at = now + settings.activation_seconds, now + settings.lifetime_seconds
        key = RegisteredKey(client_id, jwk, "Api", active_at, expires_at, posted=1)
        held = self._helseid.keys.register(key)
        if held is not None and held.thumbprint != key.thumbprint:
            text, detail = "Another key has this kid.", "the posted key's kid is another key's"
            problem("duplicate_kid", text, detail, HTTPStatus.CONFLICT)
        if held is not None and settings.duplicates == "refuse":
            text, detail = "The key is registered already.", "the posted key is registered already"
            problem("duplicate_key", text, detail, HTTPStatus.CONFLICT)
        return _written((held or key).expires_at)

    def _keep_private_members(self, request: Request) -> None:
        """Let what should never have come count among the texts that must turn up nowhere."""
        posted = posted_key(request.body)
        if posted is not None:
            self._house.record.keep_secrets(str(posted.jwk[name]) for name in posted.private_members)


def _listed(key: RegisteredKey) -> dict[str, Any]:
    return {
        "expiration": _written(key.expires_at),
        "kid": key.kid,
        "jwkThumbprint": key.thumbprint,
        "origin": key.origin,
        "publicJwk": dict(key.jwk),
    }


def _written(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).isoformat().replace("+00:00", "Z")
