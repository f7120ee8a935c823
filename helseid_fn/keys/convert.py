"""Converts a private key in PEM, DER or PKCS#12 to the text of a private JWK. Pure."""

from __future__ import annotations

import codecs
import json
import re
from contextlib import suppress

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509 import load_der_x509_certificate

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.generate import build_jwk
from helseid_fn.keys.jwk import RSA_ALGORITHMS
from helseid_fn.keys.signing_key import parse_signing_key

_ALGORITHM_OF_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_PEM = b"-----BEGIN"
_PKCS12 = re.compile(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...)\x02\x01\x03", re.DOTALL)
"""A sequence that begins with the version, 3 (RFC 7292 section 4); a key in DER begins with version 0 or 1."""


class PassphraseNeededError(Exception):
    """The key is encrypted, and no passphrase was given."""


def convert_to_jwk(octets: bytes, alg: str | None, kid: str | None, passphrase: bytes | None = None) -> str:
    """Convert a private key, with OpenSSL's full check of it, to the text of a private JWK.

    `alg` is PS256 for an RSA key, and that of its curve for an elliptic-curve key, unless it is given. `kid` is its RFC 7638
    thumbprint, unless it is given.

    Raises `SigningKeyError` when HelseID would not take the key, and `PassphraseNeededError`.
    """
    key = _load(octets, passphrase)
    if isinstance(key, rsa.RSAPrivateKey):
        converted = build_jwk(key, alg if alg in RSA_ALGORITHMS else "PS256", kid)
    elif isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _ALGORITHM_OF_CURVE:
        converted = build_jwk(key, _ALGORITHM_OF_CURVE[key.curve.name], kid)
    else:
        raise SigningKeyError(
            "unknown_kty", "The key is neither RSA nor on P-256, P-384 or P-521. Make one that HelseID takes."
        )
    if alg not in (None, converted["alg"]):
        raise SigningKeyError("alg_does_not_fit", f"The key does not fit {alg}. Leave --alg out, or name the key's own.")
    text = json.dumps(converted)
    parse_signing_key(text, check_primes=True)
    return text


def _load(octets: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    octets = _as_utf_8(octets)
    is_pem = _PEM in octets
    if not is_pem and _PKCS12.match(octets):
        return _load_pkcs12(octets, passphrase)
    try:
        return (load_pem_private_key if is_pem else load_der_private_key)(octets, passphrase)
    except TypeError:  # as `cryptography` says that it needs a passphrase
        if passphrase is None:
            raise PassphraseNeededError from None
    except (ValueError, UnsupportedAlgorithm):
        pass
    if passphrase is not None:
        raise SigningKeyError("pem", "The key could not be decrypted. Check the passphrase.")
    raise _describe(octets, is_pem=is_pem)


def _load_pkcs12(octets: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    """Load the key of a PFX; without a passphrase, it may have none or an empty one."""
    for tried in (None, b"") if passphrase is None else (passphrase,):
        with suppress(ValueError):
            key, _, _ = load_key_and_certificates(octets, tried)
            if key is None:
                raise SigningKeyError("public_only", "The file has certificates but no private key. Export it with its key.")
            return key
    if passphrase is None:
        raise PassphraseNeededError
    raise SigningKeyError("pem", "The key could not be decrypted. Check the passphrase.")


def _as_utf_8(octets: bytes) -> bytes:
    """Return the octets of a PEM that PowerShell has written as UTF-16 (`>`) in UTF-8; others unchanged."""
    if not octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return octets
    return octets.decode("utf-16", errors="replace").encode()


def _describe(octets: bytes, *, is_pem: bool) -> SigningKeyError:
    """Return what a file is that is no private key in any of these forms, as an error."""
    if not octets.strip():
        return SigningKeyError("pem", "The file is empty. Name the file of the private key.")
    if b"OPENSSH PRIVATE" in octets:
        return SigningKeyError(
            "pem", "The file is a key in OpenSSH's own form. Write a copy of it as PEM: ssh-keygen -p -m PKCS8 -f COPY"
        )
    if b"PRIVATE" not in octets and (is_pem or _is_public_der(octets)):
        return SigningKeyError("public_only", "The file has a public key or a certificate. Name the file of the private key.")
    if octets.lstrip(codecs.BOM_UTF8).lstrip().startswith((b"{", b"[")):
        return SigningKeyError("pem", "The file is JSON, and a JWK needs no conversion. Store it as it is.")
    return SigningKeyError("pem", "The file is not a private key in PEM, DER or PKCS#12. Export the key as PEM (PKCS#8).")


def _is_public_der(octets: bytes) -> bool:
    for load in (load_der_public_key, load_der_x509_certificate):
        with suppress(ValueError, UnsupportedAlgorithm):
            load(octets)
            return True
    return False
