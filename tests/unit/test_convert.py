from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.convert import PassphraseNeededError, convert_to_jwk
from helseid_fn.keys.signing_key import parse_signing_key
from standin import make_jwk

PASSPHRASE = b"correct horse"
ENCRYPTED = BestAvailableEncryption(PASSPHRASE)


def key_for(alg: str) -> Any:
    return parse_signing_key(json.dumps(make_jwk(alg)))._private


def write(key: Any, encoding: Encoding, form: PrivateFormat, encryption: KeySerializationEncryption | None = None) -> bytes:
    octets: bytes = key.private_bytes(encoding, form, encryption or NoEncryption())
    return octets


@pytest.mark.parametrize("alg", ["PS256", "ES256", "ES384", "ES512"])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER], ids=["PEM", "DER"])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["PKCS#8", "traditional"])
def test_a_private_key_becomes_a_jwk(alg: str, encoding: Encoding, form: PrivateFormat) -> None:
    key = parse_signing_key(convert_to_jwk(write(key_for(alg), encoding, form), None, None))
    assert (key.alg, key.kid) == (alg, key.thumbprint)
    assert key.thumbprint == parse_signing_key(json.dumps(make_jwk(alg))).thumbprint


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["PKCS#8", "traditional"])
def test_an_encrypted_key_is_decrypted(form: PrivateFormat) -> None:
    octets = write(key_for("PS256"), Encoding.PEM, form, ENCRYPTED)
    with pytest.raises(PassphraseNeededError):
        convert_to_jwk(octets, None, None)
    assert parse_signing_key(convert_to_jwk(octets, None, None, PASSPHRASE)).alg == "PS256"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_pem_that_powershell_wrote_is_read(encoding: str) -> None:
    text = write(key_for("ES256"), Encoding.PEM, PrivateFormat.PKCS8).decode()
    assert parse_signing_key(convert_to_jwk(text.encode(encoding), None, None)).alg == "ES256"


def test_alg_and_kid_are_those_that_are_given() -> None:
    octets = write(key_for("PS256"), Encoding.PEM, PrivateFormat.PKCS8)
    key = parse_signing_key(convert_to_jwk(octets, "RS512", "my key"))
    assert (key.alg, key.kid) == ("RS512", "my key")


def public_pem() -> bytes:
    octets: bytes = key_for("PS256").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return octets


def public_der() -> bytes:
    octets: bytes = key_for("ES256").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return octets


def certificate() -> bytes:
    key, name = key_for("ES256"), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    begins, ends = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, ends)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def openssh_key() -> bytes:
    return write(key_for("PS256"), Encoding.PEM, PrivateFormat.OpenSSH)


def small_key() -> bytes:
    return write(rsa.generate_private_key(65537, 1024), Encoding.PEM, PrivateFormat.PKCS8)


def on_other_curve() -> bytes:
    return write(ec.generate_private_key(ec.SECP256K1()), Encoding.PEM, PrivateFormat.PKCS8)


@pytest.mark.parametrize(
    ("octets", "alg", "passphrase", "words"),
    [
        pytest.param(public_pem, None, None, "public key or a certificate. Name", id="a public key"),
        pytest.param(lambda: b"-----BEGIN CERTIFICATE-----", None, None, "public key or a certificate", id="a certificate"),
        pytest.param(public_der, None, None, "public key or a certificate. Name", id="a public key in DER"),
        pytest.param(certificate, None, None, "public key or a certificate. Name", id="a certificate in DER"),
        pytest.param(openssh_key, None, None, "in OpenSSH's own form. Write a copy", id="a key of OpenSSH"),
        pytest.param(lambda: b"{}", None, None, "is JSON, and a JWK needs no conversion", id="JSON"),
        pytest.param(lambda: b"\xef\xbb\xbf {}", None, None, "is JSON, and a JWK needs no conversion", id="JSON after a BOM"),
        pytest.param(lambda: b" \n", None, None, "is empty. Name the file", id="an empty file"),
        pytest.param(lambda: b"key", None, None, "is not a private key in PEM, DER or PKCS#12. Export", id="words"),
        pytest.param(
            lambda: write(ed25519.Ed25519PrivateKey.generate(), Encoding.PEM, PrivateFormat.PKCS8),
            None,
            None,
            "neither RSA nor on P-256",
            id="Ed25519",
        ),
        pytest.param(on_other_curve, None, None, "neither RSA nor on P-256", id="secp256k1"),
        pytest.param(small_key, None, None, "has 1024 bits", id="a small key"),
        pytest.param(
            lambda: write(key_for("ES256"), Encoding.PEM, PrivateFormat.PKCS8),
            "PS256",
            None,
            "does not fit PS256",
            id="EC as RSA",
        ),
        pytest.param(
            lambda: write(key_for("PS256"), Encoding.PEM, PrivateFormat.PKCS8),
            "ES256",
            None,
            "does not fit ES256",
            id="RSA as EC",
        ),
        pytest.param(
            lambda: write(key_for("PS256"), Encoding.PEM, PrivateFormat.PKCS8, ENCRYPTED),
            None,
            b"wrong",
            "could not be decrypted. Check the passphrase",
            id="a wrong passphrase",
        ),
    ],
)
def test_what_cannot_be_converted_is_named(octets: Any, alg: str | None, passphrase: bytes | None, words: str) -> None:
    with pytest.raises(SigningKeyError, match=words):
        convert_to_jwk(octets(), alg, None, passphrase)
