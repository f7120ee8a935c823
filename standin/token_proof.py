"""The checks of a proof at the token endpoint (RFC 9449 section 4.3), in the order and words of Duende IdentityServer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from standin import jose
from standin.checks import passed
from standin.messages import Request
from standin.nonces import Nonces
from standin.refusals import Refusal, RefusedError
from standin.replay_cache import ReplayCache

REMEMBERED_SECONDS = 300
_MAX_LENGTH = 4000
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class ProofRules:
    """What a proof is checked against; without `freshness_seconds` only the nonce limits its age."""

    nonces: Nonces
    seen: ReplayCache
    freshness_seconds: float | None = None


def _refuse(description: str, detail: str, error: str = "invalid_dpop_proof") -> NoReturn:
    raise RefusedError(Refusal(error, description, detail))


def check_proof(request: Request, rules: ProofRules, now: float) -> str:
    """Return the thumbprint of a valid proof's key; refuse any other proof."""
    proof = _read_proof(request)
    passed("the request has one proof, a well-formed JWS")
    key = _check_key(proof.header)
    passed("the proof's typ is dpop+jwt, and its alg and jwk are acceptable")
    if not jose.verifies(proof, key):
        _refuse("Invalid signature on DPoP token.", "the proof's signature does not verify with its jwk")
    passed("the proof's signature verifies with its jwk")
    _check_target(proof.claims, request)
    passed("the proof's htm and htu are those of this request")
    _check_freshness(proof.claims, rules, now)
    passed("the proof's nonce is one of HelseID's")
    if not rules.seen.add(proof.claims["jti"], now + REMEMBERED_SECONDS):
        _refuse("Detected replay of DPoP proof token.", "the proof's jti was used before")
    passed("the proof's jti is new")
    return str(key.thumbprint())


def _read_proof(request: Request) -> jose.ReadJws:
    values = request.values("DPoP")
    if len(values) > 1:
        _refuse("Too many DPoP headers provided.", "the request has more than one DPoP header", "invalid_request")
    if not values or not values[0].strip():
        text = "Client requires DPoP and a DPoP header value was not provided."
        _refuse(text, "the request has no DPoP header", "invalid_request")
    if len(values[0]) > _MAX_LENGTH:
        _refuse("DPoP proof token is too long.", "the proof is too long")
    try:
        return jose.read(values[0])
    except jose.MalformedError:
        _refuse("Malformed DPoP token.", "the proof is not a well-formed JWS")


def _check_key(header: Mapping[str, Any]) -> Any:
    if header.get("typ") != "dpop+jwt":
        _refuse("Invalid 'typ' value.", "the proof's typ is not dpop+jwt")
    if "crit" in header:
        _refuse("Malformed DPoP token.", "the proof's header has critical members")
    if header.get("alg") not in jose.ALGORITHMS:
        _refuse("Invalid 'alg' value.", "the proof's alg is not one HelseID accepts")
    jwk = header.get("jwk")
    if not isinstance(jwk, dict):
        _refuse("Invalid 'jwk' value.", "the proof has no jwk")
    if jose.PRIVATE_MEMBERS & set(jwk):
        _refuse("'jwk' value contains a private key.", "the proof's jwk has private members")
    try:
        return jose.public_key(jwk)
    except jose.WeakKeyError:
        _refuse("Invalid 'jwk' value.", "the proof's jwk is weak or cannot be read")


def _check_target(claims: Mapping[str, Any], request: Request) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        _refuse("Invalid 'jti' value.", "the proof has no jti")
    if claims.get("htm") != request.method:
        _refuse("Invalid 'htm' value.", "the proof's htm is not the method")
    if not same_target(claims.get("htu"), request.url):
        _refuse("Invalid 'htu' value.", "the proof's htu is not the URL")
    if type(claims.get("iat")) is not int:
        _refuse("Missing 'iat' value.", "the proof's iat is missing or not an integer")
    if "ath" in claims:
        _refuse("Invalid 'ath' value.", "the proof has an ath where there is no access token")


def _check_freshness(claims: Mapping[str, Any], rules: ProofRules, now: float) -> None:
    if rules.freshness_seconds is not None and abs(now - claims["iat"]) > rules.freshness_seconds:
        _refuse("Invalid 'iat' value.", "the proof's iat is too far from the clock")
    if not claims.get("nonce"):
        _require_nonce("Missing 'nonce' value.", "the proof has no nonce", rules.nonces)
    fault = rules.nonces.refusal(claims["nonce"])
    if fault:
        _require_nonce("Invalid 'nonce' value.", fault, rules.nonces)


def _require_nonce(description: str, detail: str, nonces: Nonces) -> NoReturn:
    headers = (("DPoP-Nonce", nonces.make()),)
    raise RefusedError(Refusal("use_dpop_nonce", description, detail, headers=headers))


def same_target(htu: object, url: str) -> bool:
    """Compare as Duende does: without query and fragment, the host in any case, default ports filled in."""
    return isinstance(htu, str) and _normal(htu) is not None and _normal(htu) == _normal(url)


def _normal(url: str) -> tuple[str, str, int | None, str] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme.lower())
    except ValueError:
        return None
    return parts.scheme.lower(), (parts.hostname or "").lower(), port, parts.path or "/"
