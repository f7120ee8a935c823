"""HelseID: metadata, keys and the token endpoint, below an issuer that may have a path."""

from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from standin import access_token
from standin.client_assertion import AssertionRules
from standin.control import CONTROL_PATH, Control
from standin.http_party import House, HttpParty
from standin.issuer_key import issuer_key
from standin.messages import Answer, Request
from standin.metadata import metadata
from standin.nonces import Nonces
from standin.record import LONGEST, Party
from standin.refusals import Refusal
from standin.registered_keys import RegisteredKeys
from standin.replay import SeenOnce
from standin.token_proof import ProofRules
from standin.token_request import TokenRules, check_token_request
from standin.wire import Wire

if TYPE_CHECKING:
    from standin.clients import Client

_METADATA_PATH = "/.well-known/openid-configuration"
_UNCACHED = (("Cache-Control", "no-store, no-cache, max-age=0"), ("Pragma", "no-cache"))


@dataclass(frozen=True)
class HelseIdSettings:
    """What a test may set; the defaults are as strict as HelseID is known to be."""

    issuer_path: str = ""
    token_lifetime_seconds: int = 600
    clock_skew_seconds: float = 0
    proof_freshness_seconds: float | None = None
    nonce_on_success: bool = False


class HelseId(HttpParty):
    """The authorization server."""

    party: ClassVar[Party] = "helseid"

    def __init__(self, house: House, settings: HelseIdSettings, port: int = 0) -> None:
        """Know no client yet."""
        super().__init__(house, port)
        self.settings = settings
        self.clients: dict[str, Client] = {}
        self.keys = RegisteredKeys(house.clock.now)
        self.control: Control | None = None
        self.issued: deque[str] = deque(maxlen=LONGEST)
        self.nonces = Nonces(house.clock.now)
        self._assertions_seen = SeenOnce(house.clock.now)
        self._proofs_seen = SeenOnce(house.clock.now)

    @property
    def issuer(self) -> str:
        """The issuer, without a slash at its end."""
        return self.origin + self.settings.issuer_path

    @property
    def token_endpoint(self) -> str:
        """Where tokens are asked for."""
        return f"{self.issuer}/connect/token"

    def register(self, client: "Client") -> None:
        """Register a client with the keys it comes with, or replace what is registered under its id."""
        self.keys.register_by_hand(client.client_id, client.jwks)
        self.clients[client.client_id] = client

    def serve(self, wire: Wire, request: Request, connection: int) -> None:
        """Let the control channel have its requests, unrecorded, and treat every other."""
        if self.control is not None and request.path.startswith(CONTROL_PATH):
            wire.send(wire.compose(self.control.answer(request)))
        else:
            super().serve(wire, request, connection)

    def kind_of(self, request: Request) -> str:
        """Tell metadata, jwks and token requests apart."""
        paths = {_METADATA_PATH: "metadata", f"{_METADATA_PATH}/jwks": "jwks", "/connect/token": "token"}
        below = request.path.removeprefix(self.settings.issuer_path)
        known = request.path.startswith(self.settings.issuer_path)
        return paths.get(below, "other") if known else "other"

    def answer(self, request: Request) -> Answer:
        """Answer a request that no fault was planned for."""
        kind = self.kind_of(request)
        if kind == "token":
            return self._token(request)
        if kind == "other":
            return Answer(HTTPStatus.NOT_FOUND)
        if request.method not in ("GET", "HEAD"):
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED)
        return Answer.of(200, metadata(self.issuer) if kind == "metadata" else {"keys": [issuer_key().jwk()]})

    def refuse(self, refusal: Refusal) -> Answer:
        """Refuse as RFC 6749 section 5.2 says, always with 400 as Duende does."""
        members = {"error": refusal.error}
        if refusal.description:
            members["error_description"] = refusal.description
        return Answer.of(refusal.status, members, (*_UNCACHED, *refusal.headers))

    def _token(self, request: Request) -> Answer:
        now = self._house.clock.now()
        settings = self.settings
        rules = TokenRules(
            clients=self.clients,
            assertion=AssertionRules(self.issuer, self.keys, self._assertions_seen, settings.clock_skew_seconds),
            proof=ProofRules(self.nonces, self._proofs_seen, settings.proof_freshness_seconds),
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
        return Answer.of(200, members, (*_UNCACHED, *nonce))
