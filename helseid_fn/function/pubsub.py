"""Messages of Google's Pub/Sub, in every form in which they are pushed; pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from helseid_fn.errors import InvalidInvocation
from helseid_fn.function.trace import Headers

MESSAGE_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"

_ID_HEADER = "x-goog-pubsub-message-id"
_PUSH_MEMBERS = frozenset({"message", "subscription", "deliveryAttempt"})


def is_push(members: object) -> TypeGuard[dict[str, Any]]:
    """Return whether the members of a body are a push as Pub/Sub wraps it.

    Source: https://cloud.google.com/pubsub/docs/push
    """
    return isinstance(members, dict) and isinstance(members.get("message"), dict) and set(members) <= _PUSH_MEMBERS


def read_push_id(body: bytes, headers: Headers) -> str | None:
    """Return the id of the message that an HTTP request pushes, empty if it has none; None when the request is no push.

    A push that is not wrapped is one by its headers, which Pub/Sub writes if its subscription says so.
    """
    value = headers.get(_ID_HEADER)
    if value is not None:  # then the body is a publisher's, whatever it looks like
        return value if value.isprintable() else ""
    members = _parse(body) if b'"message"' in body else None
    return _message_id(members) if is_push(members) else None


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


def wrap_push(body: bytes, headers: Headers) -> tuple[bytes, dict[str, str]]:
    """Make a CloudEvent of a push: return its data, and its attributes as headers, as functions-framework takes them.

    A push that Pub/Sub did not wrap has the message's data as its body, and perhaps the rest in headers. functions-framework
    itself takes neither this nor a message without data.
    """
    members = _parse(body)
    if headers.get(_ID_HEADER) is not None or not is_push(members):
        message = {"messageId": headers.get(_ID_HEADER) or "", "data": base64.b64encode(body).decode()}
        members = {"message": message, "subscription": headers.get("x-goog-pubsub-subscription-name") or ""}
    message_id = _message_id(members)
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


def _message_id(members: Mapping[str, Any]) -> str:
    return _text(members["message"], "messageId") or _text(members["message"], "message_id")


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) and value.isprintable() and value.isascii() else ""


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else None
    except (ValueError, RecursionError):
        return None
