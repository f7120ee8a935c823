"""Exchanges, keys and versions as JSON objects for other programs, without credentials."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from standin.jose import PRIVATE_MEMBERS, key_name
from standin.key_registration import parse_posted_key
from standin.record import Exchange
from standin.registered_keys import RegisteredKey
from standin.secret import Version

# Possessive, and only from where a word begins: a large document in base64 is one long word.
_JWS = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{16,}")
_REDACTED = "<redact>"
_OMITTED = ("metadata", "jwks")


def redact(value: Any) -> Any:
    """Redact every token, assertion and proof, at any depth."""
    if isinstance(value, str):
        return _JWS.sub(_REDACTED, value)
    if isinstance(value, Mapping):
        return {name: redact(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(inner) for inner in value]
    return value


def event(exchange: Exchange) -> dict[str, Any]:
    """Describe an exchange; the thumbprint stands for a proof's key."""
    refusal = exchange.refusal
    return {
        "number": exchange.number,
        "time": _format_time(exchange.started_at),
        "party": exchange.party,
        "kind": exchange.kind,
        "method": exchange.method,
        "target": redact(exchange.target),
        "form": redact(exchange.form),
        "claims": redact({name: _without_key(claims) for name, claims in exchange.claims.items()}),
        "key": _posted(exchange),
        "status": exchange.status,
        "response": None if exchange.kind in _OMITTED else redact(exchange.response_json),
        "nonce_issued": any(name.lower() == "dpop-nonce" for name, _ in exchange.response_headers),
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


def describe_key(key: RegisteredKey) -> dict[str, Any]:
    """Describe a registered key."""
    return {
        "client_id": key.client_id,
        "kid": key.kid,
        "thumbprint": key.thumbprint,
        "alg": key.jwk.get("alg"),
        "origin": key.origin,
        "active_at": _format_time(key.active_at),
        "expires_at": _format_time(key.expires_at),
        "posted": key.posted,
    }


def describe_version(version: Version) -> dict[str, Any]:
    """Describe a version of a secret: the kid of its key, and whether the key has private members."""
    jwk = version.jwk or {}
    return {
        "name": version.name,
        "state": version.state,
        "created_at": _format_time(version.created_at),
        "kid": jwk.get("kid"),
        "private": bool(PRIVATE_MEMBERS & set(jwk)),
    }


def _format_time(seconds: float | None) -> str | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()


def _posted(exchange: Exchange) -> dict[str, Any] | None:
    """Describe the key that was posted to Selvbetjening, and whether it had private members."""
    posted = parse_posted_key(exchange.body) if exchange.kind == "register" else None
    if posted is None:
        return None
    named = {"kid": posted.jwk.get("kid"), "thumbprint": key_name(posted.jwk), "form": posted.form}
    return {**named, "private": bool(posted.private_members)}
