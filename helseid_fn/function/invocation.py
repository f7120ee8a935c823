"""From what starts the function to an `Invocation`; pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from helseid_fn.api.request import ApiRequest, parse_api_request
from helseid_fn.errors import BadInvocation
from helseid_fn.oauth.organization import Organization, is_journal_id, is_organization_number
from helseid_fn.settings import Settings

MAX_BODY_BYTES = 1024 * 1024

PUBSUB_EVENT = "google.cloud.pubsub.topic.v1.messagePublished"


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
    return _parse_text(body, settings)


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


def parse_cloud_event(event_type: str, data: object, settings: Settings) -> Invocation:
    """Parse the data of a CloudEvent: a Pub/Sub message, whose own data is base64, or the invocation itself.

    No data is the default call. Raises `BadInvocation`.
    """
    if event_type == PUBSUB_EVENT:
        message = data.get("message") if isinstance(data, dict) else None
        if not isinstance(message, dict):
            raise BadInvocation("body", "The Pub/Sub event holds no message; publish to the topic that triggers the function.")
        data = _decode_base64(_text_of(message, "data"), "The Pub/Sub message's data")
    if isinstance(data, bytes | str):
        return _parse_text(_encode(data) if isinstance(data, str) else data, settings)
    return parse_invocation({} if data is None else data, settings)


def asks_for_rotation(event_type: str, data: object) -> bool:
    """Tell whether a CloudEvent is Secret Manager's notification that a secret is to be rotated.

    Source: https://cloud.google.com/secret-manager/docs/event-notifications
    """
    message = data.get("message") if isinstance(data, dict) and event_type == PUBSUB_EVENT else None
    attributes = message.get("attributes") if isinstance(message, dict) else None
    return isinstance(attributes, dict) and attributes.get("eventType") == "SECRET_ROTATE"


def parse_lambda_event(event: object, settings: Settings) -> Invocation:
    """Parse what AWS Lambda was invoked with: the invocation itself, or an EventBridge event, whose `detail` is it.

    Raises `BadInvocation`.
    """
    if isinstance(event, dict) and "httpMethod" in event:
        came = "The request came in payload format 1.0, as a REST API or a load balancer sends it"
        raise BadInvocation("body", f"{came}; put a Function URL, or an HTTP API with format 2.0, in front of the function.")
    if isinstance(event, dict) and "detail-type" in event:
        return parse_invocation(event.get("detail"), settings)
    return parse_invocation({} if event is None else event, settings)


def parse_lambda_http(event: dict[str, Any], settings: Settings) -> Invocation:
    """Parse an HTTP request as a Function URL or API Gateway's HTTP API hands it to Lambda (payload format 2.0).

    Raises `BadInvocation`.
    """
    body = _text_of(event, "body")
    payload = _decode_base64(body, "The body") if event.get("isBase64Encoded") else _encode(body)
    query = str(event.get("rawQueryString") or "")
    return parse_http(str(event["requestContext"]["http"].get("method")), _encode(query), payload, settings)


def is_lambda_http(event: object) -> bool:
    """Tell whether Lambda was invoked over HTTP (payload format 2.0)."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(context, dict) and isinstance(context.get("http"), dict)


def _encode(text: str) -> bytes:
    """Encode text that need not be valid Unicode: what is not must be refused as no JSON, not end the invocation here."""
    return text.encode("utf-8", "surrogatepass")


def _text_of(members: dict[str, Any], name: str) -> str:
    """Return a member that is text or left out; what is neither becomes text too, which is then refused as what it is not."""
    value = members.get(name)
    return "" if value is None else str(value)


def _decode_base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise BadInvocation("body", f"{name} is not base64, which its sender said it was.") from None


def _parse_text(body: bytes, settings: Settings) -> Invocation:
    if len(body) > MAX_BODY_BYTES:
        raise BadInvocation("body", "The body is larger than 1 MiB, the most that the function takes.")
    return parse_invocation(_parse_body(body) if body.strip() else {}, settings)


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
