"""HelseID's own signing key with its self-signed certificate; one for each process, made in the background."""

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

_making = threading.Lock()


@dataclass(frozen=True)
class IssuerKey:
    """The key tokens are signed with and the form it is published in."""

    key: RSAKey
    kid: str
    x5t: str
    x5c: str

    def jwk(self) -> dict[str, Any]:
        """Show the key as HelseID's `jwks` endpoint does: named after the certificate's SHA-1 thumbprint."""
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
    """Give the process's key, waiting for it when it is still being made."""
    with _making:
        return _make()


def begin_making() -> None:
    """Start making the key, so that the first token request need not wait for the prime search."""
    threading.Thread(target=issuer_key, name="stand-in issuer key", daemon=True).start()


@lru_cache(maxsize=1)
def _make() -> IssuerKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    certificate = _certificate(private)
    # SHA-1 names the certificate here (RFC 7517 section 4.8) and protects nothing.
    print_ = certificate.fingerprint(hashes.SHA1())
    return IssuerKey(
        key=RSAKey.import_key(private),
        kid=print_.hex().upper(),
        x5t=base64.urlsafe_b64encode(print_).rstrip(b"=").decode(),
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
