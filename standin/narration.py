"""An exchange as one line for a person: who asked whom for what, and how it went."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from standin.events import elided
from standin.jose import key_name
from standin.key_registration import posted_key
from standin.record import Exchange

_NAMES = {"helseid": "HelseID", "api": "Sample API", "secret_manager": "Secret Manager", "selvbetjening": "Selvbetjening"}
_SHOWN = 12


def narrate(exchange: Exchange) -> str:
    """Tell an exchange in one line, without any token, signature or key."""
    local = dt.datetime.fromtimestamp(exchange.started_at).astimezone()
    moment = local.strftime("%H:%M:%S.") + f"{local.microsecond // 1000:03d}"
    milliseconds = f"{exchange.duration_seconds * 1000:.0f} ms"
    return (
        f"{moment}  function → {_NAMES[exchange.party]:<14}  {elided(_request(exchange))}"
        f"  ⇒  {elided(_outcome(exchange))}  ({milliseconds})"
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
    return f"asks for its {exchange.kind}" if exchange.kind != "other" else f"{exchange.method} {exchange.target}"


def _token_request(exchange: Exchange) -> str:
    assertion = exchange.claims.get("assertion", {})
    header = assertion.get("header", {})
    key = f", key {header.get('alg')} {_short(header.get('kid') or 'without kid')}" if header else ", no assertion"
    organization = _organization(assertion)
    return (
        f"asks for a token as {_short(exchange.form.get('client_id', 'nobody'))}"
        f"{f' for {organization}' if organization else ''}{key}{_proof(exchange.claims)}"
    )


def _posted(exchange: Exchange) -> str:
    posted = posted_key(exchange.body)
    if posted is None:
        return "no key"
    private = ", WITH ITS PRIVATE HALF" if posted.private_members else ""
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
        return f"{exchange.status or 'no answer'}, as the stand-in was told: {exchange.fault}"
    if exchange.status is None:
        return "no answer"
    refusal = exchange.refusal
    if refusal is not None:
        return f"{exchange.status} {refusal.error}: {refusal.detail}"
    answer = exchange.answer_json
    if exchange.kind == "token" and isinstance(answer, dict) and "access_token" in answer:
        return f"{exchange.status} a {answer.get('token_type')} token for {answer.get('expires_in')} s"
    if exchange.kind == "register" and isinstance(answer, dict):
        return f"{exchange.status} the key expires at {answer.get('expiration')}"
    if isinstance(answer, dict) and "parentOrganizationNumber" in answer:
        return f"{exchange.status} greeted as {answer['parentOrganizationNumber']}:{answer['childOrganizationNumber'] or ''}"
    return f"{exchange.status}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
