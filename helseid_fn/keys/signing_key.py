"""A private key that signs JWTs and shows only its public half."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, NoReturn

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.document import check_client, parse_document
from helseid_fn.keys.expiry import KeyExpiry, find_expiry
from helseid_fn.keys.jwk import PrivateJwk, read_jwk
from helseid_fn.keys.private_numbers import EcPrivate, RsaPrivate
from helseid_fn.keys.rsa_strength import check_strength

CURVES: dict[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
REQUIRED_MEMBERS = ("kty", "n", "e", "crv", "x", "y")
"""The public members that a JWK must have (RFC 7638 section 3.2)."""

_JWS = jwt.PyJWS()
_to_json = json.JSONEncoder(separators=(",", ":")).encode


class SigningKey:
    """Signs JWTs with one algorithm. `repr` shows no private member, and the key cannot be pickled or copied."""

    __slots__ = ("_private", "alg", "expires_at", "kid", "made_at", "public_jwk", "stored_at", "thumbprint")

    def __init__(
        self,
        private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
        alg: str,
        kid: str | None = None,
        *,
        made_at: int | None = None,
        expires_at: int | None = None,
        stored_at: int | None = None,
    ) -> None:
        self._private = private
        self.alg = alg
        self.kid = kid
        self.made_at = made_at
        self.expires_at = expires_at
        self.stored_at = stored_at
        """When it was made, when it expires and when it was stored, seconds since the epoch; None if unknown."""
        public = jwt.get_algorithm_by_name(alg).to_jwk(private.public_key(), as_dict=True)
        self.public_jwk: dict[str, str] = {name: public[name] for name in REQUIRED_MEMBERS if name in public}
        """The required public members, as the `jwk` header of a proof has them."""
        self.thumbprint = thumbprint(self.public_jwk)

    @property
    def expiry(self) -> KeyExpiry | None:
        """When it expires, or is taken to expire; None if its age is not known either."""
        return find_expiry(expires_at=self.expires_at, made_at=self.made_at, stored_at=self.stored_at)

    def with_form(self, alg: str, kid: str | None) -> SigningKey:
        """Return the same key under another algorithm of its kind and another kid, to find how it is registered."""
        known = {"made_at": self.made_at, "expires_at": self.expires_at, "stored_at": self.stored_at}
        return SigningKey(self._private, alg, kid, **known)

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """Sign the claims as a compact JWS (RFC 7515 section 7.1), with the header given and the key's `alg`."""
        # PyJWT adds a typ of its own to a header without one, unless it is None; and an alg in the header decides.
        whole_header = {"typ": None, **header, "alg": self.alg}
        return _JWS.encode(_to_json(dict(claims)).encode(), self._private, self.alg, whole_header, sort_headers=False)

    def verify(self, jws: str, typ: str) -> dict[str, Any] | None:
        """Return the claims of a compact JWS that this key signed with this `typ`; None for any other text."""
        try:
            verified = jwt.decode_complete(jws, self._private.public_key(), algorithms=[self.alg])
        except jwt.InvalidTokenError:
            return None
        claims: dict[str, Any] = verified["payload"]
        return claims if verified["header"].get("typ") == typ else None

    def __repr__(self) -> str:
        return f"<SigningKey {self.alg} kid={self.kid!r} thumbprint={self.thumbprint}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A signing key cannot be pickled or copied, since that would copy its private members.")


def parse_signing_key(
    text: str,
    *,
    expires_at: int | None = None,
    stored_at: int | None = None,
    client_id: str | None = None,
    issuer: str | None = None,
    check_primes: bool = False,
) -> SigningKey:
    """Parse a private JWK, or a client configuration, into a key that has signed once and verified its own signature.

    `expires_at` is the expiry that the key's store knows; without it, the JWK's own `exp` applies. `stored_at` is when the key
    was stored, which stands for when it was made where the JWK has no `iat`. A client configuration must be for this
    `client_id` and `issuer`, if they are given. `check_primes` adds OpenSSL's slow check.

    Raises `SigningKeyError`.
    """
    document = parse_document(text)
    if client_id is not None and issuer is not None:
        check_client(document, client_id, issuer)
    parsed = read_jwk(document)
    private = _load_verified(parsed, check_primes=check_primes)
    if private is None:
        raise SigningKeyError(
            "inconsistent",
            "The private key at HELSEID_KEY has private and public members that do not match. Store the whole key again.",
        )
    expires_at = parsed.expires_at if expires_at is None else expires_at
    return SigningKey(private, parsed.alg, parsed.kid, made_at=parsed.made_at, expires_at=expires_at, stored_at=stored_at)


def generate_proof_key() -> SigningKey:
    """Generate a P-256 key for the proofs of one token, to be discarded with it (RFC 9449 section 4)."""
    return SigningKey(ec.generate_private_key(ec.SECP256R1()), "ES256")


def thumbprint(public_jwk: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a JWK's required public members (RFC 7638 section 3)."""
    canonical = json.dumps(dict(public_jwk), separators=(",", ":"), sort_keys=True)
    return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode("ascii")


def _load_verified(parsed: PrivateJwk, *, check_primes: bool) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None:
    """Load the key and verify one signature of it; None if either fails.

    A faulty RSA-CRT signature must never leave the process, since it reveals the key (Boneh, DeMillo and Lipton, 1997).
    """
    algorithm, message = jwt.get_algorithm_by_name(parsed.alg), b"a message to verify the key with"
    try:
        private = (
            _load_rsa(parsed.numbers, check_primes=check_primes)
            if isinstance(parsed.numbers, RsaPrivate)
            else _load_ec(parsed.numbers)
        )
        verified = algorithm.verify(message, private.public_key(), algorithm.sign(message, private))
    except (ValueError, UnsupportedAlgorithm, OverflowError):
        return None
    return private if verified else None


def _load_rsa(numbers: RsaPrivate, *, check_primes: bool) -> rsa.RSAPrivateKey:
    """Load an RSA key, by default without OpenSSL's slow prime check (docs/decisions/0002-no-prime-check.md)."""
    p, q = numbers.primes or rsa.rsa_recover_prime_factors(numbers.n, numbers.e, numbers.d)
    check_strength(p, q)
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=numbers.d,
        dmp1=rsa.rsa_crt_dmp1(numbers.d, p),
        dmq1=rsa.rsa_crt_dmq1(numbers.d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(numbers.e, numbers.n),
    ).private_key(unsafe_skip_rsa_key_validation=not check_primes)


def _load_ec(numbers: EcPrivate) -> ec.EllipticCurvePrivateKey:
    public = ec.EllipticCurvePublicNumbers(numbers.x, numbers.y, CURVES[numbers.curve]())
    return ec.EllipticCurvePrivateNumbers(numbers.d, public).private_key()
