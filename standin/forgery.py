"""Valid requests to the stand-in, signed with `cryptography` directly, for a test to mutate."""

import base64
import hashlib
import http.client
import json
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from standin.keys import public_jwk

_DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


@dataclass
class Jws:
    """A JWS before signing; `text` overrides the whole, `signature` overrides the last part."""

    header: dict[str, Any]
    claims: dict[str, Any]
    key: dict[str, Any]
    text: str | None = None
    signature: str | None = None

    def sign(self) -> str:
        """Sign with the header's alg, or with the key's if the key cannot be used with the header's."""
        if self.text is not None:
            return self.text
        signing_input = f"{_encoded(self.header)}.{_encoded(self.claims)}"
        alg = self.header.get("alg")
        usable = alg if isinstance(alg, str) and alg[:2] == self.key["alg"][:2] else self.key["alg"]
        signature = base64url(_signature(signing_input.encode(), usable, self.key))
        return f"{signing_input}.{signature if self.signature is None else self.signature}"


@dataclass
class Forged:
    """An HTTP request; a test can change every part of it before sending."""

    url: str
    method: str
    proof: Jws
    headers: list[tuple[str, str]] = field(default_factory=list)
    form: list[tuple[str, str]] = field(default_factory=list)
    assertion: Jws | None = None
    token: Jws | None = None
    scheme: str = "DPoP"
    query: str = ""
    content_type: str = "application/x-www-form-urlencoded"
    content: bytes | None = None

    def send(self) -> http.client.HTTPResponse:
        """Sign the assertion, the token and the proof, and send the request."""
        headers = [*self.headers]
        if self.token is not None:
            token = self.token.sign()
            self.proof.claims.setdefault("ath", base64url(hashlib.sha256(token.encode()).digest()))
            headers.append(("Authorization", f"{self.scheme} {token}"))
        if self.assertion is not None and "client_assertion" not in dict(self.form):
            self.form.append(("client_assertion", self.assertion.sign()))
        headers.append(("DPoP", self.proof.sign()))
        return self._sent([(name, value) for name, value in headers if value])

    def _sent(self, headers: list[tuple[str, str]]) -> http.client.HTTPResponse:
        parts = urlsplit(self.url)
        body = urlencode(self.form).encode() if self.content is None else self.content
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.putrequest(self.method, parts.path + self.query)
        for name, value in headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Type", self.content_type)
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Connection", "close")
        connection.endheaders(body)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response


def proof(url: str, method: str, key: dict[str, Any], now: int, nonce: str | None = None) -> Jws:
    """Return a valid proof for a request (RFC 9449 section 4.2)."""
    claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": now}
    header = {"typ": "dpop+jwt", "alg": key["alg"], "jwk": public_jwk(key)}
    return Jws(header, {**claims, **({"nonce": nonce} if nonce else {})}, key)


def base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encoded(members: dict[str, Any]) -> str:
    return base64url(json.dumps(members).encode())


def _signature(data: bytes, alg: str, jwk: dict[str, Any]) -> bytes:
    digest = _DIGESTS[alg[2:]]
    key = _loaded(json.dumps(jwk))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if alg.startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.sign(data, padding.PKCS1v15(), digest)


@lru_cache(maxsize=64)
def _loaded(text: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    jwk = json.loads(text)
    number = {name: _number(jwk[name]) for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y") if name in jwk}
    if jwk["kty"] == "EC":
        public = ec.EllipticCurvePublicNumbers(number["x"], number["y"], _CURVES[jwk["crv"]])
        return ec.EllipticCurvePrivateNumbers(number["d"], public).private_key()
    numbers = rsa.RSAPrivateNumbers(
        p=number["p"],
        q=number["q"],
        d=number["d"],
        dmp1=number["dp"],
        dmq1=number["dq"],
        iqmp=number["qi"],
        public_numbers=rsa.RSAPublicNumbers(number["e"], number["n"]),
    )
    # This process has generated the key itself, and to validate the primes again would be slow.
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
