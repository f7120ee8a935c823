"""Calls the API three times with requests-oauth2client; a subclass makes the assertion that HelseID requires."""

import json
import sys
from datetime import UTC, datetime

import requests
from jwskate import Jwt
from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth, PrivateKeyJwt

GIVEN = json.load(sys.stdin)


class HelseIdAssertion(PrivateKeyJwt):
    """An assertion with the type, the times and the claims that HelseID requires."""

    def client_assertion(self, audience: str) -> str:
        """Sign it."""
        now = int(datetime.now(tz=UTC).timestamp())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": audience, "jti": self.jti_gen()}
        times = {"iat": now, "nbf": now, "exp": now + self.lifetime}
        typ = "client-authentication+jwt"
        return str(Jwt.sign({**claims, **times, **GIVEN["claims"]}, key=self.private_jwk, alg=self.alg, typ=typ))


authentication = HelseIdAssertion(GIVEN["client_id"], GIVEN["jwk"], lifetime=10, aud=GIVEN["issuer"])
client = OAuth2Client.from_discovery_endpoint(
    issuer=GIVEN["issuer"], auth=authentication, dpop_bound_access_tokens=True, testing=True
)
session = requests.Session()
session.trust_env = False
session.auth = OAuth2ClientCredentialsAuth(client, scope=GIVEN["scope"])
print(json.dumps([session.get(GIVEN["api_url"], timeout=10).json() for _ in range(3)]))
