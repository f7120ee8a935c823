"""The body of a response that is read as it arrives, within the same limits as a whole one."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import chain

import requests
from urllib3.exceptions import HTTPError

from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import Unavailable
from helseid_fn.http.body import codings_of, not_gzip, too_large, unknown_coding
from helseid_fn.http.failures import classify_failure, describe_failure
from helseid_fn.http.gzip_members import GZIP_MAGIC, gunzip

_READ_BYTES = 64 * 1024


class StreamedBody:
    """The blocks of one body, decoded; they are read once, and the connection is free at their end or when it is closed."""

    def __init__(
        self, party: Party, response: requests.Response, max_bytes: int, ctx: Context, *, origin_url: str, idempotent: bool
    ) -> None:
        """Take the response with nothing read of its body yet."""
        self._party = party
        self._response = response
        self._max_bytes = max_bytes
        self._ctx = ctx
        self._origin_url = origin_url
        self._idempotent = idempotent
        self.is_read = False

    def __iter__(self) -> Iterator[bytes]:
        """Read the body; raises `InvalidResponse`, `Unavailable` or `DeadlineExceeded`."""
        if self.is_read:
            raise RuntimeError("the body was read or closed already; read `content`, if you need it twice")
        self.is_read = True
        try:
            yield from self._decode()
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = classify_failure(error)
            self._ctx.note_outcome(self._party, failure.reason)
            self._ctx.check(self._party)
            what, remedy = describe_failure(failure, self._party, self._origin_url, self._ctx.deadline_seconds)
            processed = not self._idempotent
            detail = what if processed else f"{what} {remedy}"
            reason = "connection_lost" if failure.reason == "http" else failure.reason
            raise Unavailable(self._party, reason, detail, may_be_processed=processed) from None
        finally:
            self._response.close()

    def close(self) -> None:
        """Read nothing more."""
        self.is_read = True
        self._response.close()

    def _decode(self) -> Iterator[bytes]:
        codings = codings_of(self._response)
        blocks = self._read()
        first = next(blocks, b"")
        blocks = chain((first,), blocks) if first else iter(())
        if not first or not codings or (codings == ["gzip"] and not first.startswith(GZIP_MAGIC)):
            yield from blocks
            return
        if codings != ["gzip"]:
            raise unknown_coding(self._party, self._response, codings)
        length = self._response.headers.get("Content-Length", "")
        size_bytes = int(length) if re.fullmatch("[0-9]{1,15}", length) else 0
        try:
            yield from gunzip(blocks, self._max_bytes, size_bytes=min(size_bytes, self._max_bytes))
        except zlib.error:
            raise not_gzip(self._party, self._response.status_code) from None
        except OverflowError:
            raise too_large(self._party, self._response.status_code, self._max_bytes) from None

    def _read(self) -> Iterator[bytes]:
        left = self._max_bytes
        while block := self._response.raw.read(_READ_BYTES, decode_content=False):
            left -= len(block)
            if left < 0:
                raise too_large(self._party, self._response.status_code, self._max_bytes)
            yield block
            self._ctx.check(self._party)  # what is done with the block takes time, too
