"""Google Pub/Sub over real gRPC, with the message types of Google's client library: publishing alone.

As strict as https://docs.cloud.google.com/pubsub/quotas#resource_limits and the comments in Google's published protos.
"""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from typing import Any, Self

import grpc
from google.pubsub_v1 import types

from standin import secret_faults
from standin.http_server import HOST, bind
from standin.script import Script
from standin.secret_faults import Fail, Silence

_NAME = "google.pubsub.v1.Publisher"
_MAX_REQUEST_BYTES = 10_000_000
_MAX_MESSAGES = 1000
_MAX_ATTRIBUTES = 100
_MAX_KEY_BYTES = 256
_MAX_VALUE_BYTES = 1024


@dataclass(frozen=True)
class Message:
    """A message that was published."""

    topic: str
    id: str
    data: bytes = field(repr=False)
    attributes: dict[str, str]


class _Refused(Exception):
    def __init__(self, code: str, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class PubSub:
    """The server, with the topics that it has, the messages that it took, and the calls that arrived."""

    def __init__(self, *topics: str, port: int = 0) -> None:
        """Set up the server with topics of these full names; it listens after `start`."""
        self._port = port
        self._topics = set(topics)
        self._server: Any = None
        self._script: Script[Fail | Silence] = Script()
        self._ended = threading.Event()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self.messages: list[Message] = []
        self.calls = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Host and port, as PUBSUB_EMULATOR_HOST has them."""
        return f"{HOST}:{self._port}"

    def start(self) -> None:
        """Listen; a restarted server takes the same port again."""
        if self._server is not None:
            return
        bind(self._port).close()  # gRPC itself would log a failure to bind, and hide its cause
        self._ended = threading.Event()
        limits = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 2 * _MAX_REQUEST_BYTES))
        server = grpc.server(ThreadPoolExecutor(max_workers=64), options=limits)
        publish = grpc.unary_unary_rpc_method_handler(
            self._publish,
            request_deserializer=types.PublishRequest.deserialize,
            response_serializer=types.PublishResponse.serialize,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_NAME, {"Publish": publish}),))
        self._port = server.add_insecure_port(self.address)
        server.start()
        self._server = server

    def stop(self) -> None:
        """Stop listening and end every call."""
        server, self._server = self._server, None
        if server is not None:
            self._ended.set()
            server.stop(grace=0).wait()

    def fail_next(self, fault: Fail | Silence, *, times: int = 1) -> None:
        """Fail the next calls."""
        self._script.plan("publish", fault, times=times, after=0)

    def fail_always(self, fault: Fail | Silence) -> None:
        """Fail every call."""
        self._script.plan("publish", fault, times=inf, after=0)

    def _publish(self, request: Any, context: Any) -> Any:
        with self._lock:
            self.calls += 1
        try:
            return self._serve(request, self._script.take("publish"))
        except _Refused as refused:
            context.abort(grpc.StatusCode[refused.code], refused.details)

    def _serve(self, request: Any, fault: Fail | Silence | None) -> Any:
        response = self._take(request) if fault is None or fault.handled else None
        match fault:
            case secret_faults.Fail(code, details):
                raise _Refused(code, details)
            case secret_faults.Silence():
                self._ended.wait()
                raise _Refused("UNAVAILABLE", "the server stopped")
        return response

    def _take(self, request: Any) -> Any:
        if request.topic not in self._topics:
            raise _Refused("NOT_FOUND", f"Resource not found (resource={request.topic.rpartition('/')[2]}).")
        _check(request)
        with self._lock:
            taken = [
                Message(request.topic, str(next(self._ids)), bytes(each.data), dict(each.attributes))
                for each in request.messages
            ]
            self.messages += taken
        return types.PublishResponse(message_ids=[message.id for message in taken])


def _check(request: Any) -> None:
    """Refuse a request that Pub/Sub would refuse."""
    size_bytes = types.PublishRequest.pb(request).ByteSize()
    if size_bytes > _MAX_REQUEST_BYTES:
        raise _Refused("INVALID_ARGUMENT", f"Request payload size exceeds the limit: {_MAX_REQUEST_BYTES} bytes.")
    if not 1 <= len(request.messages) <= _MAX_MESSAGES:
        raise _Refused("INVALID_ARGUMENT", f"The request must have 1 to {_MAX_MESSAGES} messages.")
    for message in request.messages:
        if not message.data and not message.attributes:
            raise _Refused("INVALID_ARGUMENT", "Some messages have neither data nor attributes.")
        if len(message.attributes) > _MAX_ATTRIBUTES:
            raise _Refused("INVALID_ARGUMENT", f"A message has more than {_MAX_ATTRIBUTES} attributes.")
        for key, value in message.attributes.items():
            if not 1 <= len(key.encode()) <= _MAX_KEY_BYTES or key.startswith("goog"):
                raise _Refused("INVALID_ARGUMENT", f"A key is empty, longer than {_MAX_KEY_BYTES} bytes, or Google's own.")
            if len(value.encode()) > _MAX_VALUE_BYTES:
                raise _Refused("INVALID_ARGUMENT", f"A value is longer than {_MAX_VALUE_BYTES} bytes.")
