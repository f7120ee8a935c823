"""HTTP requests as AWS passes them to Lambda, in each of its forms, and the responses that each of them takes; pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from helseid_fn.errors import InvalidInvocation
from helseid_fn.function.responses import HttpResponse


@dataclass(frozen=True, slots=True)
class LambdaHttp:
    """One HTTP request; header names are in lower case, `path` has no stage, and `route` is the path that is configured."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str = field(repr=False)
    is_base64: bool
    route: str = ""
    is_load_balancer: bool = False
    many_values: bool = False
    """Whether the response's headers must be lists, as a load balancer's target group can be set to."""

    def read_body(self) -> bytes:
        """Return the body's bytes. Raises `InvalidInvocation`."""
        if not self.is_base64:
            return self.body.encode("utf-8", "surrogatepass")  # refused later as not JSON, if it is not Unicode
        try:
            return base64.b64decode(self.body, validate=True)
        except ValueError:
            detail = "The body is not base64, although its sender says so. Encode it."
            raise InvalidInvocation("body", detail) from None

    def build_response(self, response: HttpResponse) -> dict[str, Any]:
        """Build what Lambda must return for this form of request."""
        body, status, headers = response
        is_base64 = isinstance(body, bytes)
        text = base64.b64encode(body).decode() if isinstance(body, bytes) else body
        built: dict[str, Any] = {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": is_base64}
        if self.many_values:
            built["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
        return built


def read_http_request(event: object) -> LambdaHttp | None:
    """Return the HTTP request in an event, or None if it has none.

    The forms: a Function URL and an HTTP API (payload 2.0); a REST API, an HTTP API with payload 1.0 and a load balancer; VPC
    Lattice, whose events have a version of their own. Source: the pages on each in AWS's Lambda developer guide.
    """
    if not isinstance(event, dict):
        return None
    context = event.get("requestContext")
    context = context if isinstance(context, dict) else {}
    if isinstance(context.get("http"), dict):
        return _read_version_2(event, context)
    if isinstance(event.get("httpMethod"), str):
        return _read_version_1(event)
    if isinstance(event.get("method"), str) and ("raw_path" in event or "serviceNetworkArn" in context):
        return _read_lattice(event)
    return None


def _read_version_2(event: dict[str, Any], context: dict[str, Any]) -> LambdaHttp:
    stage, path = str(context.get("stage") or "$default"), str(event.get("rawPath") or "/")
    if stage != "$default" and (path == f"/{stage}" or path.startswith(f"/{stage}/")):
        path = path.removeprefix(f"/{stage}")
    _, _, route = str(event.get("routeKey") or "").partition(" ")
    return LambdaHttp(
        str(context["http"].get("method")),
        path,
        str(event.get("rawQueryString") or ""),
        _join(event.get("headers")),
        _text(event, "body"),
        is_base64=bool(event.get("isBase64Encoded")),
        route=route,
    )


def _read_version_1(event: dict[str, Any]) -> LambdaHttp:
    many = event.get("multiValueHeaders")
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    is_load_balancer = "elb" in (event.get("requestContext") or {})
    return LambdaHttp(
        event["httpMethod"],
        str(event.get("path") or "/"),
        _encode(query),
        _join(event.get("headers") or many),
        _text(event, "body"),
        is_base64=bool(event.get("isBase64Encoded")),
        route=str(event.get("resource") or ""),
        is_load_balancer=is_load_balancer,
        many_values=is_load_balancer and isinstance(many, dict),
    )


def _read_lattice(event: dict[str, Any]) -> LambdaHttp:
    query = event.get("queryStringParameters") or event.get("query_string_parameters") or {}
    path, _, raw_query = str(event.get("path") or event.get("raw_path") or "/").partition("?")
    return LambdaHttp(
        event["method"],
        path,
        raw_query or _encode(query),
        _join(event.get("headers")),
        _text(event, "body"),
        is_base64=bool(event.get("isBase64Encoded") or event.get("is_base64_encoded")),
    )


def _encode(query: object) -> str:
    """Encode a query's parameters; half of a surrogate pair, which JSON can escape, is refused with the query."""
    return urlencode(query, doseq=True, errors="surrogatepass") if isinstance(query, dict) else ""


def _join(headers: object) -> dict[str, str]:
    """Return headers by their names in lower case, with several values joined."""
    if not isinstance(headers, dict):
        return {}
    return {
        str(name).lower(): ",".join(map(str, each)) if isinstance(each, list) else str(each) for name, each in headers.items()
    }


def _text(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    return "" if value is None else str(value)
