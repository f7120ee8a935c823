"""HelseID: the metadata, the keys and the token endpoint of an issuer."""

from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from standin import access_token
from standin.client_assertion import AssertionRules
from standin.control import CONTROL_PATH, Control
from standin.http_party import HttpParty, Shared
from standin.issuer_key import issuer_key
from standin.messages import Request, Response
from standin.metadata import metadata
from standin.nonces import Nonces
from standin.record import MAX_EXCHANGES, Party
from standin.refusals import Refusal
from standin.registered_keys import RegisteredKeys
from standin.replay_cache import ReplayCache
from standin.token_proof import ProofRules
from standin.token_request import TokenRules, check_token_request
from standin.wire import Wire

if TYPE_CHECKING:
    from standin.clients import Client

_METADATA_PATH = "/.well-known/openid-configuration"
_UNCACHED = (("Cache-Control", "no-store, no-cache, max-age=0"), ("Pragma", "no-cache"))


@dataclass(frozen=True)
class HelseIdSettings:
    """The settings; the defaults are at least as strict as HelseID is known to be."""

    issuer_path: str = ""
    token_lifetime_seconds: int = 600
    clock_skew_seconds: float = 0
    proof_freshness_seconds: float | None = None
    nonce_on_success: bool = False
    organization_always_required: bool = False
    """Whether a multi-tenant client must name an organization for a token for Selvbetjening, too."""


class HelseId(HttpParty):
    """The authorization server."""

    party: ClassVar[Party] = "helseid"

    def __init__(self, shared: Shared, settings: HelseIdSettings, port: int = 0) -> None:
        """Start without clients."""
        super().__init__(shared, port)
        self.settings = settings
        self.clients: dict[str, Client] = {}
        self.keys = RegisteredKeys(shared.clock.now)
        self.control: Control | None = None
        self.issued: deque[str] = deque(maxlen=MAX_EXCHANGES)
        self.nonces = Nonces(shared.clock.now)
        self._assertions_seen = ReplayCache(shared.clock.now)
        self._proofs_seen = ReplayCache(shared.clock.now)

    @property
    def issuer(self) -> str:
        """The issuer, without a trailing slash."""
        return self.origin + self.settings.issuer_path

    @property
    def token_endpoint(self) -> str:
        """The URL of the token endpoint."""
        return f"{self.issuer}/connect/token"

    def register(self, client: "Client") -> None:
        """Register a client and its keys, or replace the client of this id."""
        self.keys.register_by_hand(client.client_id, client.jwks)
        self.clients[client.client_id] = client

    def serve(self, wire: Wire, request: Request, connection: int) -> None:
        """Pass the control channel's requests to it, unrecorded, and serve all others."""
        if self.control is not None and request.path.startswith(CONTROL_PATH):
            wire.send(wire.encode(self.control.respond(request)))
        else:
            super().serve(wire, request, connection)

    def classify(self, request: Request) -> str:
        """Return metadata, jwks, token or other."""
        paths = {_METADATA_PATH: "metadata", f"{_METADATA_PATH}/jwks": "jwks", "/connect/token": "token"}
        below = request.path.removeprefix(self.settings.issuer_path)
        known = request.path.startswith(self.settings.issuer_path)
        return paths.get(below, "other") if known else "other"

    def respond(self, request: Request) -> Response:
        """Respond to a request for the metadata, the keys or a token."""
        kind = self.classify(request)
        if kind == "token":
            return self._token(request)
        if kind == "other":
            return Response(HTTPStatus.NOT_FOUND)
        if request.method not in ("GET", "HEAD"):
            return Response(HTTPStatus.METHOD_NOT_ALLOWED)
        return Response.json(200, metadata(self.issuer) if kind == "metadata" else {"keys": [issuer_key().jwk()]})

    def refuse(self, refusal: Refusal) -> Response:
        """Refuse with the error members of RFC 6749 section 5.2; as in Duende, the status is always 400."""
        members = {"error": refusal.error}
        if refusal.description:
            members["error_description"] = refusal.description
        return Response.json(refusal.status, members, (*_UNCACHED, *refusal.headers))

    def _token(self, request: Request) -> Response:
        now = self._shared.clock.now()
        settings = self.settings
        rules = TokenRules(
            clients=self.clients,
            assertion=AssertionRules(self.issuer, self.keys, self._assertions_seen, settings.clock_skew_seconds),
            proof=ProofRules(self.nonces, self._proofs_seen, settings.proof_freshness_seconds),
            organization_always_required=settings.organization_always_required,
        )
        grant = check_token_request(request, rules, now)
        token = access_token.issue(grant, self.issuer, now, settings.token_lifetime_seconds)
        self.issued.append(token)
        members = {
            "access_token": token,
            "expires_in": settings.token_lifetime_seconds,
            "token_type": "DPoP",
            "scope": " ".join(grant.scopes),
        }
        nonce = (("DPoP-Nonce", self.nonces.make()),) if settings.nonce_on_success else ()
        return Response.json(200, members, (*_UNCACHED, *nonce))
