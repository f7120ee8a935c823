"""The DPoP proof, and reading a server's wish for a nonce (RFC 9449); pure."""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from helseid_fn.http import challenges
from helseid_fn.http.messages import Answer
from helseid_fn.keys.signing_key import SigningKey

MAX_NONCE_LENGTH = 2048

# NQCHAR of RFC 6749 appendix A, of which RFC 9449 section 8.1 makes a nonce.
_NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


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

    `url` is the URL as it is sent: `htu` is the same, less query and fragment, and nothing is re-encoded, since resource
    servers compare strings. With an access token the proof is bound to it (`ath`). `now` is wall-clock seconds.
    """
    claims: dict[str, Any] = {"jti": jti, "htm": method, "htu": htu(url), "iat": int(now)}
    if access_token is not None:
        claims["ath"] = access_token_hash(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    return key.sign({"typ": "dpop+jwt", "jwk": key.public_jwk}, claims)


def new_jti() -> str:
    """Make an id that no other request will ever have: 192 random bits, since HelseID compares ids of all clients."""
    return secrets.token_urlsafe(24)


def htu(url: str) -> str:
    """Return the URL without query and fragment."""
    return url.partition("#")[0].partition("?")[0]


def access_token_hash(access_token: str) -> str:
    """Return `ath`: the unpadded base64url of the token's SHA-256 (RFC 9449 section 4.2)."""
    digest = hashlib.sha256(access_token.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def read_nonce(headers: Mapping[str, str]) -> str | None:
    """Return the `DPoP-Nonce` of an answer, or None when there is none that could be sent back."""
    nonce = headers.get("DPoP-Nonce", "").strip()
    return nonce if len(nonce) <= MAX_NONCE_LENGTH and _NONCE.fullmatch(nonce) else None


def asks_for_nonce(answer: Answer) -> bool:
    """Tell whether an answer asks for the request again with a nonce.

    An authorization server says so with status 400 and the JSON member `error` (RFC 9449 section 8), a resource server with
    status 401 and a DPoP challenge (section 9). A `DPoP-Nonce` header alone is not a question: any answer may carry one.
    """
    if answer.status == 400:
        return answer.json_members().get("error") == "use_dpop_nonce"
    found = challenges.parse(answer.headers.get("WWW-Authenticate")) if answer.status == 401 else ()
    return any(each.scheme == "dpop" and each.parameters.get("error") == "use_dpop_nonce" for each in found)
