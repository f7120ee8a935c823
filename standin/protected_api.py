"""The common part of the APIs that accept HelseID's tokens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from standin.access_token import TokenRules
from standin.api_access import AccessRules, check_access
from standin.helseid import HelseId
from standin.http_party import HttpParty, Shared
from standin.messages import Headers, Request, Response
from standin.nonces import Nonces
from standin.refusals import Refusal
from standin.replay_cache import ReplayCache


@dataclass(kw_only=True)
class AccessSettings:
    """The requirements of an API; a test can change them while the API runs."""

    audience: str
    scope: str
    nonce_required: bool = False
    nonce_on_success: bool = False
    leeway_seconds: float = 0


class ProtectedApi(HttpParty):
    """An API that accepts the tokens of one HelseID."""

    def __init__(self, shared: Shared, helseid: HelseId, access: AccessSettings, port: int = 0) -> None:
        """Accept the tokens of this HelseID."""
        super().__init__(shared, port)
        self.nonces = Nonces(shared.clock.now)
        self._helseid = helseid
        self._access = access
        self._proofs_seen = ReplayCache(shared.clock.now)
        self._revoked: frozenset[str] = frozenset()

    def revoke(self, tokens: Iterable[str]) -> None:
        """Refuse these tokens from now on, with `invalid_token`."""
        self._revoked |= frozenset(tokens)

    def refuse(self, refusal: Refusal) -> Response:
        """Refuse with a challenge (RFC 9449 section 7.1) and no body, as ASP.NET Core does."""
        return Response(refusal.status, refusal.headers)

    def check(self, request: Request, audience: str | None = None, scope: str | None = None) -> Mapping[str, Any]:
        """Return the claims of the token in a valid call, by default to this API's audience; refuse any other call."""
        access = self._access
        rules = AccessRules(
            token=TokenRules(self._helseid.issuer, audience or access.audience, access.leeway_seconds),
            scope=scope or access.scope,
            seen=self._proofs_seen,
            nonces=self.nonces if access.nonce_required else None,
            revoked=self._revoked,
        )
        return check_access(request, rules, self._shared.clock.now())

    def nonce_headers(self) -> Headers:
        """Return the header with the next nonce, if successful responses have one."""
        return (("DPoP-Nonce", self.nonces.make()),) if self._access.nonce_on_success else ()
