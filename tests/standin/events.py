"""An exchange as a JSON object for other programs, with everything left out that could be used to call something."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from tests.standin.jose import key_name
from tests.standin.key_registration import posted_key
from tests.standin.record import Exchange

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
        "time": dt.datetime.fromtimestamp(exchange.started_at, dt.UTC).isoformat(),
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


def _posted(exchange: Exchange) -> dict[str, Any] | None:
    """Name the key that was posted to Selvbetjening, and say whether it brought its private half."""
    posted = posted_key(exchange.body) if exchange.kind == "register" else None
    if posted is None:
        return None
    named = {"kid": posted.jwk.get("kid"), "thumbprint": key_name(posted.jwk), "form": posted.form}
    return {**named, "private": bool(posted.private_members)}
