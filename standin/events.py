"""An exchange as a JSON object for other programs, with everything left out that could be used to call something."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from standin.jose import PRIVATE_MEMBERS, key_name
from standin.key_registration import posted_key
from standin.record import Exchange
from standin.registered_keys import RegisteredKey
from standin.secret import Version

_JWS = re.compile(r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}")
_ELIDED = "<elided>"
_LONG = ("metadata", "jwks")


def elided(value: Any) -> Any:
    """Replace every token, assertion and proof, however deep it sits."""
    if isinstance(value, str):
        return _JWS.sub(_ELIDED, value)
    if isinstance(value, Mapping):
        return {name: elided(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [elided(inner) for inner in value]
    return value


def event(exchange: Exchange) -> dict[str, Any]:
    """Describe an exchange; a proof's key is shown by its thumbprint."""
    refusal = exchange.refusal
    return {
        "number": exchange.number,
        "time": _moment(exchange.started_at),
        "party": exchange.party,
        "kind": exchange.kind,
        "method": exchange.method,
        "target": elided(exchange.target),
        "form": elided(exchange.form),
        "claims": elided({name: _without_key(claims) for name, claims in exchange.claims.items()}),
        "key": _posted(exchange),
        "status": exchange.status,
        "answer": None if exchange.kind in _LONG else elided(exchange.answer_json),
        "nonce_given": any(name.lower() == "dpop-nonce" for name, _ in exchange.answer_headers),
        "refusal": refusal and {"error": refusal.error, "description": refusal.description, "detail": refusal.detail},
        "fault": exchange.fault,
        "connection": exchange.connection,
        "duration_ms": round(exchange.duration_seconds * 1000, 1),
    }


def _without_key(claims: Mapping[str, Any]) -> dict[str, Any]:
    header = {name: value for name, value in claims["header"].items() if name != "jwk"}
    jwk = claims["header"].get("jwk")
    if isinstance(jwk, dict):
        header["jwk_thumbprint"] = key_name(jwk)
    return {**claims, "header": header}


def told_key(key: RegisteredKey) -> dict[str, Any]:
    """Describe a key that is registered at HelseID."""
    return {
        "client_id": key.client_id,
        "kid": key.kid,
        "thumbprint": key.thumbprint,
        "alg": key.jwk.get("alg"),
        "origin": key.origin,
        "active_at": _moment(key.active_at),
        "expires_at": _moment(key.expires_at),
        "posted": key.posted,
    }


def told_version(version: Version) -> dict[str, Any]:
    """Describe a version of a secret by the key it holds, and say whether the private half is there."""
    jwk = version.jwk or {}
    return {
        "name": version.name,
        "state": version.state,
        "created_at": _moment(version.created_at),
        "kid": jwk.get("kid"),
        "private": bool(PRIVATE_MEMBERS & set(jwk)),
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()


def _posted(exchange: Exchange) -> dict[str, Any] | None:
    """Name the key that was posted to Selvbetjening, and say whether it brought its private half."""
    posted = posted_key(exchange.body) if exchange.kind == "register" else None
    if posted is None:
        return None
    named = {"kid": posted.jwk.get("kid"), "thumbprint": key_name(posted.jwk), "form": posted.form}
    return {**named, "private": bool(posted.private_members)}
