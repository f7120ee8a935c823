"""A client as registered in HelseID Selvbetjening."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from standin import address_register, edi
from standin.jose import PRIVATE_MEMBERS

SAMPLE_AUDIENCE = "nhn:test-public-samplecode"
SAMPLE_SCOPE = f"{SAMPLE_AUDIENCE}/client-credentials"
SELVBETJENING_AUDIENCE = "nhn:selvbetjening"
SELVBETJENING_SCOPE = f"{SELVBETJENING_AUDIENCE}/client"
OTHER_SCOPES = (address_register.SCOPE, edi.SCOPE)

Tenancy = Literal["single-tenant", "multi-tenant", "none"]


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client: its first keys, its scopes, those that wait for approval, and the organizations it may act for.

    A multi-tenant client acts for `parent` and `other_parents`, which delegated to its `supplier`, and for any child
    of theirs, unless `children_of` lists the children of that parent. A single-tenant client always acts for `parent` and
    may name one of `children`; see "organisasjonsnumre" in HelseID's documentation.
    """

    client_id: str
    jwks: Sequence[Mapping[str, Any]]
    scopes: Sequence[str] = (SAMPLE_SCOPE, SELVBETJENING_SCOPE)
    other_scopes: Sequence[str] = ()
    """Those that it may request too, but that its configuration does not list."""
    pending_scopes: Sequence[str] = ()
    tenancy: Tenancy = "multi-tenant"
    parent: str = "999977774"
    other_parents: Sequence[str] = ()
    children: Sequence[str] = ("999977776",)
    children_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    supplier: str = "994598759"
    name: str = "test client"
    grant_types: Sequence[str] = field(default=("client_credentials",))

    def __post_init__(self) -> None:
        """Refuse a private key: it never leaves the client."""
        for jwk in self.jwks:
            if PRIVATE_MEMBERS & set(jwk):
                message = f"client {self.client_id}: register the public key only, see public_jwk()"
                raise ValueError(message)

    @property
    def parents(self) -> tuple[str, ...]:
        """Every parent organization that this client may act for."""
        return (self.parent, *self.other_parents)
