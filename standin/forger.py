"""Makes valid requests of every kind to one stand-in, for a test to mutate."""

import json
import secrets
from typing import Any

from standin.clients import SAMPLE_AUDIENCE, SAMPLE_SCOPE, SELVBETJENING_AUDIENCE, SELVBETJENING_SCOPE
from standin.forgery import Forged, Jws, proof
from standin.issuer_key import issuer_key
from standin.keys import make_jwk
from standin.record import Exchange
from standin.standin import StandIn

NOW = 1_800_000_000
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
PARENT, CHILD = "999977774", "999977776"


def details(value: str, system: str = "urn:oid:1.0.6523", type_: str = "ENH") -> dict[str, Any]:
    """Return an organization as an element of `assertion_details`."""
    identifier = {"system": system, "type": type_, "value": value}
    return {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": identifier}}}


class Forger:
    """Makes valid requests of one client."""

    def __init__(self, standin: StandIn, alg: str) -> None:
        """Use a client key and a proof key of this algorithm."""
        self.standin = standin
        self.client_key = make_jwk(alg)
        self.proof_key = make_jwk(alg, number=1)
        issuer = issuer_key()
        private = {**issuer.key.as_dict(private=True), "alg": "RS256"}
        self.issuer_key = private
        self.token_header = {"alg": "RS256", "kid": issuer.kid, "x5t": issuer.x5t, "typ": "at+jwt"}

    def token_request(self, client_key: dict[str, Any] | None = None) -> Forged:
        """Return a valid token request with a nonce, signed with the client's first key unless another is given."""
        url, key = self.standin.token_endpoint, client_key or self.client_key
        now = int(self.standin.clock.now())
        times = {"iat": now, "nbf": now, "exp": now + 10}
        claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": self.standin.issuer, "jti": secrets.token_urlsafe(16)}
        organization = {"assertion_details": details(f"NO:ORGNR:{PARENT}:{CHILD}")}
        header = {"typ": "client-authentication+jwt", "alg": key["alg"], "kid": key["kid"]}
        form = {
            "client_id": CLIENT_ID,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "grant_type": "client_credentials",
            "scope": SAMPLE_SCOPE,
        }
        return Forged(
            url,
            "POST",
            proof(url, "POST", self.proof_key, now, self.standin.helseid.nonces.make()),
            form=list(form.items()),
            assertion=Jws(header, {**claims, **times, **organization}, key),
        )

    def call(self) -> Forged:
        """Return a valid API call, with a token signed with HelseID's key."""
        return self._call("GET", self.standin.api_url, SAMPLE_AUDIENCE, SAMPLE_SCOPE)

    def registration(self, content: Any) -> Forged:
        """Return a valid call that registers the key in this JSON content."""
        forged = self._call("POST", self.standin.registration_url, SELVBETJENING_AUDIENCE, SELVBETJENING_SCOPE)
        forged.content, forged.content_type = json.dumps(content).encode(), "application/json"
        return forged

    def listing(self) -> Forged:
        """Return a valid call that lists the client's keys."""
        return self._call("GET", self.standin.registration_url, SELVBETJENING_AUDIENCE, SELVBETJENING_SCOPE)

    def _call(self, method: str, url: str, audience: str, scope: str) -> Forged:
        now = int(self.standin.clock.now())
        claims = {
            "iss": self.standin.issuer,
            "nbf": now,
            "iat": now,
            "exp": now + 600,
            "aud": audience,
            "client_id": CLIENT_ID,
            "cnf": {"jkt": self.proof_key["kid"]},
            "scope": [scope],
            "jti": secrets.token_hex(16).upper(),
        }
        token = Jws({**self.token_header}, claims, self.issuer_key)
        return Forged(url, method, proof(url, method, self.proof_key, now), token=token)

    def exchange(self, forged: Forged) -> Exchange:
        """Send a request and return its recorded exchange."""
        forged.send()
        return self.standin.received[-1]
