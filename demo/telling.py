"""How the walk-through tells what happened: each request with the claims that matter, then the answer; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from demo.rotation import Rotation, Step

PARTIES = {
    "secret_manager": "Secret Manager",
    "secrets_manager": "AWS Secrets",
    "helseid": "HelseID",
    "api": "Sample API",
    "selvbetjening": "Selvbetjening",
}
WIDTH = 110


def tell_exchange(event: Mapping[str, Any]) -> list[str]:
    """Tell one request to a party and its answer."""
    lines = [_tell_request(event)]
    claims = event["claims"]
    if "assertion" in claims:
        lines.append(_tell("assertion", _assertion(claims["assertion"])))
        organization = _organization(claims["assertion"])
        if organization:
            lines.append(_tell("", {"assertion_details": organization}))
    if "token" in claims:
        lines.append(_tell("token", _token(claims["token"])))
    if "proof" in claims:
        lines.append(_tell("proof", _proof(claims["proof"])))
    if event["refusal"]:
        lines.append(_tell(*_refusal(event["refusal"])))
    if event["kind"] == "token" and event["status"] == 200:
        answer = event["answer"]
        lines.append(_tell("granted", f"a {answer['token_type']} token for {answer['expires_in']} s: {answer['scope']}"))
    return lines


def tell_step(step: Step) -> list[str]:
    """Tell one step of a rotation: what was asked of whom, without the claims, and what came of it."""
    cause = [f"  AWS Secrets → function    {step.cause}"] if step.cause else []
    return [*cause, *(_tell_request(event) for event in step.events), _tell(step.name, step.text)]


def tell_rotation(rotation: Rotation, statuses: Sequence[int]) -> list[str]:
    """Tell how the rotating function logged its rotation, and what came of the calls that were made meanwhile."""
    line = rotation.log_line
    days = round(line["key_expires_in_days"])
    return [
        _tell("key", f"kid {_short(line['kid'])}, which expires in {days} days (key_expires_in_days in every log line)"),
        _tell("meanwhile", f"{len(statuses)} calls, {statuses.count(200)} of them answered 200"),
        _tell("log", f"{line['severity']}: {line['message']}"),
    ]


def tell_answer(status: int, answer: Mapping[str, Any], log_line: Mapping[str, Any]) -> list[str]:
    """Tell what the caller of the function got, and how the function logged it."""
    waited_ms = sum(log_line["durations_ms"].values())
    lines = [f"  the function answers {status} in {log_line['duration_ms']} ms, of which it waited {waited_ms} ms for others"]
    if status == 200:
        body, token = answer["api"]["body"], answer["token"]
        how = "held" if token["held"] else "new"
        lines.append(_tell("greeting", body["greeting"]))
        numbers = {name.removesuffix("OrganizationNumber"): body[name] for name in body if name != "greeting" and body[name]}
        lines.append(_tell("organization", numbers))
        lines.append(_tell("token", f"{how}, {token['expires_in_seconds']} s left; requests: {_plain(answer['requests'])}"))
    else:
        code = f"{answer['code']}; party: {answer['party']}, retryable: {str(answer['retryable']).lower()}"
        lines += [_tell("code", code), _tell("detail", answer["detail"])]
    message = "the same sentence" if log_line["message"] == answer.get("detail") else log_line["message"]
    lines.append(_tell("log", f"{log_line['severity']}: {message}"))
    return lines


def _tell_request(event: Mapping[str, Any]) -> str:
    # By gRPC every method is a POST.
    method = event["kind"] if event["party"] == "secret_manager" else event["method"]
    request = f"{method} {event['target']}"
    return f"  function → {PARTIES[event['party']]:<14} {request:<66} {event['status']!s:>4} {event['duration_ms']:>6.1f} ms"


def _refusal(refusal: Mapping[str, Any]) -> tuple[str, str]:
    if refusal["error"] == "use_dpop_nonce":
        return "asked back", "use_dpop_nonce: once more, with this nonce"
    return "refused", f"{refusal['error']} ({refusal['description']})"


def _assertion(claims: Mapping[str, Any]) -> dict[str, Any]:
    header = claims["header"]
    return {
        "alg": header["alg"],
        "kid": _short(header.get("kid", "none")),
        "aud": claims["aud"],
        "nbf": f"iat-{claims['iat'] - claims['nbf']}",
        "exp": f"iat+{claims['exp'] - claims['iat']}",
        "jti": _short(claims["jti"]),
    }


def _proof(claims: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"key": _short(claims["header"]["jwk_thumbprint"]), "jti": _short(claims["jti"])}
    shown |= {"htm": claims["htm"], "htu": claims["htu"]}
    return shown | {name: _short(claims[name]) for name in ("nonce", "ath") if name in claims}


def _token(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {"aud": claims["aud"], "bound to key": _short(claims["cnf"]["jkt"])}


def _organization(claims: Mapping[str, Any]) -> str:
    details = claims.get("assertion_details", [])
    for detail in details if isinstance(details, list) else [details]:
        if detail["type"] == "helseid_authorization":
            return str(detail["practitioner_role"]["organization"]["identifier"]["value"])
    return ""


def _tell(name: str, value: object) -> str:
    indent = " " * 20
    text = _plain(value) if isinstance(value, Mapping) else str(value)
    return textwrap.fill(
        text,
        width=WIDTH,
        initial_indent=f"    {name:<16}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(members: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in members.items())


def _short(text: str) -> str:
    return f"{text[:6]}…"
