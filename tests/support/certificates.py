"""Certificates for one test, from its own authority."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# Python 3.13 refuses an authority without key usage (RFC 5280 section 4.2.1.3).
_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Issues certificates and writes them below a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        key: ec.EllipticCurvePrivateKey | None = None,
        name: x509.Name | None = None,
        server_days: tuple[int, int] = (-1, 1),
    ) -> None:
        """Make an authority, or take the key and the name of another one.

        `server_days` is when the servers' certificates begin and end to be valid, in days from now.
        """
        self._server_days = server_days
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._name = name or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for tests only")])
        limits = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._builder(self._name, self._key).add_extension(limits, critical=True)
        certificate = self._sign(builder.add_extension(_SIGNS_CERTIFICATES, critical=True))
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(certificate)

    def server(self, *names: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> ssl.SSLContext:
        """Return a server's context with a certificate for these names or IP addresses, by default 127.0.0.1.

        Its key is on P-256 unless another is given.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain(*names, key=key))
        return context

    def chain(self, *names: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> Path:
        """Return the file of a server's key and certificate, with the same defaults."""
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names or ("127.0.0.1",)])
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server for tests only")])
        builder = self._builder(subject, key, self._server_days).add_extension(alternatives, critical=False)
        chain = self._folder / f"server-{len(list(self._folder.iterdir()))}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain.write_bytes(private + self._sign(builder))
        return chain

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, days: tuple[int, int] = (-1, 1)
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        public, authority = key.public_key(), self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=days[0]))
            .not_valid_after(now + dt.timedelta(days=days[1]))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
