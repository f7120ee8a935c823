"""Reads a response's body within limits, and decodes gzip, which some gateways apply unasked.

The status and the headers are judged first: a body that cannot be read is an error only where it is needed.
"""

from __future__ import annotations

import zlib

import requests
from urllib3.exceptions import HTTPError

from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http.gzip_members import GZIP_MAGIC, MEBIBYTE, gunzip
from helseid_fn.http.messages import Response
from helseid_fn.http.retries import is_transient

_GZIP = ("gzip", "x-gzip")
_OTHER_CODINGS = ("br", "compress", "x-compress", "deflate", "zstd", "dcb", "dcz")  # of the IANA registry
_READ_BYTES = 256 * 1024


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
            words = "broke off its response. If it goes on, check its status."
            error = _unreadable(party, "http", words, response.status_code)
            return Response(response.status_code, response.headers, b"", unreadable=error)
    if len(body) > max_bytes:
        return _too_large(party, response, max_bytes)
    codings = codings_of(response) if body else []
    if not codings:
        return Response(response.status_code, response.headers, body)
    if codings != ["gzip"]:
        return Response(response.status_code, response.headers, b"", unreadable=unknown_coding(party, response, codings))
    if not body.startswith(GZIP_MAGIC):  # some gateways decode it and leave the label
        return Response(response.status_code, response.headers, body)
    try:
        decoded = b"".join(gunzip((body,), max_bytes, size_bytes=len(body)))
    except zlib.error:
        return Response(response.status_code, response.headers, b"", unreadable=not_gzip(party, response.status_code))
    except OverflowError:
        return _too_large(party, response, max_bytes)
    return Response(response.status_code, response.headers, decoded)


def _read_body(response: requests.Response, limit: int) -> bytes:
    """Read to the end, or to the limit: only an empty read shows that the body is shorter than announced."""
    body = bytearray()
    while piece := response.raw.read(min(_READ_BYTES, limit - len(body)), decode_content=False):
        body += piece
    return bytes(body)


def codings_of(response: requests.Response) -> list[str]:
    """Return the codings that the body may really be in; some servers write other things into the header, or `identity`."""
    named = [each.strip().lower() for each in response.headers.get("Content-Encoding", "").split(",")]
    return ["gzip" if each in _GZIP else each for each in named if each in _GZIP or each in _OTHER_CODINGS]


def too_large(party: Party, status: int, max_bytes: int) -> InvalidResponse:
    """Return the error of a body that is larger than is allowed."""
    remedy = (
        "Ask it for less, or raise API_MAX_MEGABYTES." if party is Party.API else "Check its address and any proxy in between."
    )
    what = f"sent a response that exceeds the limit of {max_bytes // MEBIBYTE} MiB."
    return _unreadable(party, "too_large", f"{what} {remedy}", status)


def unknown_coding(party: Party, response: requests.Response, codings: list[str]) -> InvalidResponse:
    """Return the error of a body in codings that are not decoded here."""
    what = f"compressed its response ({', '.join(codings)}) although it was asked not to."
    return _unreadable(party, "http", f"{what} Look for a gateway that compresses.", response.status_code)


def not_gzip(party: Party, status: int) -> InvalidResponse:
    """Return the error of a body that is not the gzip that its header says."""
    what = "sent a response that is not the gzip that it says it is."
    return _unreadable(party, "http", f"{what} Look for a gateway that compresses.", status)


def _too_large(party: Party, response: requests.Response, max_bytes: int) -> Response:
    error = too_large(party, response.status_code, max_bytes)
    return Response(response.status_code, response.headers, b"", unreadable=error)


def _unreadable(party: Party, reason: str, words: str, status: int) -> InvalidResponse:
    return InvalidResponse(party, reason, f"{party.as_subject} {words}", status=status)
