"""The usual stack: pydantic-settings for the settings, requests-oauth2client for the token and the call."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import Any
from uuid import uuid4

import requests
from jwskate import Jwt
from pydantic_settings import BaseSettings
from requests_oauth2client import BearerToken, OAuth2Client, PrivateKeyJwt


class Settings(BaseSettings):
    """The settings, under the names that the function gives them."""

    helseid_issuer: str
    helseid_client_id: str
    helseid_scope: str
    helseid_key: str
    helseid_parent_organization: str
    helseid_child_organization: str
    api_url: str
    secret_manager_endpoint: str = ""


settings = Settings()


class HelseIdAssertion(PrivateKeyJwt):
    """A client assertion with HelseID's claims, for which the library has no hook."""

    def client_assertion(self, audience: str) -> str:  # noqa: ARG002  # the library would have its endpoint
        """Sign the claims that HelseID requires; its audience is the issuer, not the endpoint that the library passes."""
        now = int(time.time())
        numbers = f"NO:ORGNR:{settings.helseid_parent_organization}:{settings.helseid_child_organization}"
        identifier = {"system": "urn:oid:1.0.6523", "type": "ENH", "value": numbers}
        details = {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": identifier}}}
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": settings.helseid_issuer,
            "iat": now,
            "nbf": now - 5,
            "exp": now + 8,
            "jti": str(uuid4()),
            "assertion_details": details,
        }
        return str(Jwt.sign(claims, self.private_jwk, alg=self.alg, typ="client-authentication+jwt"))


@cache
def _token(key_text: str) -> BearerToken:
    metadata = requests.get(f"{settings.helseid_issuer}/.well-known/openid-configuration", timeout=25).json()
    assertion = HelseIdAssertion(settings.helseid_client_id, json.loads(key_text))
    client = OAuth2Client(metadata["token_endpoint"], auth=assertion, dpop_bound_access_tokens=True, testing=True)
    return client.client_credentials(scope=settings.helseid_scope)


def call_api(key_text: str) -> dict[str, Any]:
    """Sign in, unless a token is cached, and call the API."""
    response = requests.get(settings.api_url, auth=_token(key_text), timeout=25)
    response.raise_for_status()
    return {"status": "ok", "api": {"status": response.status_code, "body": response.json()}}
