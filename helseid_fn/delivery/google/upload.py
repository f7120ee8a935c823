"""A resumable upload of unknown length, chunk by chunk: https://docs.cloud.google.com/storage/docs/resumable-uploads.

Google's client can resume one only from a file that it can seek in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from google.api_core.exceptions import from_http_response
from google.cloud.storage import Blob

from helseid_fn.context import Context
from helseid_fn.delivery.google.errors import NOT_STORAGE
from helseid_fn.delivery.google.sdk import GoogleSdk
from helseid_fn.delivery.google.storage_sdk import StorageClient
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Unavailable

CHUNK_BYTES = 1024 * 1024
"""A multiple of 256 KiB, as Cloud Storage demands of every chunk but the last."""

_RANGE = re.compile(r"bytes=0-([0-9]{1,15})")
_PARTY = Party.DELIVERY


class ResumableUpload:
    """Sends chunks as they fill up; the object appears with the last one, and not at all without `finish`."""

    def __init__(self, storage: GoogleSdk[StorageClient], describe: Callable[[StorageClient], Blob], ctx: Context) -> None:
        """Begin the upload. `describe` returns the object with its type and metadata.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`, as does every method.
        """
        self._storage = storage
        self._ctx = ctx
        self._pending = bytearray()
        self._sent = 0

        def begin(client: StorageClient, timeout_seconds: float) -> str:
            # Its own checksum would be one of the whole, which is not there yet.
            url = describe(client).create_resumable_upload_session(timeout=timeout_seconds, checksum=None, retry=None)
            return str(url)

        self._url = storage.request(begin, ctx)  # it grants the right to upload, so it is never shown

    @property
    def size_bytes(self) -> int:
        """What was written so far."""
        return self._sent + len(self._pending)

    def write(self, block: bytes) -> None:
        """Add a block."""
        self._pending += block
        while len(self._pending) > CHUNK_BYTES:  # the last chunk, which ends the upload, is never empty
            self._send(bytes(self._pending[:CHUNK_BYTES]))
            del self._pending[:CHUNK_BYTES]

    def finish(self, checksum: str) -> Mapping[str, Any]:
        """Send the rest with the CRC32C of the whole, in Base64, and return the object's resource."""
        stored = self._send(bytes(self._pending), checksum)
        self._pending.clear()
        return stored or {}

    def _send(self, chunk: bytes, checksum: str | None = None) -> Mapping[str, Any] | None:
        """Send one chunk, the last one with a checksum; after a failure, send what Cloud Storage has not yet persisted."""
        begin, end = self._sent, self._sent + len(chunk)
        total = "*" if checksum is None else str(end)
        headers = {} if checksum is None else {"x-goog-hash": f"crc32c={checksum}"}
        stored: Mapping[str, Any] | None = None
        is_unsure = False

        def attempt() -> None:
            nonlocal stored, is_unsure
            if is_unsure:
                stored = self._put(b"", "bytes */*", {})
            is_unsure = True
            while stored is None and self._sent < end:
                before = self._sent
                stored = self._put(chunk[before - begin :], f"bytes {before}-{end - 1}/{total}", headers)
                if stored is None and not before < self._sent <= end:
                    raise InvalidResponse(_PARTY, "http", NOT_STORAGE)

        self._storage.retry(attempt, self._ctx)
        if (stored is None) != (checksum is None):
            raise InvalidResponse(_PARTY, "http", NOT_STORAGE)
        self._sent = end
        return stored

    def _put(self, data: bytes, content_range: str, headers: Mapping[str, str]) -> Mapping[str, Any] | None:
        """Send bytes, or ask how many have arrived; return the object's resource if it is complete."""

        def put(client: StorageClient, timeout_seconds: float) -> tuple[int, Mapping[str, Any] | None]:
            response = client.session.request(
                "PUT",
                self._url,
                data=data,
                headers={"Content-Range": content_range, **headers},
                timeout=timeout_seconds,
                allow_redirects=False,
            )
            status = response.status_code
            if status in (HTTPStatus.OK, HTTPStatus.CREATED):
                resource = response.json()
                if not isinstance(resource, dict):
                    raise ValueError("not an object's resource")
                return self._sent, resource
            if status == HTTPStatus.PERMANENT_REDIRECT:  # which to Cloud Storage means: go on
                persisted = _RANGE.fullmatch(response.headers.get("Range", ""))
                return (int(persisted[1]) + 1 if persisted else 0), None
            if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                detail = f"Cloud Storage has ended the upload ({status}). Try again."
                raise Unavailable(_PARTY, "server_error", detail, status=status)
            raise from_http_response(response)  # type: ignore[no-untyped-call]  # Google's has no types

        self._sent, stored = self._storage.request_once(put, self._ctx)
        return stored
