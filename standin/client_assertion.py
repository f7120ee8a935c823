"""The client assertion (RFC 7523 section 3, HelseID "bruk av client assertion"), one check after the other."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from joserfc.jwk import ECKey, RSAKey

from standin import jose
from standin.clients import Client
from standin.refusals import Refusal, RefusedError
from standin.registered_keys import RegisteredKey, RegisteredKeys
from standin.replay import SeenOnce

TYPE = "client-authentication+jwt"
LONGEST_LIFE_SECONDS = 10
REMEMBERED_AFTER_EXPIRY_SECONDS = 300
_LONGEST_TEXT = 51200
_SHORTEST_JTI = 16


@dataclass(frozen=True)
class AssertionRules:
    """What an assertion is held against."""

    issuer: str
    keys: RegisteredKeys
    seen: SeenOnce
    clock_skew_seconds: float = 0


def refuse_client(detail: str) -> NoReturn:
    """Refuse as HelseID does: 400 and a bare `invalid_client`, whatever the cause."""
    raise RefusedError(Refusal("invalid_client", None, detail))


def check_assertion(text: str, client: Client, rules: AssertionRules, now: float) -> Mapping[str, Any]:
    """Return the claims of a good assertion and use its jti up; refuse every other."""
    if len(text) > _LONGEST_TEXT:
        refuse_client("the assertion is too long")
    try:
        assertion = jose.read(text)
    except jose.MalformedError:
        refuse_client("the assertion is not a well-formed JWS")
    _check_signature(assertion, rules.keys.of(client.client_id), now)
    claims = assertion.claims
    _check_parties(claims, client, rules.issuer)
    _check_times(claims, now, rules.clock_skew_seconds)
    _check_jti(claims, rules)
    return claims


def _check_signature(assertion: jose.ReadJws, registered: Sequence[RegisteredKey], now: float) -> None:
    header = assertion.header
    if header.get("typ") != TYPE:
        refuse_client(f"the assertion's typ is not {TYPE}")
    if "crit" in header:
        refuse_client("the assertion's header has critical members")
    if header.get("alg") not in jose.ALGORITHMS:
        refuse_client("the assertion's alg is not one HelseID accepts")
    candidates = [key for key in registered if "kid" not in header or key.kid == header["kid"]]
    if not candidates:
        refuse_client("the assertion's kid is not registered for this client")
    candidates = [key for key in candidates if key.jwk.get("alg") == header["alg"]]
    if not candidates:
        refuse_client("the assertion's alg is not the registered key's")
    unfit = [reason for key in candidates if (reason := key.unfit(now))]
    if len(unfit) == len(candidates):
        refuse_client(unfit[0])
    keys = _usable(key.jwk for key in candidates if not key.unfit(now))
    if not keys:
        refuse_client("the registered key is weak or cannot be read")
    if not any(jose.verifies(assertion, key) for key in keys):
        refuse_client("the assertion's signature is not by the registered key")


def _usable(candidates: Iterable[Mapping[str, Any]]) -> list[RSAKey | ECKey]:
    keys = []
    for jwk in candidates:
        with contextlib.suppress(jose.WeakKeyError):
            keys.append(jose.public_key(dict(jwk)))
    return keys


def _check_parties(claims: Mapping[str, Any], client: Client, issuer: str) -> None:
    if claims.get("iss") != client.client_id:
        refuse_client("the assertion's iss is not the client_id")
    if claims.get("sub") != client.client_id:
        refuse_client("the assertion's sub is not the client_id")
    audience = claims.get("aud")
    if isinstance(audience, list):
        refuse_client("the assertion's aud is a list")
    if audience != issuer:
        refuse_client("the assertion's aud is not the issuer")


def _check_times(claims: Mapping[str, Any], now: float, skew: float) -> None:
    for name in ("iat", "nbf", "exp"):
        # `type` and not `isinstance`: true is an int in Python and a time in no specification.
        if type(claims.get(name)) is not int:
            refuse_client(f"the assertion's {name} is missing or not an integer")
    issued, begins, ends = claims["iat"], claims["nbf"], claims["exp"]
    if begins > now + skew:
        refuse_client("the assertion's nbf is in the future")
    if ends <= now - skew:
        refuse_client("the assertion has expired")
    if ends - now > LONGEST_LIFE_SECONDS + skew:
        refuse_client("the assertion's exp is more than 10 seconds ahead")
    if ends - issued > LONGEST_LIFE_SECONDS:
        refuse_client("the assertion lives for more than 10 seconds")
    if issued > ends:
        refuse_client("the assertion was issued after it expires")


def _check_jti(claims: Mapping[str, Any], rules: AssertionRules) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        refuse_client("the assertion has no jti")
    if len(jti) < _SHORTEST_JTI:
        refuse_client("the assertion's jti is shorter than 16 characters")
    if not rules.seen.burn(jti, claims["exp"] + REMEMBERED_AFTER_EXPIRY_SECONDS):
        refuse_client("the assertion's jti was used before")
