"""The cursor in an object of Cloud Storage, whose version is its generation."""

from __future__ import annotations

from collections.abc import Callable

from google.api_core.exceptions import NotFound

from helseid_fn.context import Context
from helseid_fn.delivery.address import Bucket
from helseid_fn.delivery.cursor import MAX_CURSOR_BYTES, Stored
from helseid_fn.delivery.google.errors import NOT_STORAGE
from helseid_fn.delivery.google.sdk import GoogleSdk
from helseid_fn.delivery.google.storage_sdk import StorageClient
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused, Unavailable

_PARTY = Party.DELIVERY
_ABSENT = 0
"""The generation of an object that is not there."""

_RATE_LIMIT_PAUSE_SECONDS = 1.0
"""Cloud Storage takes one write per second of the same object: https://docs.cloud.google.com/storage/quotas#objects."""


class GoogleCursor:
    """Keeps the cursor in one object; Cloud Storage itself compares and swaps."""

    def __init__(self, bucket: Bucket, name: str, *, storage: GoogleSdk[StorageClient], sleep: Callable[[float], None]) -> None:
        self._bucket = bucket
        self._name = name
        self._storage = storage
        self._sleep = sleep

    def read(self, ctx: Context) -> Stored | None:
        """Read the object; None when there is none in the bucket, which must be there."""

        def download(client: StorageClient, timeout_seconds: float) -> Stored | None:
            blob, text = client.object(self._bucket, self._name), _BoundedText()
            try:
                blob.download_to_file(text, checksum="crc32c", timeout=timeout_seconds, retry=None)
            except NotFound:
                return None
            except _TextIsFull:
                return Stored(bytes(text.content), "")  # nobody replaces what is too large to be a cursor
            if not blob.generation:
                raise InvalidResponse(_PARTY, "http", NOT_STORAGE)
            return Stored(bytes(text.content), str(blob.generation))

        stored = self._storage.request(download, ctx)
        if stored is None:
            # The status is the same when the whole bucket is missing; then this raises.
            self._storage.request(lambda client, seconds: client.find_bucket(self._bucket, seconds), ctx)
        return stored

    def write(self, text: bytes, version: str | None, ctx: Context) -> str | None:
        """Replace the object if it is still this generation."""
        try:
            return self._upload(text, version, ctx)
        except Refused as refusal:
            if refusal.status != 412:
                raise
            return self._find(text, ctx)
        except (Unavailable, InvalidResponse) as failure:
            # The response to a write that was done may be lost, that of each retry too.
            found = self._find(text, ctx)
            if found is None:
                raise failure from None
            return found

    def _upload(self, text: bytes, version: str | None, ctx: Context) -> str:
        def upload(client: StorageClient, timeout_seconds: float) -> str:
            blob = client.object(self._bucket, self._name)
            blob.upload_from_string(
                text,
                content_type="application/json",
                checksum="crc32c",
                if_generation_match=_ABSENT if version is None else int(version),
                timeout=timeout_seconds,
                retry=None,
            )
            if not blob.generation:
                raise InvalidResponse(_PARTY, "http", NOT_STORAGE)
            return str(blob.generation)

        try:
            return self._storage.request(upload, ctx)
        except Unavailable as unavailable:
            if unavailable.reason != "rate_limited" or ctx.left_seconds() <= _RATE_LIMIT_PAUSE_SECONDS:
                raise
        self._sleep(_RATE_LIMIT_PAUSE_SECONDS)
        return self._storage.request(upload, ctx)

    def _find(self, text: bytes, ctx: Context) -> str | None:
        """Return the generation of the stored cursor if it is this very text, which names the invocation."""
        stored = self.read(ctx)
        return stored.version if stored and stored.text == text else None


class _TextIsFull(Exception):
    """There is more than a cursor may have."""


class _BoundedText:
    """A file for Google's client to write into."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, block: bytes) -> int:
        """Add a block. Raises `_TextIsFull`."""
        self.content += block[: MAX_CURSOR_BYTES + 1 - len(self.content)]
        if len(self.content) > MAX_CURSOR_BYTES:
            raise _TextIsFull
        return len(block)
