"""HelseID's signing key and its self-signed certificate: one per process, generated in the background."""

import base64
import datetime as dt
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey

_lock = threading.Lock()


@dataclass(frozen=True)
class IssuerKey:
    """The key that signs tokens, and its published form."""

    key: RSAKey
    kid: str
    x5t: str
    x5c: str

    def jwk(self) -> dict[str, Any]:
        """Return the public JWK as HelseID publishes it; the kid is the certificate's SHA-1 thumbprint."""
        numbers = self.key.as_dict(private=False)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.x5t,
            "e": numbers["e"],
            "n": numbers["n"],
            "x5c": [self.x5c],
            "alg": "RS256",
        }


def issuer_key() -> IssuerKey:
    """Return the process's key; wait until it has been generated."""
    with _lock:
        return _generate()


def start_generating() -> None:
    """Start to generate the key, so that the first token request does not wait for it."""
    threading.Thread(target=issuer_key, name="stand-in issuer key", daemon=True).start()


@lru_cache(maxsize=1)
def _generate() -> IssuerKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    certificate = _certificate(private)
    # SHA-1 is only an identifier here (RFC 7517 section 4.8).
    fingerprint = certificate.fingerprint(hashes.SHA1())
    return IssuerKey(
        key=RSAKey.import_key(private),
        kid=fingerprint.hex().upper(),
        x5t=base64.urlsafe_b64encode(fingerprint).rstrip(b"=").decode(),
        x5c=base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
    )


def _certificate(private: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "HelseID stand-in, for tests only")])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .sign(private, hashes.SHA256())
    )
