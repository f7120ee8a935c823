"""Reads a response's body within limits, and decodes gzip, which some gateways apply unasked.

The status and the headers are judged first: a body that cannot be read is an error only where it is needed.
"""

from __future__ import annotations

import zlib

import requests
from urllib3.exceptions import HTTPError

from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http.messages import Response
from helseid_fn.http.retries import is_transient

MEBIBYTE = 1024 * 1024

MAX_RATIO = 200
"""How many times larger than its gzip a body of more than 1 MiB may be; JSON and text rarely reach a tenth of it."""

MAX_GZIP_MEMBERS = 10_000
"""Each member (RFC 1952 section 2.2) takes a few microseconds however little is in it; blocked gzip has 64 KiB in each."""

_GZIP = ("gzip", "x-gzip")
_OTHER_CODINGS = ("br", "compress", "x-compress", "deflate", "zstd", "dcb", "dcz")  # of the IANA registry
_GZIP_MAGIC = b"\x1f\x8b"
_READ_BYTES = 256 * 1024
_DECODE_BYTES = 4096  # what is left after a member is copied, so it must be little


def read_response(party: Party, response: requests.Response, max_bytes: int) -> Response:
    """Read the whole response and free its connection; `max_bytes` limits the body, also when it is decoded.

    A body that is too large, or in a coding that is not known, becomes `Response.unreadable`; so does one that breaks off, if
    the status is 400 or more, but not what HelseID says of a request: its OAuth error is in the body.

    Raises `InvalidResponse` for an interim status, and otherwise what urllib3 raises.
    """
    with response:
        if response.status_code < 200:
            # Leave it unread, which closes the connection: the final response would be taken for another request's.
            detail = f"{party.as_subject} ended with the interim status {response.status_code}. Report it to its operators."
            raise InvalidResponse(party, "http", detail)
        try:
            body = _read_body(response, max_bytes + 1)
        except (HTTPError, OSError):
            if response.status_code < 400 or (party is Party.HELSEID and not is_transient(response.status_code)):
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
    if not body.startswith(_GZIP_MAGIC):  # some gateways decode it and leave the label
        return Response(response.status_code, response.headers, body)
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
    members, decoder = 1, _new_decoder()
    for start in range(0, len(data), _DECODE_BYTES):
        piece = data[start : start + _DECODE_BYTES]
        while piece:
            decoded += decoder.decompress(piece, limit + 1 - len(decoded))
            if len(decoded) > limit:
                return None
            piece = decoder.unused_data
            if decoder.eof and (piece := piece.lstrip(b"\0")):  # padding, which gzip(1) ignores too
                members, decoder = members + 1, _new_decoder()
                if members > MAX_GZIP_MEMBERS:
                    raise zlib.error("too many members")
    if not decoder.eof:
        raise zlib.error("the data ends within a member")
    return bytes(decoded)


def _new_decoder() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


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
