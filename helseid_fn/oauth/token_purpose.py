"""Who issued an access token and for which APIs, read to explain a refusal and for nothing else; pure.

HelseID says that a client must not inspect its tokens, so no decision depends on this.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z0-9:/._-]{1,200}")


class TokenPurpose(NamedTuple):
    """The audiences and the issuer of a token, as its `aud` and `iss` name them."""

    audiences: tuple[str, ...]
    issuer: str


def read_token_purpose(token: str) -> TokenPurpose | None:
    """Read the purpose of a token; None if it is no JWT, or one whose names are not plain names and addresses."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        issuer = claims["iss"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if not audiences or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in (*audiences, issuer)):
        return None
    return TokenPurpose(tuple(audiences), issuer)
