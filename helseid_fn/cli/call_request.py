"""The options of `helseid-fn call` as an invocation; a terminal may name any organization, method and header."""

from __future__ import annotations

import base64
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from helseid_fn.function.invocation import Invocation, parse_invocation
from helseid_fn.http.caller_headers import parse_header_patterns
from helseid_fn.http.json_text import parse_json
from helseid_fn.oauth.organization import ANY
from helseid_fn.setting_parsers import API_METHODS, parse_scopes
from helseid_fn.settings import Settings


def parse_call(
    settings: Settings,
    *,
    parent: str | None,
    child: str | None,
    sfm_journal_id: str | None,
    scope: str | None,
    method: str | None,
    path: str | None,
    queries: tuple[str, ...],
    headers: tuple[str, ...],
    body: str | None,
    content: str | None,
    job_input: str | None,
) -> Invocation:
    """Parse the options as an invocation is parsed, without the limits that the settings put on callers.

    Raises `InvalidInvocation`, and `click.UsageError` for what is wrong with the form of an option.
    """
    named = _parse_pairs("--header", headers, ":")
    given_headers = {name: value[0] if len(value) == 1 else ", ".join(value) for name, value in named.items()}
    default_method = "GET" if body is None and content is None else "POST"
    request: dict[str, Any] = {"method": default_method if method is None else method.upper()}
    request |= {} if path is None else {"path": path}
    request |= {"query": _parse_pairs("--query", queries, "=")} if queries else {}
    request |= {"headers": given_headers} if headers else {}
    request |= {} if body is None else {"json": _parse_json("--json", body)}
    request |= {} if content is None else {"content": base64.b64encode(_read_file("--content", content)).decode()}
    organization = {"parent": parent, "child": child, "sfm_journal_id": sfm_journal_id}
    members: dict[str, Any] = {"request": request}
    members |= {} if job_input is None else {"input": _parse_json("--input", job_input)}
    if any(value is not None for value in organization.values()):  # an empty one must not mean the configured one
        members["organization"] = organization
    unlimited = replace(
        settings,
        allowed_organizations=frozenset({ANY}),
        api_methods=API_METHODS,
        api_caller_headers=_parse_header_names(given_headers),
        scopes=settings.scopes if scope is None else _parse_scopes(scope),
    )
    return parse_invocation(members, unlimited)


def _parse_pairs(option: str, texts: tuple[str, ...], separator: str) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for text in texts:
        name, found, value = text.partition(separator)
        if not found or not name.strip():
            raise click.UsageError(f"{option} must be NAME{separator}VALUE.")
        pairs.setdefault(name.strip(), []).append(value.strip() if separator == ":" else value)
    return pairs


def _parse_header_names(headers: dict[str, str]) -> tuple[str, ...]:
    try:
        return parse_header_patterns(" ".join(headers)) if headers else ()
    except ValueError as fault:
        raise click.UsageError(f"--header {fault}.") from None


def _parse_scopes(text: str) -> frozenset[str]:
    try:
        return parse_scopes(text)
    except ValueError as fault:
        raise click.UsageError(f"--scope {fault}.") from None


def _parse_json(option: str, text: str) -> Any:
    """Parse JSON, or that of a file; in UTF-8, or UTF-16 as PowerShell writes it, whatever the locale says."""
    try:
        octets = _read(text.removeprefix("@")) if text.startswith("@") else text.encode()
        return parse_json(octets)
    except ValueError:
        raise click.UsageError(f"{option} is not JSON. Give JSON, @FILE, or @- for standard input.") from None


def _read_file(option: str, text: str) -> bytes:
    if not text.startswith("@"):
        raise click.UsageError(f"{option} must be @FILE, or @- for standard input.")
    return _read(text.removeprefix("@"))


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{name} cannot be read ({error.strerror}).") from None
