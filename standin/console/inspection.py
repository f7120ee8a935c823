"""Takes a pasted assertion, proof or token apart and says what HelseID or an API would object to."""

from collections.abc import Callable, Mapping
from typing import Any

from standin import jose
from standin.access_token import TokenRules, find_token_fault
from standin.checks import recording
from standin.client_assertion import MAX_LIFETIME_SECONDS, TYPE, AssertionRules, check_assertion
from standin.events import redact
from standin.helseid import HelseId
from standin.refusals import RefusedError
from standin.replay_cache import ReplayCache

MAX_LENGTH = 60_000
_KINDS = {TYPE: "client assertion", "dpop+jwt": "proof", "at+jwt": "access token", "JWT": "access token"}


def inspect(text: str, helseid: HelseId, now: float) -> dict[str, Any]:
    """Return the kind, the header, the claims, and the checks with their outcome; the signature is not returned."""
    try:
        read = jose.read(text.strip())
    except jose.MalformedError:
        return {
            "kind": None,
            "checks": [_check("it is a JWT: three parts in base64url, a JSON header and JSON claims", ok=False)],
        }
    kind = _KINDS.get(str(read.header.get("typ")))
    checks: Mapping[str | None, Callable[[], list[dict[str, Any]]]] = {
        "client assertion": lambda: _check_assertion(read, helseid, now),
        "proof": lambda: _check_proof(read, now),
        "access token": lambda: _check_token(read, helseid, now),
    }
    unknown = [_check(f"its typ is one of {', '.join(_KINDS)}", ok=False)]
    found = checks[kind]() if kind in checks else unknown
    return {"kind": kind, "header": _without_private(read.header), "claims": redact(read.claims), "now": now, "checks": found}


def _check(text: str, *, ok: bool) -> dict[str, Any]:
    return {"ok": ok, "text": text}


def _check_assertion(read: jose.ReadJws, helseid: HelseId, now: float) -> list[dict[str, Any]]:
    """Make HelseID's own checks; a pasted assertion is no use of its jti, and does not count as one."""
    client_id = str(read.claims.get("iss"))
    client = helseid.clients.get(client_id)
    if client is None:
        return [_check(f"its iss, {client_id}, is a registered client", ok=False)]
    rules = AssertionRules(helseid.issuer, helseid.keys, ReplayCache(lambda: now), helseid.settings.clock_skew_seconds)
    with recording() as passed:
        try:
            check_assertion(read.text, client, rules, now)
            fault = None
        except RefusedError as error:
            fault = error.refusal.detail
    found = [_check(text, ok=True) for text in passed] + ([_check(fault, ok=False)] if fault else [])
    lifetime = _difference(read.claims, "exp", "iat")
    if lifetime is not None and not any("lives for" in each["text"] for each in found):
        found.append(
            _check(f"it lives for {lifetime} s, of at most {MAX_LIFETIME_SECONDS}", ok=lifetime <= MAX_LIFETIME_SECONDS)
        )
    return found


def _check_proof(read: jose.ReadJws, now: float) -> list[dict[str, Any]]:
    header, claims = read.header, read.claims
    jwk = header.get("jwk")
    is_public = isinstance(jwk, dict) and not jose.PRIVATE_MEMBERS & set(jwk)
    age = now - claims["iat"] if type(claims.get("iat")) is int else None
    return [
        _check(f"its alg is one of {', '.join(jose.ALGORITHMS)}", ok=header.get("alg") in jose.ALGORITHMS),
        _check("its jwk is a public key", ok=is_public),
        _check("its signature verifies with that key", ok=is_public and _verifies(read)),
        _check("it has an htm, the method", ok=isinstance(claims.get("htm"), str)),
        _check("its htu is a URL without query and fragment", ok=_is_plain_url(claims.get("htu"))),
        _check("it has a jti", ok=bool(claims.get("jti"))),
        _check(
            "its iat is less than 6 s from now" if age is None else f"its iat is {age:.0f} s old, of at most 6",
            ok=age is not None and abs(age) < 6,
        ),
        _check(
            "it has an ath, the token's hash: so it is for an API"
            if "ath" in claims
            else "it has no ath: so it is for HelseID",
            ok=True,
        ),
        _check("it has a nonce", ok="nonce" in claims)
        if "ath" not in claims
        else _check("it may have a nonce, if the API wants one", ok=True),
    ]


def _check_token(read: jose.ReadJws, helseid: HelseId, now: float) -> list[dict[str, Any]]:
    audience = read.claims.get("aud")
    fault = find_token_fault(read, TokenRules(helseid.issuer, str(audience)), now)
    bound = isinstance(read.claims.get("cnf"), dict) and "jkt" in read.claims["cnf"]
    return [
        _check(fault or "it is this HelseID's, and has not expired", ok=fault is None),
        _check("it is for one API", ok=isinstance(audience, str)),
        _check("it is bound to a key (cnf.jkt)", ok=bound),
    ]


def _verifies(read: jose.ReadJws) -> bool:
    try:
        return jose.verifies(read, jose.public_key(read.header["jwk"]))
    except jose.WeakKeyError:
        return False


def _is_plain_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://")) and not {"?", "#"} & set(value)


def _difference(claims: Mapping[str, Any], later: str, earlier: str) -> int | None:
    if type(claims.get(later)) is not int or type(claims.get(earlier)) is not int:
        return None
    return int(claims[later]) - int(claims[earlier])


def _without_private(header: Mapping[str, Any]) -> dict[str, Any]:
    jwk = header.get("jwk")
    if not isinstance(jwk, dict):
        return dict(header)
    shown = {name: value for name, value in jwk.items() if name not in jose.PRIVATE_MEMBERS}
    return {**header, "jwk": shown}
