"""The events that Lambda passes to a function, in the form in which each AWS service sends them."""

from __future__ import annotations

import base64
import json
from typing import Any

OTHER_CHILD = {"organization": {"parent": "999977774", "child": "999977775"}}
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def http_event(method: str = "POST", body: str | None = None, *, is_base64: bool = False, query: str = "") -> dict[str, Any]:
    """Return an HTTP request as a Function URL and API Gateway's HTTP API pass it: payload format 2.0."""
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": query,
        "headers": {"content-type": "application/json", "host": "abc.lambda-url.eu-north-1.on.aws", "x-amzn-trace-id": TRACE},
        "requestContext": {
            "accountId": "anonymous",
            "domainName": "abc.lambda-url.eu-north-1.on.aws",
            "http": {"method": method, "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
            "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599",
            "stage": "$default",
            "timeEpoch": 1795305600000,
        },
        "isBase64Encoded": is_base64,
    }
    return event if body is None else {**event, "body": body}


def eventbridge(detail: object) -> dict[str, Any]:
    """Return an event as EventBridge passes it."""
    return {
        "version": "0",
        "id": "fe8d3c65-xmpl-c5c3-2c87-81584709a377",
        "detail-type": "HelseID wanted",
        "source": "no.example",
        "account": "123456789012",
        "time": "2026-11-22T03:00:00Z",
        "region": "eu-north-1",
        "resources": [],
        "detail": detail,
    }


EVENTS = {
    "a bare object, as a schedule sends it": {},
    "an invocation": OTHER_CHILD,
    "an EventBridge event": eventbridge(OTHER_CHILD),
    "an EventBridge event without detail": eventbridge({}),
    "a bare GET": http_event("GET"),
    "a POST": http_event("POST", json.dumps(OTHER_CHILD)),
    "a POST in base64": http_event("POST", base64.b64encode(json.dumps(OTHER_CHILD).encode()).decode(), is_base64=True),
}
