"""Reads a response's body within limits, and decodes gzip, which some gateways apply unasked.

The status and the headers are judged first: a body that cannot be read fails only who needs it.
"""

from __future__ import annotations

import zlib

import requests
from urllib3.exceptions import HTTPError

from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http.messages import Response

MEBIBYTE = 1024 * 1024

MAX_RATIO = 200
"""How many times larger than its gzip a body of more than 1 MiB may be; JSON and text rarely reach a tenth of it."""

MAX_GZIP_MEMBERS = 100
"""Each member (RFC 1952 section 2.2) copies the rest, so many small ones would take quadratic time."""

_GZIP = ("gzip", "x-gzip")
_OTHER_CODINGS = ("br", "compress", "x-compress", "deflate", "zstd", "dcb", "dcz")  # of the IANA registry
_READ_BYTES = 256 * 1024


def read_response(party: Party, response: requests.Response, max_bytes: int) -> Response:
    """Read the whole response and free its connection; `max_bytes` limits the body, also when it is decoded.

    A body that is too large, or in a coding that is not known, becomes `Response.unreadable`; so does one that breaks off, if
    the status is 400 or more. Raises `InvalidResponse` for an interim status, and otherwise what urllib3 raises.
    """
    with response:
        if response.status_code < 200:
            # Leave it unread, which closes the connection: the final response would be taken for another request's.
            detail = f"{party.as_subject} ended with the interim status {response.status_code}. Report it to its operators."
            raise InvalidResponse(party, "http", detail)
        try:
            body = _read_body(response, max_bytes + 1)
        except (HTTPError, OSError):
            if response.status_code < 400:
                raise
            return _without_body(party, response, "http", "broke off its response.", "If it goes on, check its status.")
    if len(body) > max_bytes:
        return _too_large(party, response, max_bytes)
    codings = _codings_of(response) if body else []
    if not codings:
        return Response(response.status_code, response.headers, body)
    if codings != ["gzip"]:
        what = f"compressed its response ({', '.join(codings)}) although it was asked not to."
        return _without_body(party, response, "http", what, "Look for a gateway that compresses.")
    try:
        decoded = gunzip(body, max_bytes)
    except zlib.error:
        what = "sent a response that is not the gzip that it says it is."
        return _without_body(party, response, "http", what, "Look for a gateway that compresses.")
    if decoded is None:
        return _too_large(party, response, max_bytes)
    return Response(response.status_code, response.headers, decoded)


def gunzip(data: bytes, max_bytes: int) -> bytes | None:
    """Decode gzip (RFC 1952); None when more comes out than `max_bytes`, or than `MAX_RATIO` times the data.

    Raises `zlib.error` for anything that is not complete gzip.
    """
    limit = min(max_bytes, max(MEBIBYTE, MAX_RATIO * len(data)))
    decoded = bytearray()
    for _ in range(MAX_GZIP_MEMBERS):
        decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        decoded += decoder.decompress(data, limit + 1 - len(decoded))
        if len(decoded) > limit:
            return None
        if not decoder.eof:
            raise zlib.error("the data ends within a member")
        data = decoder.unused_data.lstrip(b"\0")  # padding, which gzip(1) ignores too
        if not data:
            return bytes(decoded)
    raise zlib.error("too many members")


def _read_body(response: requests.Response, limit: int) -> bytes:
    """Read to the end, or to the limit: only an empty read shows that the body is shorter than announced."""
    body = bytearray()
    while piece := response.raw.read(min(_READ_BYTES, limit - len(body)), decode_content=False):
        body += piece
    return bytes(body)


def _codings_of(response: requests.Response) -> list[str]:
    """Return the codings that the body may really be in; some servers write other things into the header, or `identity`."""
    named = [each.strip().lower() for each in response.headers.get("Content-Encoding", "").split(",")]
    return ["gzip" if each in _GZIP else each for each in named if each in _GZIP or each in _OTHER_CODINGS]


def _too_large(party: Party, response: requests.Response, max_bytes: int) -> Response:
    remedy = (
        "Ask it for less, or raise API_MAX_MEGABYTES." if party is Party.API else "Check its address and any proxy in between."
    )
    what = f"sent a response that exceeds the limit of {max_bytes // MEBIBYTE} MiB."
    return _without_body(party, response, "too_large", what, remedy)


def _without_body(party: Party, response: requests.Response, reason: str, what: str, remedy: str) -> Response:
    error = InvalidResponse(party, reason, f"{party.as_subject} {what} {remedy}", status=response.status_code)
    return Response(response.status_code, response.headers, b"", unreadable=error)
