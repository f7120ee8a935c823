"""Results as messages on a queue of SQS.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from helseid_fn.aws_sdk.client import AwsClient, Operation
from helseid_fn.aws_sdk.session import Service
from helseid_fn.context import Context
from helseid_fn.delivery.address import Queue
from helseid_fn.delivery.aws.errors import DELIVER_INTO_BUCKET, explain
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.delivery.spool import collect
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused

MAX_MESSAGE_BYTES = 1024 * 1024
"""The limit of a body with its attributes. A queue's own `MaximumMessageSize` may be less: 256 KiB before August 2025."""

GROUP = "helseid-fn"
"""The one group of a FIFO queue: results stay in the order in which they were delivered."""

_SQS = Service("sqs", Party.DELIVERY, misfit="other")

_NOT_TAKEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class AwsQueue:
    """Sends each result as one message. A repetition sends another; a FIFO queue takes a run's own once in five minutes."""

    def __init__(self, address: Queue, *, sleep: Callable[[float], None], random: Callable[[], float]) -> None:
        self._address = address
        self._client = AwsClient(_SQS, address.region, sleep=sleep, random=random)

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Send the message. Raises `Refused` for a result that is too large for one before it is sent.

        Raises `Unavailable`, `InvalidResponse` or `DeadlineExceeded` too, and what reading the body raises.
        """
        body = collect(result, ctx, MAX_MESSAGE_BYTES, _too_large())
        digest = hashlib.sha256(body).hexdigest()
        message = _write(result, body, digest)
        if message.size_bytes > MAX_MESSAGE_BYTES:
            raise _too_large()

        def members(endpoint_url: str) -> Mapping[str, Any]:
            return {
                "QueueUrl": f"{endpoint_url.rstrip('/')}/{self._address.account}/{self._address.name}",
                "MessageBody": message.text,
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
                },
                **(_in_order(result, digest) if self._address.is_fifo else {}),
            }

        def read(response: dict[str, Any]) -> str | None:
            message_id, md5 = response.get("MessageId"), response.get("MD5OfMessageBody")
            if md5 and md5 != hashlib.md5(message.text.encode(), usedforsecurity=False).hexdigest():
                detail = f"{self._address} received another message than was sent. Try again."
                raise InvalidResponse(Party.DELIVERY, "checksum", detail)
            return message_id if md5 else None

        message_id = self._client.request(Operation("SendMessage", members, read, self._explain), ctx)
        return Receipt(f"{self._address}#{message_id}", len(body), digest)

    def _explain(self, code: str, status: int, message: str) -> HelseidFnError:
        return explain(code, status, message, self._address, "SendMessage")


@dataclass(frozen=True, slots=True)
class _Message:
    text: str
    attributes: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        """What counts towards the limit: the body, and the name, type and value of each attribute."""
        attributes = (f"{name}String{value}" for name, value in self.attributes.items())
        return sum(len(part.encode()) for part in (self.text, *attributes))


def _write(result: Result, body: bytes, digest: str) -> _Message:
    """Return the body as text if SQS takes it as it is, else in base64; an empty one, which SQS does not take, as a blank."""
    attributes = {**result.attributes, "name": result.name, "content_type": result.content_type, "sha256": digest}
    given = {name: value for name, value in attributes.items() if value}
    if not body:
        return _Message(" ", {**given, "encoding": "empty"})
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if _NOT_TAKEN.search(text):
        return _Message(base64.b64encode(body).decode(), {**given, "encoding": "base64"})
    return _Message(text, given)


def _in_order(result: Result, digest: str) -> dict[str, str]:
    """Return what makes a repetition of a result the same message, but not a later run's result that happens to be equal."""
    return {
        "MessageGroupId": GROUP,
        "MessageDeduplicationId": hashlib.sha256(f"{result.name}\n{digest}\n{result.run}".encode()).hexdigest(),
    }


def _too_large() -> Refused:
    limit = MAX_MESSAGE_BYTES // 1024 // 1024
    detail = f"The result is larger than the {limit} MiB that a message on SQS takes. {DELIVER_INTO_BUCKET}"
    return Refused(Party.DELIVERY, "too_large", detail)
