"""`--explain`: each exchange on standard error, with the claims of its assertion, token and proofs but no signature."""

from __future__ import annotations

import json
import shutil
import textwrap
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qs

import click

from helseid_fn.cli.standard_output import escape_controls
from helseid_fn.error_codes import Party
from helseid_fn.http.exchange import Exchange
from helseid_fn.http.json_text import parse_json
from helseid_fn.http.messages import Response
from helseid_fn.keys.signing_key import thumbprint
from helseid_fn.redaction import quote

_TIMES = ("iat", "nbf", "exp")
_MAX_SAID_LENGTH = 2000


def explain(exchange: Exchange) -> None:
    """Print an exchange."""
    outcome, headers = exchange.outcome, exchange.message.headers if exchange.message else {}
    status = str(outcome.status) if isinstance(outcome, Response) else f"no response ({outcome.reason})"
    told = f"{exchange.method} {exchange.url}  {status}  {exchange.seconds * 1000:.0f} ms"
    click.echo(f"  → {exchange.party.value:<12} {told}", err=True)
    form = _read_form(exchange)
    for name in ("grant_type", "scope"):
        if name in form:
            _print(name, form[name][0])
    for name, jws in (
        ("assertion", form.get("client_assertion", [""])[0]),
        ("token", headers.get("Authorization", "").removeprefix("DPoP ")),
        ("proof", headers.get("DPoP", "")),
    ):
        if jws:
            _print(name, describe_jwt(jws))
    if isinstance(outcome, Response) and exchange.party is Party.HELSEID and outcome.status >= 400:
        members = outcome.json_members()
        said = " ".join(str(members[each]) for each in ("error", "error_description") if each in members)
        _print("HelseID says", quote(said, _MAX_SAID_LENGTH))


def describe_jwt(jws: str) -> str:
    """Return a JWT's header and claims in words, the times relative to `iat`; the signature is left out."""
    try:
        header, claims = (parse_json(urlsafe_b64decode(f"{part}==")) for part in jws.split(".")[:2])
    except ValueError:
        return "not a JWT, and not shown"
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return "not a JWT, and not shown"
    if isinstance(header.get("jwk"), dict):
        header["jwk"] = f"(thumbprint {thumbprint(header['jwk'])})"
    return ", ".join(f"{name} {_say(name, value, claims)}" for name, value in {**header, **claims}.items())


def _say(name: str, value: Any, claims: dict[str, Any]) -> str:
    issued_at = claims.get("iat")
    if name in _TIMES[1:] and isinstance(value, int) and isinstance(issued_at, int):
        return f"iat{value - issued_at:+d}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _read_form(exchange: Exchange) -> dict[str, list[str]]:
    """Return the form of a token request, else nothing: the body of a call to the API may be about a person."""
    if exchange.party is not Party.HELSEID or exchange.message is None or not isinstance(exchange.message.body, bytes):
        return {}
    return parse_qs(exchange.message.body.decode("ascii", "replace"))


def _print(name: str, value: str) -> None:
    first = f"    {name:<14}"
    width = max(60, min(shutil.get_terminal_size((120, 0)).columns, 120))
    click.echo(textwrap.fill(escape_controls(value), width, initial_indent=first, subsequent_indent=" " * len(first)), err=True)
