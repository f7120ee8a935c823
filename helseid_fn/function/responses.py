"""What the caller is told: the report of a success, or problem details (RFC 9457); pure."""

from __future__ import annotations

import json
from typing import Any

from helseid_fn.api.job import Report
from helseid_fn.context import Journal
from helseid_fn.errors import HelseidFnError, Party
from helseid_fn.oauth.organization import Organization

HttpAnswer = tuple[str, int, dict[str, str]]
"""Body, status and headers."""

DEFAULT_RETRY_AFTER_SECONDS = 10


def build_report(report: Report, organization: Organization, journal: Journal, now: float, invocation_id: str) -> HttpAnswer:
    """Build the answer 200 to an invocation that succeeded; `now` is wall-clock seconds."""
    body = {
        "status": "ok",
        "api": {"status": report.api_status, "body": report.api_body},
        "token": {
            "held": journal.requests[Party.HELSEID] == 0,
            "expires_in_seconds": max(0, round(report.token.expires_at - now)),
            "scope": " ".join(sorted(report.token.scopes)),
        },
        "organization": organization.numbers(),
        "requests": journal.request_counts(),
        "duration_ms": journal.duration_ms(),
        "invocation": invocation_id,
    }
    return json.dumps(body), 200, {"Content-Type": "application/json", "Cache-Control": "no-store"}


def build_rotation_report(outcome: str, journal: Journal, invocation_id: str) -> HttpAnswer:
    """Build the answer 200 to a rotation that has done what was to be done: `outcome` is what that was."""
    body: dict[str, Any] = {
        "status": "ok",
        "rotation": outcome,
        **{name: fact for name, fact in journal.facts.items() if name in ("kid", "key_expires", "key_expires_in_days")},
        "requests": journal.request_counts(),
        "duration_ms": journal.duration_ms(),
        "invocation": invocation_id,
    }
    return json.dumps(body), 200, {"Content-Type": "application/json", "Cache-Control": "no-store"}


def build_problem(error: HelseidFnError, invocation_id: str) -> HttpAnswer:
    """Build the problem details of an error."""
    problem = {
        "type": f"urn:helseid-fn:problem:{error.code}",
        "title": error.title,
        "status": error.http_status,
        "detail": error.detail,
        "code": error.code,
        "party": error.party.value if error.party else None,
        "retryable": error.retryable,
        "invocation": invocation_id,
    }
    if error.api_answer is not None:
        problem["api"] = error.api_answer
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if error.http_status == 503:
        headers["Retry-After"] = str(error.retry_after_seconds or DEFAULT_RETRY_AFTER_SECONDS)
    return json.dumps(problem), error.http_status, headers


def read_as_object(answer: HttpAnswer) -> Any:
    """Return the body's members, for a host that writes them down itself, in UTF-8.

    Half of a surrogate pair, which JSON can escape but UTF-8 cannot hold, becomes a `?`: Lambda's own client would end over it.
    """
    return json.loads(json.dumps(json.loads(answer[0]), ensure_ascii=False).encode("utf-8", "replace"))
