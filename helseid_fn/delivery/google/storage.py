"""Results in a bucket of Cloud Storage."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from types import MappingProxyType

import google_crc32c
from google.cloud.storage import Blob

from helseid_fn.context import Context
from helseid_fn.delivery.address import Bucket
from helseid_fn.delivery.google.errors import CHECKSUM, NOT_STORAGE
from helseid_fn.delivery.google.storage_sdk import StorageClient, open_storage
from helseid_fn.delivery.google.upload import CHUNK_BYTES, ResumableUpload
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Refused

_PARTY = Party.DELIVERY


class GoogleBucket:
    """Stores each result as an object, which appears when it is complete and replaces the one of the same name."""

    def __init__(
        self,
        address: Bucket,
        *,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take the environment for STORAGE_EMULATOR_HOST alone."""
        self._address = address
        self._storage = open_storage(address, environ, sleep=sleep, random=random)

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        """Store bytes at once, and blocks in chunks, of which one is in memory at a time.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`, and what reading the body raises.
        """
        ctx.check(_PARTY)
        if isinstance(result.body, bytes):
            return self._store(result, result.body, ctx)
        blocks = iter(result.body)
        begin = bytearray()
        for block in blocks:
            ctx.check(_PARTY)
            begin += block
            if len(begin) > CHUNK_BYTES:
                return self._stream(result, chain((bytes(begin),), blocks), ctx)
        return self._store(result, bytes(begin), ctx)

    def _store(self, result: Result, body: bytes, ctx: Context) -> Receipt:
        sha256 = hashlib.sha256(body).hexdigest()

        def upload(client: StorageClient, timeout_seconds: float) -> None:
            blob = self._describe(client, result, sha256=sha256)
            blob.upload_from_string(
                body, content_type=result.content_type, checksum="crc32c", timeout=timeout_seconds, retry=None
            )
            _check_stored(blob.crc32c, google_crc32c.value(body))

        self._storage.request(upload, ctx)
        return self._receipt(result, len(body), sha256)

    def _stream(self, result: Result, blocks: Iterable[bytes], ctx: Context) -> Receipt:
        upload = ResumableUpload(self._storage, lambda client: self._describe(client, result), ctx)
        sha256, checksum = hashlib.sha256(), 0
        for block in blocks:
            ctx.check(_PARTY)
            sha256.update(block)
            checksum = google_crc32c.extend(checksum, block)
            upload.write(block)
        stored = upload.finish(_encode(checksum))
        _check_stored(stored.get("crc32c"), checksum)
        self._label(result, sha256.hexdigest(), str(stored.get("generation", "")), ctx)
        return self._receipt(result, upload.size_bytes, sha256.hexdigest())

    def _label(self, result: Result, sha256: str, generation: str, ctx: Context) -> None:
        """Add the digest, which was not known when the upload began, unless another run has replaced the object since."""

        def patch(client: StorageClient, timeout_seconds: float) -> None:
            blob = self._describe(client, result, sha256=sha256)
            blob.patch(if_generation_match=generation, timeout=timeout_seconds, retry=None)
            if (blob.metadata or {}).get("sha256") != sha256:
                raise InvalidResponse(_PARTY, "http", NOT_STORAGE)

        try:
            self._storage.request(patch, ctx)
        except Refused as refusal:
            if refusal.status not in (404, 412):
                raise

    def _describe(self, client: StorageClient, result: Result, **attributes: str) -> Blob:
        blob = client.object(self._address, result.name)
        blob.content_type = result.content_type
        blob.metadata = {**result.attributes, **attributes}
        return blob

    def _receipt(self, result: Result, size_bytes: int, sha256: str) -> Receipt:
        return Receipt(f"{self._address}{result.name}", size_bytes, sha256)


def _check_stored(stored: object, expected: int) -> None:
    """Compare Cloud Storage's checksum of an object with our own. Raises `InvalidResponse`."""
    if stored != _encode(expected):
        raise InvalidResponse(_PARTY, "checksum", CHECKSUM)


def _encode(checksum: int) -> str:
    """Return a CRC32C as Cloud Storage writes it."""
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()
