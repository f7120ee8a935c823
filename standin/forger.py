"""Makes right requests of every kind for the clients of one stand-in, for a test to bend."""

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
    """Name an organization the way HelseID wants it in `assertion_details`."""
    identifier = {"system": system, "type": type_, "value": value}
    return {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": identifier}}}


class Forger:
    """Makes right requests for a client of one stand-in."""

    def __init__(self, standin: StandIn, alg: str) -> None:
        """Use a client key and another proof key of this algorithm."""
        self.standin = standin
        self.client_key = make_jwk(alg)
        self.proof_key = make_jwk(alg, number=1)
        issuer = issuer_key()
        private = {**issuer.key.as_dict(private=True), "alg": "RS256"}
        self.issuer_key = private
        self.token_header = {"alg": "RS256", "kid": issuer.kid, "x5t": issuer.x5t, "typ": "at+jwt"}

    def token_request(self, client_key: dict[str, Any] | None = None) -> Forged:
        """Make a right token request, nonce included, with the client's first key unless another is given."""
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
        """Make a right call of the API, its token signed by hand with HelseID's key."""
        return self._call("GET", self.standin.api_url, SAMPLE_AUDIENCE, SAMPLE_SCOPE)

    def registration(self, content: Any) -> Forged:
        """Make a right call that registers a key, given as what its JSON body holds."""
        forged = self._call("POST", self.standin.registration_url, SELVBETJENING_AUDIENCE, SELVBETJENING_SCOPE)
        forged.content, forged.content_type = json.dumps(content).encode(), "application/json"
        return forged

    def listing(self) -> Forged:
        """Make a right call that lists the client's keys."""
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
        made = proof(url, method, self.proof_key, now)
        return Forged(url, method, made, token=Jws({**self.token_header}, claims, self.issuer_key))

    def exchange(self, forged: Forged) -> Exchange:
        """Send a request and give what the stand-in wrote down about it."""
        forged.send()
        return self.standin.received[-1]
