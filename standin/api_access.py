"""The checks of a call's token and proof, in the order of NHN's Sample API."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from standin import jose
from standin.access_token import TokenRules, find_token_fault
from standin.checks import passed
from standin.messages import Request
from standin.nonces import Nonces
from standin.refusals import Refusal, RefusedError
from standin.replay_cache import ReplayCache

MAX_PROOF_AGE_SECONDS = 6
MAX_PROOF_LEAD_SECONDS = 5
REMEMBERED_SECONDS = 11


@dataclass(frozen=True)
class AccessRules:
    """What a call is checked against; with `nonces` the proof needs one."""

    token: TokenRules
    scope: str
    seen: ReplayCache
    nonces: Nonces | None
    revoked: frozenset[str]


def _refuse(error: str, detail: str, status: int = 401, *, more: str = "", nonce: str | None = None) -> NoReturn:
    challenge = ("WWW-Authenticate", f'DPoP error="{error}"{more}')
    headers = (challenge, ("DPoP-Nonce", nonce)) if nonce else (challenge,)
    raise RefusedError(Refusal(error, None, detail, status, headers))


def check_access(request: Request, rules: AccessRules, now: float) -> Mapping[str, Any]:
    """Return the claims of a valid token with a valid proof; refuse any other call."""
    token = _token(request, rules, now)
    passed("the token is HelseID's, is for this API and has not expired")
    proof = _proof(request)
    passed("the call has one proof, a well-formed JWS")
    _check_binding(token, proof)
    passed("the token is bound to the proof's key, which has signed the proof")
    _check_claims(token, proof, request)
    passed("the proof's ath is the token's hash, and its htm and htu are those of this call")
    issued = proof.claims.get("iat")
    if type(issued) is not int or not int(now) - MAX_PROOF_AGE_SECONDS <= issued <= int(now) + MAX_PROOF_LEAD_SECONDS:
        _refuse("invalid_dpop_proof", "the proof's iat is not an integer near the clock")
    passed("the proof's iat is near the clock")
    _check_nonce(proof.claims, rules.nonces)
    if not rules.seen.add(proof.claims["jti"], now + REMEMBERED_SECONDS):
        _refuse("invalid_dpop_proof", "the proof's jti was used before")
    passed("the proof's nonce is the API's, if it wants one, and its jti is new")
    scopes = token.claims.get("scope")
    if not isinstance(scopes, list) or rules.scope not in scopes:
        _refuse("insufficient_scope", "the token lacks the API's scope", 403, more=f', scope="{rules.scope}"')
    passed(f"the token has the scope {rules.scope}")
    return token.claims


def _token(request: Request, rules: AccessRules, now: float) -> jose.ReadJws:
    values = request.values("Authorization")
    if len(values) != 1:
        _refuse("invalid_token", "the call does not have exactly one Authorization header")
    if not values[0].startswith("DPoP "):
        _refuse("invalid_token", "the Authorization scheme is not DPoP")
    try:
        token = jose.read(values[0].removeprefix("DPoP "))
    except jose.MalformedError:
        _refuse("invalid_token", "the token is not a well-formed JWS")
    fault = find_token_fault(token, rules.token, now)
    if fault:
        _refuse("invalid_token", fault)
    if token.text in rules.revoked:
        _refuse("invalid_token", "the token was revoked")
    return token


def _proof(request: Request) -> jose.ReadJws:
    values = request.values("DPoP")
    if len(values) != 1:
        _refuse("invalid_dpop_proof", "the call does not have exactly one DPoP header")
    try:
        return jose.read(values[0])
    except jose.MalformedError:
        _refuse("invalid_dpop_proof", "the proof is not a well-formed JWS")


def _check_binding(token: jose.ReadJws, proof: jose.ReadJws) -> None:
    header = proof.header
    bound = token.claims.get("cnf")
    if not isinstance(bound, dict) or not bound.get("jkt"):
        _refuse("invalid_token", "the token is not bound to a key")
    jwk = header.get("jwk")
    if not isinstance(jwk, dict) or jose.PRIVATE_MEMBERS & set(jwk):
        _refuse("invalid_dpop_proof", "the proof's jwk is missing or has private members")
    try:
        key = jose.public_key(jwk)
    except jose.WeakKeyError:
        _refuse("invalid_dpop_proof", "the proof's jwk is weak or cannot be read")
    if key.thumbprint() != bound["jkt"]:
        _refuse("invalid_dpop_proof", "the proof's key is not the one the token is bound to")
    if header.get("typ") != "dpop+jwt" or header.get("alg") not in jose.ALGORITHMS or "crit" in header:
        _refuse("invalid_dpop_proof", "the proof's typ or alg is not one the API accepts")
    if not jose.verifies(proof, key):
        _refuse("invalid_dpop_proof", "the proof's signature does not verify with its jwk")


def _check_claims(token: jose.ReadJws, proof: jose.ReadJws, request: Request) -> None:
    claims = proof.claims
    digest = hashlib.sha256(token.text.encode("ascii")).digest()
    if claims.get("ath") != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
        _refuse("invalid_dpop_proof", "the proof's ath is not the token's hash")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        _refuse("invalid_dpop_proof", "the proof has no jti")
    if claims.get("htm") != request.method:
        _refuse("invalid_dpop_proof", "the proof's htm is not the method")
    if claims.get("htu") != request.url:
        _refuse("invalid_dpop_proof", "the proof's htu is not the URL, letter by letter")


def _check_nonce(claims: Mapping[str, Any], nonces: Nonces | None) -> None:
    if nonces is None:
        return
    fault = nonces.refusal(claims["nonce"]) if claims.get("nonce") else "the proof has no nonce"
    if fault:
        _refuse("use_dpop_nonce", fault, nonce=nonces.make())
