"""What Lambda is invoked with other than over HTTP: an invocation, or the envelopes of AWS's services around it; pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from helseid_fn.errors import InvalidInvocation

_ENVELOPE_MEMBERS = frozenset({"Records", "requestContext", "detail-type", "source", "awslogs", "eventSource", "Sns", "Type"})
"""Members that AWS's services write and no invocation has."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One invocation as it was delivered: its JSON value or text, its id in the batch, and fields for the log."""

    payload: object = field(repr=False)
    item_id: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    is_known: bool = True

    def read_payload(self) -> object:
        """Return the payload. Raises `InvalidInvocation` for the record of a service that is not known."""
        if not self.is_known:
            raise _unknown("records of a service that it does not know")
        return self.payload


def is_batch(event: object) -> bool:
    """Return whether an event is a batch: of SQS, SNS or another service's records, or of a Pipe."""
    return isinstance(event, list) or (isinstance(event, dict) and "Records" in event)


def read_deliveries(event: object) -> list[Delivery]:
    """Return the deliveries of a batch."""
    records = event.get("Records") if isinstance(event, dict) else event
    if not isinstance(records, list):
        return [Delivery(None, is_known=False)]
    return [Delivery(each) if isinstance(event, list) and not _is_record(each) else _read_record(each) for each in records]


def read_payload(event: object) -> object:
    """Return the invocation in an event that is not a batch: the event itself, or the `detail` of EventBridge's.

    EventBridge Scheduler writes its `detail` as text. Raises `InvalidInvocation` for the envelope of another service.
    """
    if isinstance(event, dict) and "detail-type" in event:
        return event.get("detail")
    if isinstance(event, dict) and _ENVELOPE_MEMBERS & set(event):
        raise _unknown("an event of a service that it does not know")
    return event


def _is_record(item: object) -> bool:
    return isinstance(item, dict) and ("eventSource" in item or "EventSource" in item)


def _read_record(record: object) -> Delivery:
    members = record if isinstance(record, dict) else {}
    source = members.get("eventSource") or members.get("EventSource")
    if source == "aws:sqs":
        text, item_id = members.get("body"), str(members.get("messageId") or "")
        facts = _facts(item_id, members.get("eventSourceARN")) | _read_tries(members.get("attributes"))
        return Delivery(_unwrap_notification(text), item_id, facts)
    if source == "aws:sns":
        notification = members.get("Sns")
        notification = notification if isinstance(notification, dict) else {}
        facts = _facts(str(notification.get("MessageId") or ""), notification.get("TopicArn"))
        return Delivery(notification.get("Message"), facts=facts)
    return Delivery(None, is_known=False)


def _unwrap_notification(text: object) -> object:
    """Return the message in what SNS writes into a queue, unless its delivery is raw."""
    try:
        members = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return text
    if isinstance(members, dict) and members.get("Type") == "Notification" and "TopicArn" in members:
        return members.get("Message")
    return text


def _facts(message_id: str, source: object) -> dict[str, str]:
    facts = {"message_id": message_id, "event_source": source if isinstance(source, str) else ""}
    return {name: value[:200] for name, value in facts.items() if value and value.isprintable()}


def _read_tries(attributes: object) -> dict[str, str]:
    tries = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else None
    return {"tries": tries[:20]} if isinstance(tries, str) and tries.isdigit() else {}


def _unknown(what: str) -> InvalidInvocation:
    detail = f"The function was invoked with {what}. See docs/triggers.md for the events that it takes."
    return InvalidInvocation("event", detail)
