"""Parses the JSON of a stored key, or says what the text is instead: nothing, PEM, base64. Pure."""

from __future__ import annotations

import json
from typing import Any

from helseid_fn.errors import SigningKeyError

STORE_JWK = "Store the private JWK itself, as one JSON object."
NOT_JSON = object()
"""What `load_json` returns for a text that is not JSON."""

_CONVERT = "Convert it with helseid-fn import (docs/keys-and-rotation.md)."
_PEM = "-----BEGIN"
_PEM_IN_BASE64 = "LS0tLS1CRUdJTi"
_OBJECT_IN_BASE64 = ("eyI", "eyJ", "ewo", "ew0", "eyA")


def parse_json(text: str) -> Any:
    """Parse a text without white space around it.

    Raises `SigningKeyError`.
    """
    if not text:
        raise SigningKeyError("not_json", f"The private key at HELSEID_KEY is empty. {STORE_JWK}")
    parsed = load_json(text)
    words = text if parsed is NOT_JSON else parsed
    if isinstance(words, str) and (_PEM in words or words.startswith(_PEM_IN_BASE64)):
        raise _pem(words)
    if parsed is NOT_JSON and text.startswith(_OBJECT_IN_BASE64):
        raise SigningKeyError("not_json", "The private key at HELSEID_KEY is in base64. Store it decoded, as one JSON object.")
    if parsed is NOT_JSON:
        raise SigningKeyError("not_json", f"The private key at HELSEID_KEY is not JSON. {STORE_JWK}")
    return parsed


def load_json(text: str) -> Any:
    """Return `NOT_JSON` for text that is not JSON: the parser's exception contains the text, and must not be chained.

    Raises `SigningKeyError` when an object has a member twice, of which a parser takes either (RFC 7517 section 4).
    """
    try:
        return json.loads(text, object_pairs_hook=_collect)
    except (ValueError, RecursionError):
        return NOT_JSON


def member_twice() -> SigningKeyError:
    """Return the error for an object that has a member twice."""
    return SigningKeyError(
        "bad_member", "The private key at HELSEID_KEY has a member twice. Store the key again as it was made."
    )


def _collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise member_twice()
    return members


def _pem(text: str) -> SigningKeyError:
    if "ENCRYPTED" in text:
        return SigningKeyError("pem", f"The private key at HELSEID_KEY is encrypted PEM. {_CONVERT}")
    if _PEM in text and "PRIVATE" not in text:
        return SigningKeyError(
            "public_only",
            "The PEM at HELSEID_KEY is a public key or a certificate. Convert the private key that belongs to it with "
            "helseid-fn import.",
        )
    return SigningKeyError("pem", f"The private key at HELSEID_KEY is PEM. {_CONVERT}")
