"""An authority of the stand-in's own, for `--tls`: it can vouch for this machine's loopback names and nothing else.

It is kept in the user's data folder, readable by the user alone, is valid for 30 days, and is installed nowhere.
"""

import datetime as dt
import ipaddress
import os
import ssl
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = dt.timedelta(days=30)
_RENEWED_BEFORE = dt.timedelta(days=1)
_NAMES = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)
_PERMITTED = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_network("127.0.0.1/32")),
    x509.IPAddress(ipaddress.ip_network("::1/128")),
)


@dataclass(frozen=True)
class Authority:
    """The authority's certificate and key, and the file of the certificate."""

    path: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def environment(self) -> dict[str, str]:
        """Return the variables by which Python, OpenSSL's users and Node trust it."""
        return dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(self.path))

    def server_context(self, now: dt.datetime) -> ssl.SSLContext:
        """Return a server's context with a new certificate for localhost, 127.0.0.1 and ::1."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(
            "helseid-standin on this machine", self.certificate.subject, key, now, self.certificate.not_valid_after_utc
        )
        builder = builder.add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = builder.add_extension(issuer, critical=False).sign(self.key, hashes.SHA256())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:  # ssl loads keys from files alone
            chain = Path(folder) / "server.pem"
            _write_private(chain, _pem(key) + certificate.public_bytes(Encoding.PEM))
            context.load_cert_chain(chain)
        return context


def data_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return the stand-in's folder in the user's data folder, as each system has it."""
    if platform == "win32":
        return Path(environ["LOCALAPPDATA"]) / "helseid-standin"
    home = Path(environ.get("HOME") or Path.home())
    if platform == "darwin":
        return home / "Library" / "Application Support" / "helseid-standin"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "helseid-standin"


def load_authority(folder: Path, now: dt.datetime) -> Authority:
    """Load the authority of a folder, or make one if there is none or it expires within a day.

    Raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    public, private = folder / "authority.pem", folder / "authority.key"
    try:
        certificate = x509.load_pem_x509_certificate(public.read_bytes())
        key = load_pem_private_key(private.read_bytes(), None)
        is_own = isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()
        if is_own and isinstance(key, ec.EllipticCurvePrivateKey) and now < certificate.not_valid_after_utc - _RENEWED_BEFORE:
            return Authority(public, certificate, key)
    except (FileNotFoundError, ValueError):
        pass
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _make_authority(key, now)
    _write_private(private, _pem(key))
    _write_private(public, certificate.public_bytes(Encoding.PEM))
    return Authority(public, certificate, key)


def _make_authority(key: ec.EllipticCurvePrivateKey, now: dt.datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"helseid-standin, for this machine only ({now:%Y-%m-%d})")])
    usage = x509.KeyUsage(
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
    builder = _builder(None, name, key, now, now + LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.NameConstraints(_PERMITTED, None), critical=True)
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def _builder(
    common_name: str | None, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, ends_at: dt.datetime
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]) if common_name else issuer
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_private(path: Path, octets: bytes) -> None:
    """Write a file at once, so that another stand-in reads all of it; only its owner can read it."""
    written = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
    written.replace(path)
