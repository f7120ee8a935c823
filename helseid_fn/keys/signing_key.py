"""A private key that signs and shows only its public half; the only place that touches private numbers.

A compact JWS is put together here, with `cryptography` alone. PyJWT would do it as well, but loading it, with X.509, SSH keys
and urllib.request, was a fifth of loading the whole function, and a proof took it a fifth longer.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys import jwk

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES: dict[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
_to_json = json.JSONEncoder(separators=(",", ":")).encode


class SigningKey:
    """Signs JWTs with one algorithm. `repr`, pickling and copying never show or move a private member."""

    __slots__ = ("_last_header", "_private", "_scheme", "alg", "expires_at", "kid", "made_at", "public_jwk", "thumbprint")

    def __init__(
        self,
        private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
        alg: str,
        kid: str | None = None,
        *,
        made_at: int | None = None,
        expires_at: int | None = None,
    ) -> None:
        self._private = private
        self._scheme = _scheme(alg)
        self._last_header: tuple[dict[str, Any], str] = ({}, _encode({"alg": alg}))
        self.alg = alg
        self.kid = kid
        self.made_at = made_at
        self.expires_at = expires_at
        """When it was made and when it expires, seconds since the epoch; None where that is not known."""
        self.public_jwk = _public_jwk(private)
        """The required public members only, as a proof's `jwk` header wants them."""
        self.thumbprint = thumbprint(self.public_jwk)

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """Sign the claims as a compact JWS (RFC 7515 section 7.1); `alg` is added to the header."""
        message = f"{self._encode_header(header)}.{_encode(claims)}"
        signature = self._private.sign(message.encode(), *self._scheme)
        if isinstance(self._private, ec.EllipticCurvePrivateKey):
            signature = _join_r_and_s(signature, self._private.key_size)
        return f"{message}.{_base64url(signature)}"

    def _encode_header(self, header: Mapping[str, Any]) -> str:
        """Encode a header, or take the last one if it is the same: that of all proofs is, and is half of what to encode."""
        last_header, encoded = self._last_header
        if header != last_header:
            encoded = _encode({**header, "alg": self.alg})
            self._last_header = (dict(header), encoded)
        return encoded

    def __repr__(self) -> str:
        return f"<SigningKey {self.alg} kid={self.kid!r} thumbprint={self.thumbprint}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is neither pickled nor copied: it would carry the private members along")


def parse_signing_key(text: str, *, expires_at: int | None = None) -> SigningKey:
    """Parse a private JWK into a key that has signed once and been verified.

    OpenSSL's check that the primes are prime is left out: it costs 36 ms at 2048 bits and 252 ms at 4096, on every cold
    start. `jwk.parse` has checked the arithmetic instead, and one signature is verified here: a faulty RSA-CRT signature
    must never leave the process, since it gives the key away (Boneh, DeMillo and Lipton, 1997).

    `expires_at` is the expiry that the key's store tells; without it the JWK's own `exp` is taken.

    Raises `SigningKeyError`.
    """
    parsed = jwk.parse(text)
    try:
        private = _rsa_key(parsed.numbers) if isinstance(parsed.numbers, jwk.RsaPrivate) else _ec_key(parsed.numbers)
        message, scheme = b"the signature that proves the key", _scheme(parsed.alg)
        private.public_key().verify(private.sign(message, *scheme), message, *scheme)
        sound = True
    except (ValueError, UnsupportedAlgorithm, OverflowError, InvalidSignature):
        sound = False
    if not sound:
        raise SigningKeyError(
            "inconsistent",
            "The private key at HELSEID_KEY cannot be used: its private and public members do not belong together; "
            "store the key again, whole.",
        )
    expires_at = parsed.expires_at if expires_at is None else expires_at
    return SigningKey(private, parsed.alg, parsed.kid, made_at=parsed.made_at, expires_at=expires_at)


def generate_proof_key() -> SigningKey:
    """Make a fresh P-256 key for the proofs of one token: it lives and dies with the token (RFC 9449 section 4)."""
    return SigningKey(ec.generate_private_key(ec.SECP256R1()), "ES256")


def thumbprint(public_jwk: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a JWK's required public members (RFC 7638 section 3)."""
    canonical = json.dumps(dict(public_jwk), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


class _Ecdsa(ec.ECDSA):
    """ECDSA with random nonces, made without its base's constructor.

    That loads OpenSSL's whole C interface to ask whether nonces could be anything else: 4 ms, as much as importing this module.
    """

    def __init__(self, digest: hashes.HashAlgorithm) -> None:
        self._digest = digest

    @property
    def algorithm(self) -> hashes.HashAlgorithm:
        return self._digest

    @property
    def deterministic_signing(self) -> bool:
        return False


def _scheme(alg: str) -> tuple[Any, ...]:
    """Return what signing and verifying take beside the message (RFC 7518 sections 3.3 to 3.5)."""
    digest = _HASHES[alg[2:]]
    schemes: dict[str, tuple[Any, ...]] = {
        "RS": (padding.PKCS1v15(), digest),
        "PS": (padding.PSS(padding.MGF1(digest), digest.digest_size), digest),
        "ES": (_Ecdsa(digest),),
    }
    return schemes[alg[:2]]


def _join_r_and_s(signature: bytes, curve_bits: int) -> bytes:
    """Turn an ECDSA signature from DER, as OpenSSL gives it, into the two numbers of RFC 7518 section 3.4."""
    size = (curve_bits + 7) // 8
    return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(signature))


def _rsa_key(numbers: jwk.RsaPrivate) -> rsa.RSAPrivateKey:
    p, q = numbers.primes or rsa.rsa_recover_prime_factors(numbers.n, numbers.e, numbers.d)
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=numbers.d,
        dmp1=rsa.rsa_crt_dmp1(numbers.d, p),
        dmq1=rsa.rsa_crt_dmq1(numbers.d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(numbers.e, numbers.n),
    ).private_key(unsafe_skip_rsa_key_validation=True)


def _ec_key(numbers: jwk.EcPrivate) -> ec.EllipticCurvePrivateKey:
    public = ec.EllipticCurvePublicNumbers(numbers.x, numbers.y, CURVES[numbers.curve]())
    return ec.EllipticCurvePrivateNumbers(numbers.d, public).private_key()


def _public_jwk(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> dict[str, str]:
    if isinstance(private, rsa.RSAPrivateKey):
        rsa_numbers = private.public_key().public_numbers()
        return {"kty": "RSA", "n": _base64url_number(rsa_numbers.n), "e": _base64url_number(rsa_numbers.e)}
    ec_numbers = private.public_key().public_numbers()
    size = (private.key_size + 7) // 8
    curve = next(name for name, curve in CURVES.items() if isinstance(private.curve, curve))
    x, y = (_base64url(number.to_bytes(size, "big")) for number in (ec_numbers.x, ec_numbers.y))
    return {"kty": "EC", "crv": curve, "x": x, "y": y}


def _encode(members: Mapping[str, Any]) -> str:
    return _base64url(_to_json(dict(members)).encode())


def _base64url_number(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
