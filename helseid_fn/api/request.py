"""What an invocation sends to the API, confined to what the settings allow; pure."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from helseid_fn.api.file_body import FileBody
from helseid_fn.api.url import encode_path, encode_query, join_url, names_fixed_parameter
from helseid_fn.errors import InvalidInvocation
from helseid_fn.http.caller_headers import is_header_name, is_header_value, matches_header
from helseid_fn.http.json_text import dump_json

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""RFC 9110 section 9.2.2."""

MAX_HEADERS = 100
MAX_HEADERS_LENGTH = 32 * 1024
"""What servers take at most; more would only cost memory."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One complete request: the URL is below the base, the method and the headers are allowed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | FileBody | None = field(default=None, repr=False)

    @property
    def is_conditional(self) -> bool:
        """Whether the API may respond that nothing has changed, 304 (RFC 9110 section 13.1)."""
        return any(name.lower() in ("if-none-match", "if-modified-since") for name in self.headers)

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice has the effect of sending it once."""
        return self.method in IDEMPOTENT_METHODS


def parse_api_request(
    members: Mapping[str, Any],
    base_url: str,
    methods: frozenset[str],
    caller_headers: tuple[str, ...],
    max_body_bytes: int,
    *,
    fixed_headers: Collection[str] = (),
) -> ApiRequest:
    """Parse the members of an invocation's `request`: method, path, query, headers, and json or content; none is required.

    `caller_headers` are the names, or prefixes that end in `*`, of API_CALLER_HEADERS, and `fixed_headers` the names, in lower
    case, that API_HEADERS sets. Raises `InvalidInvocation`, which names the member.
    """
    method = members.get("method", "GET")
    if "method" not in members and "GET" not in methods:
        raise _invalid("request.method is missing, and API_METHODS has no GET, which is the default. Name one of its methods.")
    if not isinstance(method, str) or method not in methods:
        raise _invalid(f"request.method must be one of {', '.join(sorted(methods))}. API_METHODS allows no other.")
    headers = _parse_headers(members.get("headers", {}), caller_headers, fixed_headers)
    body = _parse_body(members, method)
    if body is not None:
        if len(body) > max_body_bytes:
            raise _invalid(f"request's body is larger than {max_body_bytes // 1024 // 1024} MiB. Raise API_MAX_MEGABYTES.")
        if not any(name.lower() == "content-type" for name in headers):
            if "content" in members:
                raise _invalid("request.content is of no known type. Name its content-type in request.headers.")
            headers["Content-Type"] = "application/json"
    return ApiRequest(method, _build_url(base_url, members.get("path"), members.get("query", {})), headers, body)


def _invalid(detail: str, caller_detail: str = "") -> InvalidInvocation:
    return InvalidInvocation("request", detail, caller_detail=caller_detail)


def _parse_body(members: Mapping[str, Any], method: str) -> bytes | None:
    name = next((name for name in ("json", "content") if name in members), None)
    if name is None:
        return None
    if "json" in members and "content" in members:
        raise _invalid("request has either json or content as its body, and not both. Leave one out.")
    if method in ("GET", "HEAD"):
        raise _invalid(f"A {method} has no body. Leave request.{name} out, or use another method.")
    value = members[name]
    try:
        return dump_json(value) if name == "json" else _decode(value)
    except ValueError as fault:
        raise _invalid(f"request.{name} {fault}") from None


def _decode(value: object) -> bytes:
    wrong = ValueError("must be text in base64 (RFC 4648 section 4), without ends of lines.")
    if not isinstance(value, str):
        raise wrong
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise wrong from None


def _build_url(base_url: str, path: object, query: object) -> str:
    try:
        encoded_path = None if path is None else encode_path(path)
    except ValueError as fault:
        raise _invalid(f"request.path {fault}") from None
    if isinstance(query, dict) and names_fixed_parameter(base_url, query):
        raise _invalid("request.query names a parameter that API_URL fixes. Leave it out.")
    try:
        return join_url(base_url, encoded_path, encode_query(query))
    except ValueError as fault:
        raise _invalid(f"request.query {fault}") from None


def _parse_headers(headers: object, caller_headers: tuple[str, ...], fixed_headers: Collection[str]) -> dict[str, str]:
    if not isinstance(headers, dict):
        raise _invalid("request.headers must be an object of strings.")
    if len(headers) > MAX_HEADERS or sum(len(name) + len(str(value)) for name, value in headers.items()) > MAX_HEADERS_LENGTH:
        raise _invalid(f"request.headers has over {MAX_HEADERS} headers or {MAX_HEADERS_LENGTH // 1024} KiB. Send less.")
    for name, value in headers.items():
        if not is_header_name(name) or not matches_header(name, caller_headers, fixed_headers):
            is_fixed = name.lower() in fixed_headers
            remedy = "API_HEADERS fixes it." if is_fixed else "API_CALLER_HEADERS lists the headers that it may set."
            raise _invalid(
                f"request.headers has one that it must not set. {remedy}",
                f"request.headers must not set {name!r:.60}. {remedy}",
            )
        if not is_header_value(value):
            rule = "must be a string of visible ASCII characters."
            raise _invalid(f"A value in request.headers {rule}", f"request.headers.{name:.60} {rule}")
    if len({name.lower() for name in headers}) < len(headers):
        raise _invalid("request.headers names a header twice. Join the values.")
    return dict(headers)
