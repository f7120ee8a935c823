"""Finds in which other form HelseID accepts the key: it says `invalid_client` and not a word more.

Each attempt is one more token request that the client might have made; the tokens are discarded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from helseid_fn.cli.doctor.finding import Finding, State
from helseid_fn.errors import HelseidFnError, Refused
from helseid_fn.keys.jwk import RSA_ALGORITHMS
from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.oauth.metadata import Metadata
from helseid_fn.oauth.organization import Organization
from helseid_fn.settings import Settings


class Requester(Protocol):
    """Requests tokens."""

    @property
    def settings(self) -> Settings:
        """The deployment."""

    def request(self, key: SigningKey, metadata: Metadata, organization: Organization, scopes: frozenset[str]) -> object:
        """Request a token. Raises `HelseidFnError`."""


def find_accepted_form(requester: Requester, key: SigningKey, metadata: Metadata) -> Finding | None:
    """Return what is wrong with the key's kid or alg, if HelseID knows it by another; None if it knows it by none."""
    for other, finding, remedy, code in _other_forms(key):
        if _is_known(requester, other, metadata):
            return Finding("token", State.FAILED, finding, remedy, code)
    return None


def _other_forms(key: SigningKey) -> Iterator[tuple[SigningKey, str, str, str]]:
    for kid in dict.fromkeys((key.thumbprint, None)):
        if kid != key.kid:
            named = f"the kid {kid}, its thumbprint" if kid else "no kid"
            finding = f"HelseID knows this key, but by {named}; in the JWK it is {key.kid or 'none'}."
            yield key.with_form(key.alg, kid), finding, "Put the kid that Selvbetjening shows into the JWK.", "token.wrong_kid"
    for alg in RSA_ALGORITHMS if key.alg in RSA_ALGORITHMS else ():
        if alg != key.alg:
            finding = f"HelseID knows this key as one for {alg}; in the JWK its alg is {key.alg}."
            yield key.with_form(alg, key.kid), finding, f"Put alg {alg} into the JWK.", "token.wrong_alg"


def _is_known(requester: Requester, key: SigningKey, metadata: Metadata) -> bool:
    """Return whether HelseID accepts the assertion of a key; it then grants a token, or refuses it for another reason."""
    settings = requester.settings
    try:
        requester.request(key, metadata, settings.organization, settings.scopes)
    except Refused as refusal:
        return refusal.reason != "invalid_client"
    except HelseidFnError:
        return False
    return True
