"""Messages of Google's Pub/Sub, in every form in which they are pushed; pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from helseid_fn.errors import InvalidInvocation

MESSAGE_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"

_PUSH_MEMBERS = frozenset({"message", "subscription", "deliveryAttempt"})


def is_push(members: object) -> bool:
    """Return whether the members of a body are a push as Pub/Sub wraps it.

    Source: https://cloud.google.com/pubsub/docs/push
    """
    return isinstance(members, dict) and isinstance(members.get("message"), dict) and set(members) <= _PUSH_MEMBERS


def is_push_body(body: bytes) -> bool:
    """Return whether a body is a push as Pub/Sub wraps it."""
    return is_push(_parse(body))


def read_message(members: object) -> bytes:
    """Return the data of the message in a push or an event, which is empty for a message of attributes alone.

    Raises `InvalidInvocation`.
    """
    message = members.get("message") if isinstance(members, dict) else None
    if not isinstance(message, dict):
        detail = "The Pub/Sub event has no message. Publish to the topic that triggers the function."
        raise InvalidInvocation("body", detail)
    data = message.get("data")
    try:
        return base64.b64decode("" if data is None else str(data), validate=True)
    except ValueError:
        raise InvalidInvocation("body", "The Pub/Sub message's data is not base64. Publish it again.") from None


def wrap_push(body: bytes, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Make a CloudEvent of a push: return its data, and its attributes as headers, as functions-framework takes them.

    A push that Pub/Sub did not wrap has the message's data as its body, and perhaps the rest in headers. functions-framework
    itself takes neither this nor a message without data.
    """
    members = _parse(body)
    if not is_push(members):
        message = {"messageId": headers.get("x-goog-pubsub-message-id") or "", "data": base64.b64encode(body).decode()}
        members = {"message": message, "subscription": headers.get("x-goog-pubsub-subscription-name") or ""}
    message_id = _text(members["message"], "messageId") or _text(members["message"], "message_id")
    data = json.dumps({**members, "message": {**members["message"], "messageId": message_id}}).encode()
    attributes = {
        "id": message_id or "unknown",
        "source": "//pubsub.googleapis.com/",
        "type": MESSAGE_PUBLISHED,
        "specversion": "1.0",
    }
    return data, {f"ce-{name}": value for name, value in attributes.items()}


def is_background_event(body: bytes) -> bool:
    """Return whether a body is an event in the form before CloudEvents, which functions-framework converts itself."""
    members = _parse(body)
    return isinstance(members, dict) and "data" in members and bool({"context", "eventType", "eventId"} & set(members))


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) and value.isprintable() and value.isascii() else ""


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else None
    except (ValueError, RecursionError):
        return None
