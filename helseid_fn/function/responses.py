"""Builds the response to the caller: the report of a success, or problem details (RFC 9457); pure."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any, NamedTuple

from helseid_fn.api.json_response import read_json_response
from helseid_fn.api.response import ApiResponse
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse
from helseid_fn.http.gzip_members import MEBIBYTE
from helseid_fn.http.messages import Response
from helseid_fn.oauth.organization import Organization

HttpResponse = tuple[str | bytes, int, dict[str, str]]
"""Body, status and headers."""

MAX_LOGGED_RESULT_LENGTH = 1000
"""A job should return how far it came, not data."""

DEFAULT_RETRY_AFTER_SECONDS = 10


class Outcome(NamedTuple):
    """The response to the caller, and the error behind it when the invocation failed."""

    response: HttpResponse
    error: HelseidFnError | None = None

    def raise_if_retryable(self) -> None:
        """Raise a failure that may pass, so that the platform delivers the event again."""
        if self.error is not None and self.error.retryable:
            raise self.error


class Host(NamedTuple):
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
    body = response[0]
    size = len(body)
    if host.escapes_body and size <= host.max_bytes < 2 * size + ENVELOPE_BYTES:
        escaped = (size + 2) // 3 * 4 if isinstance(body, bytes) else len(json.dumps(body))
        size = escaped + ENVELOPE_BYTES
    if size > host.max_bytes:
        limit = host.max_bytes // MEBIBYTE
        what = f"The API's response of {size / MEBIBYTE:.1f} MiB is more than {host.name} returns ({limit} MiB)."
        detail = f"{what} Ask the API for less."
        raise InvalidResponse(Party.API, "too_large", detail)


def build_report(outcome: object, organization: Organization, ctx: Context, now: float) -> HttpResponse:
    """Build the 200 response to a job that succeeded and returned this; `now` is wall-clock seconds.

    A response of the API is reported in full, unless it was delivered; anything else must be what JSON can be.
    """
    members: dict[str, Any] = {"status": "ok"}
    delivered = ctx.facts.get("delivered")
    if isinstance(outcome, ApiResponse):
        members["api"] = {"status": outcome.status} if delivered else _report_response(outcome, ctx, now)
    elif outcome is not None:
        members["result"] = outcome
    if delivered:
        members["delivered"] = delivered
    if ctx.token_scopes:
        members["token"] = {
            "cached": ctx.requests[Party.HELSEID] == 0,
            "expires_in_seconds": max(0, round(ctx.token_expires_at - now)),
            "scope": " ".join(sorted(ctx.token_scopes)),
        }
    return _build_ok({**members, "organization": organization.numbers()}, ctx)


def check_outcome(outcome: object) -> object:
    """Return what a job returned. Raises `TypeError` or `ValueError` for what is neither a response nor JSON."""
    if not isinstance(outcome, ApiResponse):
        json.dumps(outcome, allow_nan=False)
    return outcome


def describe_outcome(outcome: object, ctx: Context) -> str:
    """Return the message of the log line of a job that succeeded, and note what it returned, if that is short."""
    if isinstance(outcome, ApiResponse):
        return f"The API responded with {outcome.status}."
    text = json.dumps(outcome)
    ctx.note(result=outcome if len(text) <= MAX_LOGGED_RESULT_LENGTH else f"{len(text)} characters of JSON")
    return "The job is done."


def _report_response(response: ApiResponse, ctx: Context, now: float) -> dict[str, Any]:
    received = Response(response.status, response.headers, response.content)
    read = read_json_response(received, sent_secrets=ctx.sent_secrets, now=now)
    headers = {"headers": dict(read.headers)} if read.headers else {}
    content = {"content": base64.b64encode(read.body).decode()} if isinstance(read.body, bytes) else {"body": read.body}
    return {"status": read.status, **content, **headers}


def build_rotation_report(outcome: str, ctx: Context) -> HttpResponse:
    """Build the 200 response to a rotation: `outcome` is what it did."""
    key = {name: fact for name, fact in ctx.facts.items() if name == "kid" or name.startswith("key_expires")}
    return _build_ok({"status": "ok", "rotation": outcome, **key}, ctx)


def list_problem(error: HelseidFnError) -> dict[str, Any]:
    """Return the members of an error's problem details."""
    problem = {
        "type": f"urn:helseid-fn:problem:{error.code}",
        "title": error.title,
        "status": error.http_status,
        "detail": error.caller_detail,
        "code": error.code,
        "party": error.party.value if error.party else None,
        "retryable": error.retryable,
    }
    if error.api_response is not None:
        problem["api"] = error.api_response
    return problem


def build_problem(error: HelseidFnError, invocation_id: str) -> HttpResponse:
    """Build the problem details of an error."""
    problem = {**list_problem(error), "invocation": invocation_id}
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
