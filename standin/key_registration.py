"""The checks of a public key that is posted to Selvbetjening."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, NoReturn

from standin import jose
from standin.messages import Request
from standin.refusals import Refusal, RefusedError

BodyForm = Literal["object", "string", "both"]
"""NHN's libraries post the JWK as a JSON object, its older samples as a JSON string that contains one."""

_EC_ALGORITHMS = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",)}
_RSA_ALGORITHMS = tuple(alg for alg in jose.ALGORITHMS if not alg.startswith("ES"))


@dataclass(frozen=True)
class PostedKey:
    """The key in a request body, not checked."""

    form: Literal["object", "string"]
    jwk: dict[str, Any]

    @property
    def private_members(self) -> list[str]:
        """The members that must never leave the client."""
        return sorted(jose.PRIVATE_MEMBERS & set(self.jwk))


def problem(error: str, description: str, detail: str, status: int = HTTPStatus.BAD_REQUEST) -> NoReturn:
    """Refuse with a problem document (RFC 7807)."""
    raise RefusedError(Refusal(error, description, detail, status))


def parse_posted_key(body: bytes) -> PostedKey | None:
    """Return the key in a body of either form, or None if there is none."""
    try:
        members = json.loads(body)
        if isinstance(members, str):
            inner = json.loads(members)
            return PostedKey("string", inner) if isinstance(inner, dict) else None
    except ValueError:
        return None
    return PostedKey("object", members) if isinstance(members, dict) else None


def check_registration(request: Request, form: BodyForm) -> dict[str, Any]:
    """Return the public JWK in a valid request; refuse any other."""
    content_type = (request.header("Content-Type") or "").split(";")[0].strip().lower()
    if content_type != "application/json":
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        problem("unsupported_media_type", "The body must be application/json.", "the body is not application/json", status)
    posted = parse_posted_key(request.body)
    if posted is None:
        problem("invalid_json", "The body could not be read as a JWK.", "the body contains no JSON object")
    # This check comes first, so that no other refusal hides it.
    if posted.private_members:
        detail = f"the posted key has private members: {', '.join(posted.private_members)}"
        problem("private_key", "The JWK contains a private key. Register the public key only.", detail)
    if form not in ("both", posted.form):
        problem("unsupported_form", "The JSON value could not be converted.", f"the key came as a JSON {posted.form}")
    _check_key(posted.jwk)
    return posted.jwk


def _check_key(jwk: dict[str, Any]) -> None:
    missing = [name for name in ("kty", "kid", "alg", "use") if not isinstance(jwk.get(name), str) or not jwk[name]]
    if missing:
        problem("invalid_key", "The JWK is incomplete.", f"the posted key has no {missing[0]}")
    if jwk["use"] != "sig":
        problem("invalid_key", "The JWK is not for signatures.", "the posted key's use is not sig")
    try:
        jose.public_key(jwk)
    except jose.WeakKeyError:
        problem("invalid_key", "The JWK is not accepted.", "the posted key is weak or cannot be read")
    allowed = _RSA_ALGORITHMS if jwk["kty"] == "RSA" else _EC_ALGORITHMS[jwk["crv"]]
    if jwk["alg"] not in allowed:
        problem("invalid_key", "The JWK's alg is not accepted.", "the posted key's alg does not match its type")
