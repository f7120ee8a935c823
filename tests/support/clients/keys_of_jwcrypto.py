"""Makes keys with jwcrypto; prints their JWKs, one on each line."""

import json
import sys

from jwcrypto.jwk import JWK

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

for alg in json.load(sys.stdin):
    shape = {"kty": "EC", "crv": CURVES[alg]} if alg in CURVES else {"kty": "RSA", "size": 2048}
    print(JWK.generate(alg=alg, use="sig", key_ops=["sign", "verify"], **shape).export())
