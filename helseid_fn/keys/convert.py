"""Converts a private key in PEM or DER to the text of a private JWK. Pure."""

from __future__ import annotations

import json

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from helseid_fn.errors import SigningKeyError
from helseid_fn.keys.generate import build_jwk
from helseid_fn.keys.jwk import RSA_ALGORITHMS
from helseid_fn.keys.signing_key import parse_signing_key

_ALGORITHM_OF_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_PUBLIC = (b"PUBLIC KEY", b"CERTIFICATE")


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
    is_pem = b"-----BEGIN" in octets
    try:
        return (load_pem_private_key if is_pem else load_der_private_key)(octets, passphrase)
    except TypeError:  # as `cryptography` says that it needs a passphrase
        if passphrase is None:
            raise PassphraseNeededError from None
    except (ValueError, UnsupportedAlgorithm):
        pass
    if passphrase is not None:
        raise SigningKeyError("pem", "The key could not be decrypted. Check the passphrase.")
    if any(word in octets for word in _PUBLIC) and b"PRIVATE" not in octets:
        raise SigningKeyError("public_only", "The file has a public key or a certificate. Name the file of the private key.")
    raise SigningKeyError("pem", "The file is not a private key in PEM or DER. Export the key as PEM (PKCS#8).")
