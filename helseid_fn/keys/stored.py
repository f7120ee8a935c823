"""From the bytes of a secret to the key's text; the same for every store. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from helseid_fn.errors import Garbled, Party, Refused

MAX_SECRET_BYTES = 64 * 1024
"""The most that Google Secret Manager and AWS Secrets Manager hold."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The text of a private JWK, which never shows, and its expiry where the store itself tells it."""

    text: str = field(repr=False)
    expires_at: int | None = None
    """Seconds since the epoch; None when the store does not tell, though the JWK may."""


def decode_payload(payload: bytes) -> str:
    """Decode a secret as UTF-8.

    Raises `Refused` when it is too large to be a key, `Garbled` when it is not UTF-8.
    """
    if len(payload) > MAX_SECRET_BYTES:
        detail = "What HELSEID_KEY names is larger than any key (64 KiB); name the private JWK."
        raise Refused(Party.SECRET_MANAGER, "too_large", detail)
    text = _decode_utf8(payload)
    if text is None:
        detail = (
            "The private key at HELSEID_KEY is not text in UTF-8 (PowerShell's > writes UTF-16); store the JWK again as UTF-8."
        )
        raise Garbled(Party.SECRET_MANAGER, "encoding", detail)
    return text


def _decode_utf8(payload: bytes) -> str | None:
    """Return None for what is not UTF-8; the codec's own exception holds the bytes, and must not become another's context."""
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return None
