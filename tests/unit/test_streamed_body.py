"""Bodies that are read as they arrive."""

from __future__ import annotations

import gzip
import io

import pytest
import requests
from urllib3 import HTTPResponse

from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse
from helseid_fn.http.streamed_body import StreamedBody
from tests.support.parts import make_context

MIB = 1024 * 1024


def stream(content: bytes, max_bytes: int = MIB, **headers: str) -> StreamedBody:
    response = requests.Response()
    response.status_code = 200
    response.raw = HTTPResponse(io.BytesIO(content), preload_content=False)
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return StreamedBody(Party.API, response, max_bytes, make_context(), origin_url="https://api.example", idempotent=True)


@pytest.mark.parametrize("length", ["", "31", "-1", "٣", "9" * 5000], ids=["none", "right", "negative", "Arabic", "endless"])
def test_gzip_is_decoded_whatever_length_is_announced(length: str) -> None:
    body = stream(gzip.compress(b"hei"), Content_Encoding="gzip", Content_Length=length)
    assert b"".join(body) == b"hei"


def test_a_body_over_the_limit_is_refused() -> None:
    with pytest.raises(InvalidResponse) as raised:
        list(stream(b"x" * 200, max_bytes=199))
    assert raised.value.code == "api.invalid_response.too_large"


def test_a_body_is_read_once() -> None:
    body = stream(b"hei")
    assert list(body) == [b"hei"]
    with pytest.raises(RuntimeError, match="read or closed already"):
        list(body)
