"""Selvbetjening, where a client registers its public keys: an API like any other, with a scope of its own.

Source: https://selvbetjening.nhn.no/docs/api, and NHN's published libraries, which send a key in one of two forms.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from helseid_fn.api.job import Job
from helseid_fn.api.request import ApiRequest
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Garbled, Party, Refused
from helseid_fn.function.invocation import Invocation
from helseid_fn.keys.expiry import parse_expiration
from helseid_fn.oauth.organization import Organization

SCOPE = "nhn:selvbetjening/client"

_WRONG_FORM_STATUSES = (400, 415, 422)
_NO_LIST_STATUSES = (404, 405)


@dataclass(frozen=True, slots=True)
class Registration:
    """A key that is registered; `expires_at` is seconds since the epoch, None for one that does not expire."""

    expires_at: int | None


class Selvbetjening:
    """The keys of the client whose key `job` signs in with; safe for threads."""

    def __init__(self, url: str, organization: Organization, job: Job) -> None:
        """Keep whom tokens are asked for: HelseID wants an organization of multi-tenant clients, for this API too."""
        self._url = f"{url.rstrip('/')}/v1/client-secret"
        self._organization = organization
        self._job = job

    def find(self, kid: str, deadline: Deadline, journal: Journal) -> Registration | None:
        """Look a key up among the client's; None when it is not there, or this Selvbetjening has no list.

        Raises what a job raises.
        """
        try:
            keys = self._ask(ApiRequest("GET", self._url), deadline, journal)
        except Refused as refusal:
            if (refusal.api_answer or {}).get("status") in _NO_LIST_STATUSES:
                return None
            raise
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise _garbled("the list of the client's keys")
        found = next((key for key in keys if kid in (key.get("kid"), key.get("jwkThumbprint"))), None)
        return Registration(parse_expiration(found.get("expiration"))) if found else None

    def register(self, public_jwk: dict[str, Any], deadline: Deadline, journal: Journal) -> Registration:
        """Register a public key: as a JSON object, and if that form is refused as a JSON string that holds it.

        It is not sent again when it may have arrived: whether it has, `find` tells. Raises what a job raises.
        """
        try:
            answer = self._post(public_jwk, deadline, journal)
        except Refused as refusal:
            if (refusal.api_answer or {}).get("status") not in _WRONG_FORM_STATUSES:
                raise
            answer = self._post(json.dumps(public_jwk), deadline, journal)
        expires_at = parse_expiration(answer.get("expiration")) if isinstance(answer, dict) else None
        if expires_at is None:
            raise _garbled("the expiration of a registered key")
        return Registration(expires_at)

    def _post(self, value: Any, deadline: Deadline, journal: Journal) -> Any:
        headers = {"Content-Type": "application/json"}
        return self._ask(ApiRequest("POST", self._url, headers, json.dumps(value).encode()), deadline, journal)

    def _ask(self, request: ApiRequest, deadline: Deadline, journal: Journal) -> Any:
        return self._job.run(Invocation(self._organization, frozenset({SCOPE}), request), deadline, journal).api_body


def _garbled(what: str) -> Garbled:
    detail = f"Selvbetjening's answer does not hold {what}; check SELVBETJENING_URL and what stands in front of it."
    return Garbled(Party.SELVBETJENING, "body", detail)
