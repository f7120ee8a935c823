"""What a program may see of a token."""

from __future__ import annotations

from datetime import UTC, datetime

from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token


class GrantedToken:
    """A token that HelseID has granted; `repr` shows when it expires, and nothing secret."""

    type = "DPoP"
    """How it is bound: to a key that stays in this process."""

    def __init__(self, token: Token, organization: Organization) -> None:
        """Describe a token for this organization."""
        self._token = token
        self.organization = organization

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that HelseID granted."""
        return self._token.scopes

    @property
    def expires_at(self) -> datetime:
        """When it expires, in UTC."""
        return datetime.fromtimestamp(self._token.expires_at, UTC)

    def reveal(self) -> str:
        """Return the token itself, which must never be logged or stored.

        An API takes it only with a proof by the key that it is bound to, so it is of no use to another program.
        """
        return self._token.value

    def __repr__(self) -> str:
        return f"<token for {' '.join(sorted(self.scopes))} until {self.expires_at:%Y-%m-%d %H:%M:%SZ}>"
