"""What the APIs behind HelseID have in common: who may call, and how the others are told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from standin.access_token import TokenRules
from standin.api_access import AccessRules, check_access
from standin.helseid import HelseId
from standin.http_party import House, HttpParty
from standin.messages import Answer, Headers, Request
from standin.nonces import Nonces
from standin.refusals import Refusal
from standin.replay import SeenOnce


@dataclass(kw_only=True)
class AccessSettings:
    """What every API asks of a call; a test may set it, also while the API runs."""

    audience: str
    scope: str
    nonce_required: bool = False
    nonce_on_success: bool = False
    leeway_seconds: float = 0


class ProtectedApi(HttpParty):
    """An API that trusts the tokens of one HelseID."""

    def __init__(self, house: House, helseid: HelseId, access: AccessSettings, port: int = 0) -> None:
        """Trust this HelseID."""
        super().__init__(house, port)
        self.nonces = Nonces(house.clock.now)
        self._helseid = helseid
        self._access = access
        self._proofs_seen = SeenOnce(house.clock.now)
        self._revoked: frozenset[str] = frozenset()

    def revoke(self, tokens: Iterable[str]) -> None:
        """Answer invalid_token to these tokens from now on."""
        self._revoked |= frozenset(tokens)

    def refuse(self, refusal: Refusal) -> Answer:
        """Refuse with a challenge and no body, as ASP.NET Core does (RFC 9449 section 7.1)."""
        return Answer(refusal.status, refusal.headers)

    def check(self, request: Request) -> Mapping[str, Any]:
        """Return the claims of the token that a call was made with; refuse a call that is not good."""
        access = self._access
        rules = AccessRules(
            token=TokenRules(self._helseid.issuer, access.audience, access.leeway_seconds),
            scope=access.scope,
            seen=self._proofs_seen,
            nonces=self.nonces if access.nonce_required else None,
            revoked=self._revoked,
        )
        return check_access(request, rules, self._house.clock.now())

    def nonce_headers(self) -> Headers:
        """Give the headers that carry the next nonce, when good answers have one."""
        return (("DPoP-Nonce", self.nonces.make()),) if self._access.nonce_on_success else ()
