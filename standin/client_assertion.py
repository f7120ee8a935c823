"""The checks of a client assertion (RFC 7523 section 3; HelseID, "bruk av client assertion")."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from joserfc.jwk import ECKey, RSAKey

from standin import jose
from standin.checks import passed
from standin.clients import Client
from standin.refusals import Refusal, RefusedError
from standin.registered_keys import RegisteredKey, RegisteredKeys
from standin.replay_cache import ReplayCache

TYPE = "client-authentication+jwt"
MAX_LIFETIME_SECONDS = 10
REMEMBERED_AFTER_EXPIRY_SECONDS = 300
_MAX_LENGTH = 51200
_MIN_JTI_LENGTH = 16


@dataclass(frozen=True)
class AssertionRules:
    """What an assertion is checked against."""

    issuer: str
    keys: RegisteredKeys
    seen: ReplayCache
    clock_skew_seconds: float = 0


def refuse_client(detail: str) -> NoReturn:
    """Refuse as HelseID does: with 400 and `invalid_client` without a description."""
    raise RefusedError(Refusal("invalid_client", None, detail))


def check_assertion(text: str, client: Client, rules: AssertionRules, now: float) -> Mapping[str, Any]:
    """Return the claims of a valid assertion and mark its jti as used; refuse any other."""
    if len(text) > _MAX_LENGTH:
        refuse_client("the assertion is too long")
    try:
        assertion = jose.read(text)
    except jose.MalformedError:
        refuse_client("the assertion is not a well-formed JWS")
    passed("the assertion is a well-formed JWS")
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
    passed(f"the assertion's typ is {TYPE}, and its alg {header['alg']}")
    candidates = [key for key in registered if "kid" not in header or key.kid == header["kid"]]
    if not candidates:
        refuse_client("the assertion's kid is not registered for this client")
    passed("the assertion's kid is registered for this client" if "kid" in header else "the client has a registered key")
    candidates = [key for key in candidates if key.jwk.get("alg") == header["alg"]]
    if not candidates:
        refuse_client("the assertion's alg is not the registered key's")
    passed("the assertion's alg is the registered key's")
    faults = [fault for key in candidates if (fault := key.find_fault(now))]
    if len(faults) == len(candidates):
        refuse_client(faults[0])
    passed("the registered key is active and has not expired")
    keys = _usable(key.jwk for key in candidates if not key.find_fault(now))
    if not keys:
        refuse_client("the registered key is weak or cannot be read")
    if not any(jose.verifies(assertion, key) for key in keys):
        refuse_client("the assertion's signature does not verify with the registered key")
    passed("the assertion's signature verifies with the registered key")


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
    passed("the assertion's iss and sub are the client_id, and its aud is the issuer")


def _check_times(claims: Mapping[str, Any], now: float, skew: float) -> None:
    for name in ("iat", "nbf", "exp"):
        # `type` and not `isinstance`: a bool is an int in Python, but not a NumericDate.
        if type(claims.get(name)) is not int:
            refuse_client(f"the assertion's {name} is missing or not an integer")
    issued, begins, ends = claims["iat"], claims["nbf"], claims["exp"]
    if begins > now + skew:
        refuse_client("the assertion's nbf is in the future")
    if ends <= now - skew:
        refuse_client("the assertion has expired")
    if ends - now > MAX_LIFETIME_SECONDS + skew:
        refuse_client("the assertion's exp is more than 10 seconds ahead")
    if ends - issued > MAX_LIFETIME_SECONDS:
        refuse_client("the assertion lives for more than 10 seconds")
    if issued > ends:
        refuse_client("the assertion was issued after it expires")
    passed(f"the assertion is valid now, and lives for {ends - issued} s")


def _check_jti(claims: Mapping[str, Any], rules: AssertionRules) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        refuse_client("the assertion has no jti")
    if len(jti) < _MIN_JTI_LENGTH:
        refuse_client("the assertion's jti is shorter than 16 characters")
    if not rules.seen.add(jti, claims["exp"] + REMEMBERED_AFTER_EXPIRY_SECONDS):
        refuse_client("the assertion's jti was used before")
    passed("the assertion's jti is new")
