"""The signature by which a rotation recognizes the pending key that it made.

The key in use signs the pending key's thumbprint. So a key stored by somebody who may write the secret but does not have the
key in use is neither registered nor promoted.
"""

from __future__ import annotations

import json
from typing import Any

from helseid_fn.keys.document import parse_document
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key

MEMBER = "helseid_fn_endorsement"
"""The member of a private JWK that holds the endorsement, a compact JWS; readers ignore members they don't know (RFC 7517)."""
TYP = "helseid-fn-pending-key+jwt"
"""Distinguishes it from a client assertion, which the same key signs (RFC 8725 section 3.11)."""


def endorse(text: str, by: SigningKey, subject: str) -> str:
    """Return a private JWK's text with the endorsement by another key; `subject` names the client and the secret it is for."""
    endorsement = by.sign({"typ": TYP}, _build_claims(text, subject))
    return json.dumps({**parse_document(text).members, MEMBER: endorsement})


def is_endorsed(text: str, by: SigningKey, subject: str) -> bool:
    """Return whether a private JWK has an endorsement by this key for this subject.

    Raises `SigningKeyError` when the text is no usable key.
    """
    endorsement = parse_document(text).members.get(MEMBER)
    return isinstance(endorsement, str) and by.verify(endorsement, TYP) == _build_claims(text, subject)


def _build_claims(text: str, subject: str) -> dict[str, Any]:
    return {"jkt": parse_signing_key(text).thumbprint, "sub": subject}
