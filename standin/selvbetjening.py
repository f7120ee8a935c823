"""HelseID Selvbetjening, where a client registers its next public key and lists its keys."""

import datetime as dt
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Literal

from standin.clients import SELVBETJENING_AUDIENCE, SELVBETJENING_SCOPE, Client
from standin.helseid import HelseId
from standin.http_party import Shared
from standin.key_registration import BodyForm, check_registration, parse_posted_key, problem
from standin.messages import Request, Response
from standin.protected_api import AccessSettings, ProtectedApi
from standin.record import Party
from standin.refusals import Refusal
from standin.registered_keys import RegisteredKey

CLIENT_SECRET_PATH = "/v1/client-secret"
CLIENT_PATH = "/v1/client"
KEY_LIFETIME_SECONDS = 180 * 86400.0
_KINDS = {CLIENT_SECRET_PATH: {"POST": "register", "GET": "keys"}, CLIENT_PATH: {"GET": "client"}}


@dataclass(kw_only=True)
class SelvbetjeningSettings(AccessSettings):
    """The settings of Selvbetjening; a test can change them while it runs.

    A registered key is valid after `activation_seconds` and until `lifetime_seconds`, both from its registration.
    """

    audience: str = SELVBETJENING_AUDIENCE
    scope: str = SELVBETJENING_SCOPE
    lifetime_seconds: float = KEY_LIFETIME_SECONDS
    activation_seconds: float = 0
    body_form: BodyForm = "both"
    duplicates: Literal["refuse", "accept"] = "refuse"


class Selvbetjening(ProtectedApi):
    """The API that registers keys at one HelseID."""

    party: ClassVar[Party] = "selvbetjening"

    def __init__(self, shared: Shared, helseid: HelseId, settings: SelvbetjeningSettings, port: int = 0) -> None:
        """Register keys at this HelseID."""
        super().__init__(shared, helseid, settings, port)
        self.settings = settings

    def classify(self, request: Request) -> str:
        """Return register, keys or other."""
        return _KINDS.get(request.path, {}).get(request.method, "other")

    def refuse(self, refusal: Refusal) -> Response:
        """Refuse a caller with a challenge, and a key with a problem document (RFC 7807)."""
        if refusal.headers:
            return super().refuse(refusal)
        members = {
            "type": f"https://httpstatuses.io/{refusal.status}",
            "title": HTTPStatus(refusal.status).phrase,
            "status": refusal.status,
            "detail": refusal.description,
            "instance": CLIENT_SECRET_PATH,
        }
        return Response.json(refusal.status, members, content_type="application/problem+json; charset=utf-8")

    def respond(self, request: Request) -> Response:
        """Register a key, list the client's keys, or show its scopes."""
        kinds = _KINDS.get(request.path)
        if kinds is None:
            return Response(HTTPStatus.NOT_FOUND)
        if request.method not in kinds:
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", ", ".join(kinds)),))
        client_id = str(self.check(request).get("client_id"))
        if client_id not in self._helseid.clients:
            detail = "the token's client_id is not registered"
            problem("unknown_client", "The client does not exist.", detail, HTTPStatus.FORBIDDEN)
        if request.method == "POST":
            return Response.json(200, {"expiration": self._register(request, client_id)}, self.nonce_headers())
        if request.path == CLIENT_PATH:
            return Response.json(200, _describe_scopes(self._helseid.clients[client_id]), self.nonce_headers())
        return Response.json(200, [_describe(key) for key in self._helseid.keys.of(client_id)], self.nonce_headers())

    def _register(self, request: Request, client_id: str) -> str | None:
        """Register the posted key and return its expiry."""
        self._keep_private_members(request)
        jwk = check_registration(request, self.settings.body_form)
        now, settings = self._shared.clock.now(), self.settings
        active_at, expires_at = now + settings.activation_seconds, now + settings.lifetime_seconds
        key = RegisteredKey(client_id, jwk, "Api", active_at, expires_at, posted=1)
        existing = self._helseid.keys.register(key)
        if existing is not None and existing.thumbprint != key.thumbprint:
            text, detail = "Another key has this kid.", "the posted key's kid is already used"
            problem("duplicate_kid", text, detail, HTTPStatus.CONFLICT)
        if existing is not None and settings.duplicates == "refuse":
            text, detail = "The key is already registered.", "the posted key is already registered"
            problem("duplicate_key", text, detail, HTTPStatus.CONFLICT)
        return _format_time((existing or key).expires_at)

    def _keep_private_members(self, request: Request) -> None:
        """Record a posted private key among the secrets."""
        posted = parse_posted_key(request.body)
        if posted is not None:
            self._shared.record.keep_secrets(str(posted.jwk[name]) for name in posted.private_members)


def _describe_scopes(client: Client) -> dict[str, Any]:
    """Return what is known of the real response (SELV Common/Models/Response/CurrentClient.cs)."""
    scopes = [{"scope": scope, "status": "ok", "statusReason": None} for scope in client.scopes]
    scopes += [{"scope": each, "status": "pending", "statusReason": "Awaiting approval"} for each in client.pending_scopes]
    return {"apiScopes": scopes, "childOrganizationNumbers": list(client.children)}


def _describe(key: RegisteredKey) -> dict[str, Any]:
    return {
        "expiration": _format_time(key.expires_at),
        "kid": key.kid,
        "jwkThumbprint": key.thumbprint,
        "origin": key.origin,
        "publicJwk": dict(key.jwk),
    }


def _format_time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).isoformat().replace("+00:00", "Z")
