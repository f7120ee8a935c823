"""Selvbetjening, where a client registers its public keys: an API like any other, with its own scope.

Source: https://selvbetjening.nhn.no/docs/api, and NHN's published libraries, which send a key in one of two forms.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from helseid_fn.api.client import ApiClient
from helseid_fn.api.request import ApiRequest
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused
from helseid_fn.keys.jwk import parse_numeric_date
from helseid_fn.oauth.organization import Organization

SCOPE = "nhn:selvbetjening/client"

_WRONG_FORM_STATUSES = (400, 415, 422)
_NO_LIST_STATUSES = (404, 405)


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered key; `expires_at` is seconds since the epoch, None for a key that does not expire."""

    expires_at: int | None


class Selvbetjening:
    """The registered keys of the client that `api` signs in as; safe for threads."""

    def __init__(self, url: str, organization: Organization, api: ApiClient) -> None:
        """Take the configured organization, which a token names only if HelseID grants none without.

        A key is the client's and not an organization's: one that withdraws its delegation must not stop the rotation.
        """
        self._url = f"{url.rstrip('/')}/v1/client-secret"
        self._organization = organization
        self._api = api

    def find(self, kid: str, ctx: Context) -> Registration | None:
        """Fetch a registered key by its kid; None when it is not registered, or this Selvbetjening has no list.

        Raises what a call raises.
        """
        try:
            keys = self._call(ApiRequest("GET", self._url), ctx)
        except Refused as refusal:
            if refusal.status in _NO_LIST_STATUSES:
                return None
            raise
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise _invalid("the list of the client's keys")
        found = next((key for key in keys if kid in (key.get("kid"), key.get("jwkThumbprint"))), None)
        return Registration(parse_expiration(found.get("expiration"))) if found else None

    def register(self, public_jwk: dict[str, Any], ctx: Context) -> Registration:
        """Register a public key: as a JSON object, and if that form is refused as a JSON string that contains it.

        It is not sent again when it may have arrived; `find` shows whether it has. Raises what a call raises.
        """
        try:
            response = self._post(public_jwk, ctx)
        except Refused as refusal:
            if refusal.status not in _WRONG_FORM_STATUSES:
                raise
            response = self._post(json.dumps(public_jwk), ctx)
        expires_at = parse_expiration(response.get("expiration")) if isinstance(response, dict) else None
        if expires_at is None:
            raise _invalid("the expiration of a registered key")
        return Registration(expires_at)

    def _post(self, value: Any, ctx: Context) -> Any:
        headers = {"Content-Type": "application/json"}
        return self._call(ApiRequest("POST", self._url, headers, json.dumps(value).encode()), ctx)

    def _call(self, request: ApiRequest, ctx: Context) -> Any:
        try:
            return self._call_for(Organization(), request, ctx)
        except Refused as refusal:
            # No request has reached Selvbetjening: HelseID wants an organization from some multi-tenant clients.
            if (refusal.party, refusal.reason) != (Party.HELSEID, "invalid_request") or self._organization == Organization():
                raise
        return self._call_for(self._organization, request, ctx)

    def _call_for(self, organization: Organization, request: ApiRequest, ctx: Context) -> Any:
        return self._api.call(request, organization, frozenset({SCOPE}), ctx).response.body


def parse_expiration(text: object) -> int | None:
    """Parse the `expiration` in Selvbetjening's responses (RFC 3339) into seconds since the epoch; None when it is invalid."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return parse_numeric_date((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _invalid(what: str) -> InvalidResponse:
    detail = f"Selvbetjening's response does not contain {what}. Check SELVBETJENING_URL and any gateway in front of it."
    return InvalidResponse(Party.SELVBETJENING, "body", detail)
