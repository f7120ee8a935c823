"""An exchange as one line of text: the request, its receiver and the outcome."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from standin.events import redact
from standin.jose import key_name
from standin.key_registration import parse_posted_key
from standin.record import Exchange

_NAMES = {"helseid": "HelseID", "api": "Sample API", "secret_manager": "Secret Manager", "selvbetjening": "Selvbetjening"}
_MAX_LENGTH = 12


def narrate(exchange: Exchange) -> str:
    """Return an exchange as one line, without tokens, signatures and keys."""
    local = dt.datetime.fromtimestamp(exchange.started_at).astimezone()
    moment = local.strftime("%H:%M:%S.") + f"{local.microsecond // 1000:03d}"
    milliseconds = f"{exchange.duration_seconds * 1000:.0f} ms"
    return (
        f"{moment}  function → {_NAMES[exchange.party]:<14}  {redact(_request(exchange))}"
        f"  ⇒  {redact(_outcome(exchange))}  ({milliseconds})"
    )


def _request(exchange: Exchange) -> str:
    if exchange.kind == "token":
        return _token_request(exchange)
    if exchange.kind == "api":
        return f"{exchange.method} {exchange.target}{_proof(exchange.claims)}"
    if exchange.kind == "register":
        return f"registers {_posted(exchange)}{_proof(exchange.claims)}"
    if exchange.party == "secret_manager":
        return f"{exchange.kind} {exchange.target}"
    return f"requests the {exchange.kind}" if exchange.kind != "other" else f"{exchange.method} {exchange.target}"


def _token_request(exchange: Exchange) -> str:
    assertion = exchange.claims.get("assertion", {})
    header = assertion.get("header", {})
    key = f", key {header.get('alg')} {_short(header.get('kid') or 'without kid')}" if header else ", no assertion"
    organization = _organization(assertion)
    return (
        f"requests a token as {_short(exchange.form.get('client_id', 'no client_id'))}"
        f"{f' for {organization}' if organization else ''}{key}{_proof(exchange.claims)}"
    )


def _posted(exchange: Exchange) -> str:
    posted = parse_posted_key(exchange.body)
    if posted is None:
        return "no key"
    private = ", WITH ITS PRIVATE MEMBERS" if posted.private_members else ""
    return f"key {posted.jwk.get('alg')} {_short(str(posted.jwk.get('kid')))} as a JSON {posted.form}{private}"


def _proof(claims: Mapping[str, Any]) -> str:
    proof = claims.get("proof")
    if not proof:
        return ", no proof"
    header = proof["header"]
    jwk = header.get("jwk")
    name = _short(key_name(jwk)) if isinstance(jwk, dict) else "without jwk"
    return f", proof {header.get('alg')} {name} {'with' if proof.get('nonce') else 'without'} nonce"


def _organization(assertion: Mapping[str, Any]) -> str:
    details = assertion.get("assertion_details") or assertion.get("authorization_details") or []
    for element in details if isinstance(details, list) else [details]:
        try:
            return str(element["practitioner_role"]["organization"]["identifier"]["value"]).removeprefix("NO:ORGNR:")
        except (KeyError, TypeError):
            continue
    return ""


def _outcome(exchange: Exchange) -> str:
    if exchange.fault:
        return f"{exchange.status or 'no response'}, as planned by fail-next"
    if exchange.status is None:
        return "no response"
    refusal = exchange.refusal
    if refusal is not None:
        return f"{exchange.status} {refusal.error}: {refusal.detail}"
    response = exchange.response_json
    if exchange.kind == "token" and isinstance(response, dict) and "access_token" in response:
        return f"{exchange.status} a {response.get('token_type')} token for {response.get('expires_in')} s"
    if exchange.kind == "register" and isinstance(response, dict):
        return f"{exchange.status} the key expires at {response.get('expiration')}"
    if isinstance(response, dict) and "parentOrganizationNumber" in response:
        parent, child = response["parentOrganizationNumber"], response["childOrganizationNumber"]
        return f"{exchange.status} greeting for {parent}:{child}" if child else f"{exchange.status} greeting for {parent}"
    return f"{exchange.status}"


def _short(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
