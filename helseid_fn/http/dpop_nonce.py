"""The nonce that a server requires in DPoP proofs (RFC 9449 sections 8 and 9); pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from helseid_fn.http import challenges
from helseid_fn.http.messages import Response

MAX_NONCE_LENGTH = 2048

# RFC 9449 section 8.1: a nonce consists of NQCHAR (RFC 6749 appendix A).
_NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def read_nonce(headers: Mapping[str, str]) -> str | None:
    """Return the `DPoP-Nonce` of a response, or None if it is missing or cannot be sent back."""
    nonce = headers.get("DPoP-Nonce", "").strip()
    return nonce if len(nonce) <= MAX_NONCE_LENGTH and _NONCE.fullmatch(nonce) else None


def asks_for_nonce(response: Response) -> bool:
    """Return whether the response asks for the same request with a nonce.

    An authorization server asks with status 400 and the JSON member `error` (RFC 9449 section 8), a resource server with
    status 401 and a DPoP challenge (section 9). A `DPoP-Nonce` header alone asks for nothing: any response may have one.
    """
    if response.status == 400:
        return response.json_members().get("error") == "use_dpop_nonce"
    found = challenges.parse(response.headers.get("WWW-Authenticate")) if response.status == 401 else ()
    return any(each.scheme == "dpop" and each.parameters.get("error") == "use_dpop_nonce" for each in found)
