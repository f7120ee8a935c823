"""Results as messages on a topic of Pub/Sub."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherClient, PublishRequest, PubsubMessage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from helseid_fn.context import Context
from helseid_fn.delivery.address import Topic
from helseid_fn.delivery.google.errors import explain_pubsub
from helseid_fn.delivery.google.sdk import GoogleSdk, find_emulator
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.delivery.spool import collect
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused

MAX_REQUEST_BYTES = 10_000_000
"""The limit of a message with its attributes: https://docs.cloud.google.com/pubsub/quotas#resource_limits."""

# At DEBUG the client logs what it sends.
logging.getLogger(PublisherGrpcTransport.__module__).setLevel(logging.WARNING)

# Channels share connections by default, and a new one would take over the wait of the one that failed.
_OWN_CONNECTIONS = ("grpc.use_local_subchannel_pool", 1)
_PARTY = Party.DELIVERY


class GoogleTopic:
    """Publishes each result as one message, which has the body as it came, and the name among its attributes."""

    def __init__(
        self,
        address: Topic,
        *,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take the environment for PUBSUB_EMULATOR_HOST alone."""
        self._address = address

        def make() -> PublisherClient:
            return _make_client(find_emulator(environ, "PUBSUB_EMULATOR_HOST"))

        self._publisher = GoogleSdk(make, (GoogleAPICallError,), self._explain, sleep=sleep, random=random)

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Publish the message; one that is repeated because its response was lost comes twice, with the same attributes.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`, and what reading the body raises.
        """
        body = collect(result, ctx, MAX_REQUEST_BYTES, _too_large())
        sha256 = hashlib.sha256(body).hexdigest()
        own = {"name": result.name, "content_type": result.content_type, "sha256": sha256}
        message = PubsubMessage(data=body, attributes={**result.attributes, **own})
        request = PublishRequest(topic=self._address.name, messages=[message])
        if PublishRequest.pb(request).ByteSize() > MAX_REQUEST_BYTES:
            raise _too_large()

        def publish(client: PublisherClient, timeout_seconds: float) -> str:
            response: Any = client.publish(request=request, timeout=timeout_seconds, retry=None)
            if not response or len(response.message_ids) != 1:
                detail = "Pub/Sub's response has no message id. Check for a proxy or gateway in between."
                raise InvalidResponse(_PARTY, "http", detail)
            return str(response.message_ids[0])

        message_id = self._publisher.request(publish, ctx)
        return Receipt(f"{self._address}#{message_id}", len(body), sha256)

    def _explain(self, error: Exception, _: float) -> HelseidFnError:
        status = getattr(getattr(error, "grpc_status_code", None), "name", "UNAVAILABLE")
        return explain_pubsub(status, self._address, words=str(error), reason=str(getattr(error, "reason", None) or ""))


def _too_large() -> Refused:
    detail = "The result is larger than the 10 MB that Pub/Sub takes with its attributes. Deliver into a bucket (RESULT_TO)."
    return Refused(_PARTY, "too_large", detail)


def _make_client(emulator_url: str | None) -> PublisherClient:
    """Return a client on a transport of our own, since the client's takes any host that the environment names."""
    if emulator_url is not None:
        channel = grpc.insecure_channel(urlsplit(emulator_url).netloc, options=[_OWN_CONNECTIONS])
        return PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    return PublisherClient(transport=PublisherGrpcTransport(channel=_open_channel, always_use_jwt_access=True))


def _open_channel(host: str, *, options: Sequence[tuple[str, int]], **credentials: Any) -> grpc.Channel:
    return PublisherGrpcTransport.create_channel(host, options=[*options, _OWN_CONNECTIONS], **credentials)
