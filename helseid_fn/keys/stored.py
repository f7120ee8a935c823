"""A private key as any of the stores returns it. Pure."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import Protocol

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused

MAX_SECRET_BYTES = 64 * 1024
"""The limit of Google Secret Manager and AWS Secrets Manager."""
_DER_SEQUENCE = b"\x30"
"""How every key in DER begins: with the tag of a sequence."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The text of a private JWK, which `repr` does not show, and what its store knows about it."""

    text: str = field(repr=False)
    expires_at: int | None = None
    """Seconds since the epoch; None if the store does not know, though the JWK may have an `exp`."""
    stored_at: int | None = field(default=None, compare=False)
    """When this version was stored, in seconds since the epoch; None if reading it does not tell."""
    from_cache: bool = False
    """Whether it came from a cache, so the store may have a newer one."""


class KeyReader(Protocol):
    """Reads the private key from where it is stored."""

    def read(self, ctx: Context, *, fresh: bool = False) -> StoredKey:
        """Read the key; with `fresh`, from the store itself and not from a cache.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`.
        """


def decode_payload(payload: bytes) -> str:
    """Decode a secret as UTF-8, or as UTF-16 if it begins with that encoding's byte order mark.

    Raises `Refused` if it is too large to be a key, and `InvalidResponse` if it is not text.
    """
    if len(payload) > MAX_SECRET_BYTES:
        detail = "The secret at HELSEID_KEY exceeds 64 KiB, so it is not a JWK. Point HELSEID_KEY at the private JWK."
        raise Refused(Party.SECRET_MANAGER, "too_large", detail)
    text = _decode(payload)
    if text is None:
        is_der = payload.startswith(_DER_SEQUENCE)
        detail = (
            "The private key at HELSEID_KEY is binary (DER or PKCS#12). Convert it with helseid-fn import "
            "(docs/keys-and-rotation.md)."
            if is_der
            else "The private key at HELSEID_KEY is not UTF-8 text. Store the JWK again as UTF-8."
        )
        raise InvalidResponse(Party.SECRET_MANAGER, "encoding", detail)
    return text


def _decode(payload: bytes) -> str | None:
    """Return None if it is not text: the codec's exception contains the bytes, and must not be chained."""
    is_utf16 = payload.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # as PowerShell's > writes
    try:
        return payload.decode("utf-16" if is_utf16 else "utf-8")
    except UnicodeDecodeError:
        return None
