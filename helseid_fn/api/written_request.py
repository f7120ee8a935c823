"""What a program sends to the API: any method, and any header that is not ours; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from helseid_fn.api.file_body import FileBody
from helseid_fn.api.request import ApiRequest
from helseid_fn.api.url import encode_path, encode_query, join_url, names_fixed_parameter
from helseid_fn.errors import InvalidInvocation
from helseid_fn.http.caller_headers import OWN_HEADERS, is_header_name, is_header_value
from helseid_fn.http.json_text import dump_json
from helseid_fn.setting_parsers import API_METHODS


def build_api_request(
    method: str,
    base_url: str,
    path: str,
    max_body_bytes: int,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    content: bytes | BinaryIO | None = None,
) -> ApiRequest:
    """Build a request; `path` is unencoded and below the base. Raises `InvalidInvocation`, which names what is wrong."""
    if method not in API_METHODS:
        raise _invalid(f"The method must be one of {', '.join(sorted(API_METHODS))}, in capitals.")
    headers = _check_headers(headers or {})
    body = _build_body(json, content)
    if body is not None:
        if method in ("GET", "HEAD"):
            raise _invalid(f"A {method} has no body. Leave json and content out, or use another method.")
        if len(body) > max_body_bytes:
            limit = max_body_bytes // 1024 // 1024
            raise _invalid(f"The body is larger than {limit} MiB. Raise API_MAX_MEGABYTES, or max_megabytes of the Client.")
    if json is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return ApiRequest(method, _build_url(base_url, path, params or {}), headers, body)


def _build_url(base_url: str, path: str, params: Mapping[str, Any]) -> str:
    try:
        encoded_path = encode_path(path) if path else None
    except ValueError as fault:
        raise _invalid(f"The path {fault}") from None
    try:
        query = encode_query(params)
    except ValueError as fault:
        raise _invalid(f"params {fault}") from None
    if names_fixed_parameter(base_url, params):
        raise _invalid("params names a parameter that the API's URL has already. Leave it out.")
    return join_url(base_url, encoded_path, query)


def _check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not is_header_name(name) or name.lower() in OWN_HEADERS:
            raise _invalid(f"headers must not set {name!r:.60}. It is no header's name, or one that only the library sets.")
        if not is_header_value(value):
            raise _invalid(f"The value of the header {name:.60} must be a string of visible ASCII characters.")
    return dict(headers)


def _build_body(json: Any, content: bytes | BinaryIO | None) -> bytes | FileBody | None:
    if json is not None and content is not None:
        raise _invalid("A request has either json or content as its body, and not both. Leave one out.")
    if json is not None:
        try:
            return dump_json(json)
        except ValueError as fault:
            raise _invalid(f"json {fault}") from None
    if content is None or isinstance(content, bytes):
        return content
    file = FileBody(content)
    return file if len(file) else b""


def _invalid(detail: str) -> InvalidInvocation:
    return InvalidInvocation("request", detail)
