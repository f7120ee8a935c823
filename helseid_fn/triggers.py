"""From what starts the function to an `Invocation`; pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Protocol

from helseid_fn.api_request import ApiRequest, parse_api_request
from helseid_fn.errors import BadInvocation
from helseid_fn.organization import Organization, is_journal_id, is_organization_number
from helseid_fn.settings import Settings

MAX_BODY_BYTES = 1024 * 1024

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})-[0-9a-f]{2}.*")
_CLOUD_TRACE = re.compile(r"(?P<trace>[0-9a-fA-F]{32})(/(?P<span>[0-9]{1,20}))?(;.*)?")
_LOGGED_HEADERS = {
    "X-CloudScheduler-JobName": "scheduler_job",
    "X-CloudScheduler-ScheduleTime": "scheduler_time",
    "Function-Execution-Id": "execution_id",
}


class Headers(Protocol):
    """What is needed of a framework's headers: a look-up by name without regard to case."""

    def get(self, name: str, /) -> str | None:
        """Return the header's value, or None."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What is to be done: for whom, with which scopes, which call."""

    organization: Organization
    scopes: frozenset[str]
    request: ApiRequest


def parse_http(method: str, query: bytes, body: bytes, settings: Settings) -> Invocation:
    """Parse an HTTP request: GET or POST, with no body for the default call or a JSON object.

    Raises `BadInvocation`.
    """
    if method not in ("GET", "POST"):
        raise BadInvocation("method", f"The function takes GET and POST, not {method:.20}.")
    if query:
        raise BadInvocation("query", "The function takes no query; put what you ask for into a JSON body.")
    if len(body) > MAX_BODY_BYTES:
        raise BadInvocation("body", "The body is larger than 1 MiB, the most that the function takes.")
    return parse_invocation(_parse_body(body) if body.strip() else {}, settings)


def parse_invocation(members: Any, settings: Settings) -> Invocation:
    """Parse the members of an invocation, each of which has a default in the settings.

    Raises `BadInvocation`, naming the member.
    """
    members = _object("The invocation", members, ("organization", "scope", "request"))
    organization = settings.organization
    if "organization" in members:
        organization = _parse_organization(members["organization"])
    request = _object("request", members.get("request", {}), ("method", "path", "query", "headers", "json"))
    return Invocation(
        organization,
        _parse_scope(members["scope"], settings.scopes) if "scope" in members else settings.scopes,
        parse_api_request(request, settings.api_url, settings.api_methods),
    )


def read_log_fields(headers: Headers, google_project: str | None) -> dict[str, str]:
    """Return what the log line tells of the request that started the invocation: scheduler, execution, trace.

    The trace stands under the names that Cloud Logging knows. Headers are information, never proof: whoever may call the
    function can set them.
    """
    told = {field: headers.get(name) or "" for name, field in _LOGGED_HEADERS.items()}
    fields = {field: value[:200] for field, value in told.items() if value and value.isprintable()}
    traceparent = _TRACEPARENT.fullmatch(headers.get("traceparent") or "")
    cloud_trace = _CLOUD_TRACE.fullmatch(headers.get("X-Cloud-Trace-Context") or "")
    if traceparent:
        trace, span = traceparent["trace"], traceparent["span"]
    elif cloud_trace:
        trace, span = cloud_trace["trace"].lower(), f"{int(cloud_trace['span'] or 0) % 2**64:016x}"
    else:
        return fields
    fields["logging.googleapis.com/trace"] = f"projects/{google_project}/traces/{trace}" if google_project else trace
    fields["logging.googleapis.com/spanId"] = span
    return fields


def _parse_body(body: bytes) -> Any:
    try:
        return json.loads(body, object_pairs_hook=_unique_members, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadInvocation("body", "The body is not JSON; send a JSON object, or no body for the default call.") from None


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise BadInvocation("body", "The body has an object that names a member twice; keep the one that is meant.")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(name: str, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInvocation("member", f"{name} must be a JSON object.")
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise BadInvocation("member", f"{name} has an unknown member {unknown[0]!r:.60}; it may have {', '.join(known)}.")
    return value


def _parse_organization(value: Any) -> Organization:
    """Parse a whole organization: nothing of the default one is mixed into it, its SFM journal id least of all."""
    members = _object("organization", value, ("parent", "child", "sfm_journal_id"))
    for name in ("parent", "child"):
        number = members.get(name)
        if number is not None and not (isinstance(number, str) and is_organization_number(number)):
            raise BadInvocation("organization", f"organization.{name} must be a string of nine digits.")
    journal_id = members.get("sfm_journal_id")
    if journal_id is not None and not (isinstance(journal_id, str) and is_journal_id(journal_id)):
        raise BadInvocation("organization", "organization.sfm_journal_id must be a UUID.")
    return Organization(members.get("parent"), members.get("child"), journal_id)


def _parse_scope(value: Any, allowed: frozenset[str]) -> frozenset[str]:
    scopes = frozenset(value.split()) if isinstance(value, str) else frozenset()
    if not scopes or not scopes <= allowed:
        raise BadInvocation(
            "scope", f"scope must be one or more of {' '.join(sorted(allowed))}, separated by spaces (HELSEID_SCOPE)."
        )
    return scopes
