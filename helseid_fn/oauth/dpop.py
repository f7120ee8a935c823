"""The DPoP proof (RFC 9449 section 4); pure."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import Any

from helseid_fn.keys.signing_key import SigningKey


def build_proof(
    key: SigningKey,
    *,
    method: str,
    url: str,
    now: float,
    jti: str,
    nonce: str | None = None,
    access_token: str | None = None,
) -> str:
    """Build and sign the proof for one HTTP request (RFC 9449 section 4.2).

    `url` is the URL as it is sent. `htu` is the same without query and fragment; nothing is re-encoded, since resource servers
    compare strings. With an access token the proof is bound to it (`ath`). `now` is wall-clock seconds.
    """
    claims: dict[str, Any] = {"jti": jti, "htm": method, "htu": htu(url), "iat": int(now)}
    if access_token is not None:
        claims["ath"] = access_token_hash(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    return key.sign({"typ": "dpop+jwt", "jwk": key.public_jwk}, claims)


def new_jti() -> str:
    """Return a unique id: 192 random bits, since HelseID compares the ids of all clients."""
    return secrets.token_urlsafe(24)


def htu(url: str) -> str:
    """Return the URL without query and fragment."""
    return url.partition("#")[0].partition("?")[0]


def access_token_hash(access_token: str) -> str:
    """Return `ath`: the unpadded base64url of the token's SHA-256 (RFC 9449 section 4.2)."""
    digest = hashlib.sha256(access_token.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
