"""The cursor in an object of S3, replaced only if its ETag is still the one that was read.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from helseid_fn.aws_sdk.client import AwsClient, Operation
from helseid_fn.context import Context
from helseid_fn.delivery.address import Bucket
from helseid_fn.delivery.aws.errors import explain
from helseid_fn.delivery.cursor import MAX_CURSOR_BYTES, Stored
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused, Unavailable


class AwsCursor:
    """Keeps the cursor in one object; its version is the ETag."""

    def __init__(self, bucket: Bucket, name: str, *, client: AwsClient) -> None:
        self._bucket = bucket
        self._object = {"Bucket": bucket.name, "Key": f"{bucket.prefix}{name}"}
        self._client = client

    def read(self, ctx: Context) -> Stored | None:
        """Read the object; None when there is none."""
        get = Operation("GetObject", lambda _: self._object, _read_object, self._explain_read)
        try:
            return self._client.request(get, ctx)
        except _NoObjectError:
            return None

    def write(self, text: bytes, version: str | None, ctx: Context) -> str | None:
        """Replace the object if it is still this version.

        A repeated request cannot tell its own earlier attempt, whose response was lost, from another run's: the text can.
        """
        members = {
            **self._object,
            "Body": text,
            "ContentType": "application/json",
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(text).digest()).decode(),
            **({"IfNoneMatch": "*"} if version is None else {"IfMatch": version}),
        }
        put = Operation("PutObject", lambda _: members, _read_etag, self._explain_write)
        try:
            return self._client.request(put, ctx)
        except (Refused, Unavailable, InvalidResponse) as error:
            is_overtaken = error.reason == "overtaken"
            if isinstance(error, Refused) and not is_overtaken:
                raise
            stored = self.read(ctx)
            if stored is not None and stored.text == text:
                return stored.version
            if is_overtaken:
                return None
            raise

    def _explain_read(self, code: str, status: int, message: str) -> HelseidFnError:
        if code == "NoSuchKey":
            return _NoObjectError(Party.DELIVERY, "not_found", "There is no cursor yet.")
        return explain(code, status, message, self._bucket, "GetObject")

    def _explain_write(self, code: str, status: int, message: str) -> HelseidFnError:
        return explain(code, status, message, self._bucket, "PutObject")


class _NoObjectError(Refused):
    """There is a bucket, but no object of this name in it."""


def _read_object(response: Mapping[str, Any]) -> Stored | None:
    with closing(response["Body"]) as body:
        text = body.read(MAX_CURSOR_BYTES + 1)
        if len(text) <= MAX_CURSOR_BYTES:
            body.read(1)  # at the end, boto3 compares the length and the checksum
    etag = response.get("ETag")
    return Stored(text, etag) if etag else None


def _read_etag(response: Mapping[str, Any]) -> str | None:
    return response.get("ETag") or None
