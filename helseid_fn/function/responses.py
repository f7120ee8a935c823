"""Builds the response to the caller: the report of a success, or problem details (RFC 9457); pure."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from helseid_fn.api.client import ApiResult
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse
from helseid_fn.http.gzip_members import MEBIBYTE
from helseid_fn.oauth.organization import Organization

HttpResponse = tuple[str, int, dict[str, str]]
"""Body, status and headers."""

DEFAULT_RETRY_AFTER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Host:
    """What the host of the function can return to its caller."""

    name: str
    max_bytes: int
    escapes_body: bool = False
    """Whether the body is a string within the host's own JSON."""


ENVELOPE_BYTES = 1024
"""More than the status and the headers take that the host's own JSON has beside the body."""

UNLIMITED = Host("this machine", sys.maxsize)


def check_size(response: HttpResponse, host: Host) -> None:
    """Raise `InvalidResponse` when the API's response makes one that is larger than the host can return."""
    size = len(response[0])
    if host.escapes_body and size <= host.max_bytes < 2 * size + ENVELOPE_BYTES:
        size = len(json.dumps(response[0])) + ENVELOPE_BYTES
    if size > host.max_bytes:
        limit = host.max_bytes // MEBIBYTE
        what = f"The API's response of {size / MEBIBYTE:.1f} MiB is more than {host.name} returns ({limit} MiB)."
        detail = f"{what} Ask the API for less."
        raise InvalidResponse(Party.API, "too_large", detail)


def build_report(result: ApiResult, organization: Organization, ctx: Context, now: float) -> HttpResponse:
    """Build the 200 response to an invocation that succeeded; `now` is wall-clock seconds."""
    headers = {"headers": dict(result.response.headers)} if result.response.headers else {}
    return _build_ok(
        {
            "status": "ok",
            "api": {"status": result.response.status, "body": result.response.body, **headers},
            "token": {
                "cached": ctx.requests[Party.HELSEID] == 0,
                "expires_in_seconds": max(0, round(result.token.expires_at - now)),
                "scope": " ".join(sorted(result.token.scopes)),
            },
            "organization": organization.numbers(),
        },
        ctx,
    )


def build_rotation_report(outcome: str, ctx: Context) -> HttpResponse:
    """Build the 200 response to a rotation: `outcome` is what it did."""
    key = {name: fact for name, fact in ctx.facts.items() if name in ("kid", "key_expires", "key_expires_in_days")}
    return _build_ok({"status": "ok", "rotation": outcome, **key}, ctx)


def build_problem(error: HelseidFnError, invocation_id: str) -> HttpResponse:
    """Build the problem details of an error."""
    problem = {
        "type": f"urn:helseid-fn:problem:{error.code}",
        "title": error.title,
        "status": error.http_status,
        "detail": error.caller_detail,
        "code": error.code,
        "party": error.party.value if error.party else None,
        "retryable": error.retryable,
        "invocation": invocation_id,
    }
    if error.api_response is not None:
        problem["api"] = error.api_response
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if error.http_status == 503:
        headers["Retry-After"] = str(error.retry_after_seconds or DEFAULT_RETRY_AFTER_SECONDS)
    return json.dumps(problem), error.http_status, headers


def read_as_object(response: HttpResponse) -> Any:
    """Return the members of the body, for a host that serializes them itself, in UTF-8.

    Half of a surrogate pair, which JSON can escape but UTF-8 cannot encode, becomes a `?`: Lambda's own client would crash.
    """
    return json.loads(json.dumps(json.loads(response[0]), ensure_ascii=False).encode("utf-8", "replace"))


def _build_ok(members: dict[str, Any], ctx: Context) -> HttpResponse:
    body = {
        **members,
        "requests": ctx.request_counts(),
        "duration_ms": ctx.duration_ms(),
        "invocation": ctx.invocation_id,
    }
    return json.dumps(body), 200, {"Content-Type": "application/json", "Cache-Control": "no-store"}
