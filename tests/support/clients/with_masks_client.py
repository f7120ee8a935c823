"""Calls the API three times with masks-client; its hook is a key that changes the assertion it is given to sign."""

import json
import sys
from typing import Any
from urllib.parse import urlsplit

from masks import Client, Key, discover

GIVEN = json.load(sys.stdin)


class HelseIdKey(Key):
    """Signs assertions with the type, the times and the claims that HelseID requires."""

    def sign(self, typ: str, claims: dict[str, Any], *, embed: bool) -> str:
        """Sign the changed assertion; sign proofs unchanged."""
        if typ != "JWT":
            return super().sign(typ, claims, embed=embed)
        times = {"nbf": claims["iat"], "exp": claims["iat"] + 10}
        return super().sign("client-authentication+jwt", {**claims, **times, **GIVEN["claims"]}, embed=embed)


issuer = discover(GIVEN["issuer"], allow_plain_http=True)
key = HelseIdKey.from_jwk(GIVEN["jwk"])
parts = urlsplit(GIVEN["api_url"])
with Client(issuer, GIVEN["client_id"], key=key, dpop=Key.generate()) as client:
    source = client.credentials_source(scope=[GIVEN["scope"]])
    with client.http_client(source, f"{parts.scheme}://{parts.netloc}") as http:
        print(json.dumps([http.get(GIVEN["api_url"]).json() for _ in range(3)]))
