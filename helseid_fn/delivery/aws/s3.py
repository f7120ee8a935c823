"""Results as objects in S3."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from helseid_fn.aws_sdk.client import AwsClient, Operation
from helseid_fn.aws_sdk.session import Service
from helseid_fn.context import Context
from helseid_fn.delivery.address import Bucket
from helseid_fn.delivery.aws.errors import explain
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.delivery.spool import Spooled, spool
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError

S3 = Service("s3", Party.DELIVERY, misfit="other")


class AwsBucket:
    """Stores each result as one object below a prefix, in one request that S3 verifies: it appears whole or not at all."""

    def __init__(self, address: Bucket, *, sleep: Callable[[float], None], random: Callable[[], float]) -> None:
        self._address = address
        self._client = AwsClient(S3, None, sleep=sleep, random=random)

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Store the object. Its metadata are the attributes and `sha256`, with hyphens, since HTTP gateways drop underscores.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`, and what reading the body raises.
        """
        with spool(result, ctx) as body:
            put = Operation("PutObject", lambda _: self._members(result, body), _read_etag, self._explain)
            self._client.request(put, ctx, is_large=True)
            return Receipt(f"{self._address}{result.name}", body.size_bytes, body.digest.hex())

    def _members(self, result: Result, body: Spooled) -> Mapping[str, Any]:
        attributes = {**result.attributes, "sha256": body.digest.hex()}
        return {
            "Bucket": self._address.name,
            "Key": f"{self._address.prefix}{result.name}",
            "Body": body.open(),
            "ContentType": result.content_type,
            "ChecksumSHA256": base64.b64encode(body.digest).decode(),
            "Metadata": {name.replace("_", "-"): value for name, value in attributes.items() if value},
        }

    def _explain(self, code: str, status: int, message: str) -> HelseidFnError:
        return explain(code, status, message, self._address, "PutObject")


def _read_etag(response: dict[str, Any]) -> str | None:
    return response.get("ETag") or None
