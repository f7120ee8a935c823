"""Makes keys with jwskate, on which requests-oauth2client is built; prints their JWKs, one on each line."""

import json
import sys

from jwskate import Jwk

for alg in json.load(sys.stdin):
    print(
        Jwk.generate(alg=alg, key_size=2048).with_kid_thumbprint().to_json()
        if alg[0] != "E"
        else Jwk.generate(alg=alg).to_json()
    )
