"""The nonce that a server requires in DPoP proofs (RFC 9449 sections 8 and 9); pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Unavailable
from helseid_fn.http import challenges
from helseid_fn.http.messages import Response

MAX_NONCE_LENGTH = 2048
MAX_NONCE_ROUNDS = 2

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


def read_requested_nonce(party: Party, response: Response, sent: str | None, rounds: int) -> str:
    """Return the nonce of this very response, not one that another thread has learned since.

    Servers behind one name that do not share their nonces each ask for their own, so `rounds` requests in a row are followed
    before it is given up.

    Raises `Unavailable` then, and `InvalidResponse` when there is no nonce, or the same one again.
    """
    nonce = read_nonce(response.headers)
    if nonce is None:
        fault = "asked for a nonce but its DPoP-Nonce header is missing or unusable"
    elif rounds and nonce == sent:
        fault = "asked for a nonce again after it was sent the one it had just issued"
    elif rounds >= MAX_NONCE_ROUNDS:
        detail = f"{party.as_subject} asked for another nonce {rounds + 1} times in a row. Try again; if it goes on, report it."
        raise Unavailable(party, "nonce", detail)
    else:
        return nonce
    raise InvalidResponse(party, "nonce", f"{party.as_subject} {fault}. Report it to its operators.")
