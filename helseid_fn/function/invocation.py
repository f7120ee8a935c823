"""Parses what starts the function into an `Invocation`; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from helseid_fn.api.request import ApiRequest, parse_api_request
from helseid_fn.errors import InvalidInvocation
from helseid_fn.function.pubsub import MESSAGE_PUBLISHED, is_push, read_message
from helseid_fn.function.started import NOT_STARTED, Started
from helseid_fn.http.json_text import parse_json
from helseid_fn.oauth.organization import Organization, check_organization, is_allowed
from helseid_fn.settings import Settings

ENVELOPE_BYTES = 64 * 1024
"""What an invocation may take beside the body that it sends to the API, which may be in base64."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """Which call to make, for which organization, with which scopes."""

    organization: Organization
    scopes: frozenset[str]
    request: ApiRequest | None
    """None where the caller names no call, and the settings do not allow the default one."""
    input: Any = field(default=None, repr=False)
    deliver: bool | None = None
    """Whether the caller asks for the result to be delivered; None where it says nothing."""
    started: Started = NOT_STARTED


def max_body_bytes(settings: Settings) -> int:
    """Return how large the body of an invocation may be."""
    return (settings.api_max_bytes + 2) // 3 * 4 + ENVELOPE_BYTES


def parse_http(method: str, query: bytes, body: bytes, settings: Settings) -> Invocation:
    """Parse an HTTP request: GET or POST, with no body for the default call or a JSON object.

    Raises `InvalidInvocation`.
    """
    if method not in ("GET", "POST"):
        raise InvalidInvocation("method", "The function takes GET and POST, and no other method.")
    if query:
        raise InvalidInvocation("query", "The function takes no query. Put the members of the invocation into a JSON body.")
    return _parse_text(body, settings)


def parse_invocation(members: Any, settings: Settings) -> Invocation:
    """Parse the members of an invocation; the settings have a default for each.

    Raises `InvalidInvocation`, naming the member.
    """
    members = _object("The invocation", members, ("organization", "scope", "request", "input", "deliver"))
    organization = settings.organization
    if "organization" in members:
        organization = _parse_organization(members["organization"])
        if not is_allowed(organization, settings.allowed_organizations):
            detail = "organization is not one that this function may act for. Add it to HELSEID_ORGANIZATIONS, or name another."
            raise InvalidInvocation("organization", detail)
    request = _object("request", members.get("request", {}), ("method", "path", "query", "headers", "json", "content"))
    names_call = "request" in members or "GET" in settings.api_methods
    limits = (settings.api_url, settings.api_methods, settings.api_caller_headers, settings.api_max_bytes)
    return Invocation(
        organization,
        _parse_scope(members["scope"], settings.scopes) if "scope" in members else settings.scopes,
        parse_api_request(request, *limits, fixed_headers=settings.api_headers) if names_call else None,
        members.get("input"),
        _parse_deliver(members["deliver"], settings) if "deliver" in members else None,
    )


def parse_cloud_event(event_type: str, data: object, settings: Settings) -> Invocation:
    """Parse the data of a CloudEvent: a Pub/Sub message, or the invocation itself.

    Without data it is the default call. Raises `InvalidInvocation`.
    """
    return parse_payload(read_message(data) if event_type == MESSAGE_PUBLISHED else data, settings)


def parse_payload(payload: object, settings: Settings) -> Invocation:
    """Parse an invocation that came as a JSON value, or as text or bytes of JSON; nothing is the default call.

    Raises `InvalidInvocation`.
    """
    if isinstance(payload, str):
        return _parse_text(payload.encode("utf-8", "surrogatepass"), settings)  # refused as not JSON, if it is not Unicode
    if isinstance(payload, bytes):
        return _parse_text(payload, settings)
    return parse_invocation({} if payload is None else payload, settings)


def is_rotation_event(event_type: str, data: object) -> bool:
    """Return whether a CloudEvent is Secret Manager's notification that a secret is due for rotation.

    Source: https://cloud.google.com/secret-manager/docs/event-notifications
    """
    message = data.get("message") if isinstance(data, dict) and event_type == MESSAGE_PUBLISHED else None
    attributes = message.get("attributes") if isinstance(message, dict) else None
    return isinstance(attributes, dict) and attributes.get("eventType") == "SECRET_ROTATE"


def _parse_text(body: bytes, settings: Settings) -> Invocation:
    if len(body) > max_body_bytes(settings):
        limit = max_body_bytes(settings) // 1024 // 1024
        raise InvalidInvocation("body", f"The body is larger than {limit} MiB. Send less, or raise API_MAX_MEGABYTES.")
    members = _parse_body(body) if body.strip() else {}
    return parse_payload(read_message(members), settings) if is_push(members) else parse_invocation(members, settings)


def _parse_body(body: bytes) -> Any:
    try:
        return parse_json(body, object_pairs_hook=_unique_members)
    except ValueError:
        raise InvalidInvocation("body", "The body is not JSON. Send a JSON object, or no body for the default call.") from None


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidInvocation("body", "The body has an object with the same member twice. Remove one.")
    return members


def _object(name: str, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInvocation("member", f"{name} must be a JSON object.")
    unknown = sorted(set(value) - set(known))
    if unknown:
        known_names = f"It may have {', '.join(known)}."
        raise InvalidInvocation(
            "member",
            f"{name} has an unknown member. {known_names}",
            caller_detail=f"{name} has an unknown member {unknown[0]!r:.60}. {known_names}",
        )
    return value


def _parse_organization(value: Any) -> Organization:
    """Parse a complete organization: nothing of the default one is mixed into it, least of all its SFM journal id."""
    members = _object("organization", value, ("parent", "child", "sfm_journal_id"))
    try:
        return check_organization(Organization(**members))
    except ValueError as fault:
        raise InvalidInvocation("organization", str(fault)) from None


def _parse_deliver(value: Any, settings: Settings) -> bool:
    if not isinstance(value, bool):
        raise InvalidInvocation("member", "deliver must be true or false.")
    if value and settings.result_to is None:
        raise InvalidInvocation(
            "member", "deliver is true, but RESULT_TO names no place for results. Set it, or leave deliver out."
        )
    return value


def _parse_scope(value: Any, allowed: frozenset[str]) -> frozenset[str]:
    scopes = frozenset(value.split()) if isinstance(value, str) else frozenset()
    if not scopes or not scopes <= allowed:
        raise InvalidInvocation(
            "scope", f"scope must be one or more of {' '.join(sorted(allowed))}, separated by spaces. HELSEID_SCOPE lists them."
        )
    return scopes
