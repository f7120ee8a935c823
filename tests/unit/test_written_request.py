from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest

from helseid_fn.api.file_body import FileBody
from helseid_fn.api.request import ApiRequest
from helseid_fn.api.written_request import build_api_request
from helseid_fn.errors import InvalidInvocation

BASE = "https://api.example.no/v1?version=4"


def build(method: str = "POST", path: str = "", *, max_body_bytes: int = 10, **parts: Any) -> ApiRequest:
    return build_api_request(method, BASE, path, max_body_bytes, **parts)


def test_a_request_without_parts_is_for_the_base() -> None:
    assert build("GET") == ApiRequest("GET", BASE)


def test_path_and_params_are_encoded_below_the_base() -> None:
    assert build("GET", "a b/ø:x", params={"q": "æ&", "n": [1, 2]}).url == (
        "https://api.example.no/v1/a%20b/%C3%B8:x?version=4&q=%C3%A6%26&n=1&n=2"
    )


def test_json_has_its_type_unless_another_is_given() -> None:
    assert build(json=[1]).headers == {"Content-Type": "application/json"}
    assert build(json=[1], headers={"content-type": "application/fhir+json"}).headers == {
        "content-type": "application/fhir+json"
    }


def test_content_is_sent_as_it_is() -> None:
    request = build(content=b"x")
    assert (request.body, request.headers) == (b"x", {})


def test_a_file_is_a_body_of_what_is_left_in_it() -> None:
    file = io.BytesIO(b"abcdef")
    file.seek(4)
    body = build(content=file).body
    assert isinstance(body, FileBody)
    assert len(body) == 2


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param({"method": "get"}, "method must be one of", id="a method in small letters"),
        pytest.param({"method": "TRACE"}, "method must be one of", id="another method"),
        pytest.param({"path": "../x"}, "The path must be a relative path", id="a path above"),
        pytest.param({"path": "a%20b"}, "The path must be a relative path", id="an encoded path"),
        pytest.param({"path": 7}, "The path must be a string", id="a path that is a number"),
        pytest.param({"params": {"a": None}}, "params must be", id="a value that is None"),
        pytest.param({"params": {"a": 1.5}}, "params must be", id="a value that is a fraction"),
        pytest.param({"params": {1: "a"}}, "params must be", id="a name that is a number"),
        pytest.param({"params": "a=b"}, "params must be", id="a query as text"),
        pytest.param({"params": {"Version": 3}}, "params names a parameter that", id="a fixed parameter"),
        pytest.param({"params": {"a": "x" * 20000}}, "params is longer than", id="a long query"),
        pytest.param({"headers": {"authorization": "x"}}, "must not set 'authorization'", id="our own header"),
        pytest.param({"headers": {"a b": "x"}}, "must not set 'a b'", id="no header's name"),
        pytest.param({"headers": {"X-A": "a\r\nb"}}, "header X-A must be", id="a header of two lines"),
        pytest.param({"headers": {"X-A": 1}}, "header X-A must be", id="a header that is a number"),
        pytest.param({"json": {"a": float("nan")}}, "json has a number", id="NaN"),
        pytest.param({"json": date(2026, 1, 1)}, "json is not a JSON value", id="a date"),
        pytest.param({"json": 1, "content": b""}, "either json or content", id="two bodies"),
        pytest.param({"method": "GET", "json": 1}, "GET has no body", id="a GET with a body"),
        pytest.param({"content": b"x" * 11}, "larger than", id="a large body"),
        pytest.param({"content": io.BytesIO(b"x" * 11)}, "larger than", id="a large file"),
        pytest.param({"content": iter([b"x"])}, "cannot be read again", id="a generator"),
        pytest.param({"content": "text"}, "cannot be read again", id="text"),
    ],
)
def test_what_cannot_be_sent_is_named(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInvocation, match=words) as raised:
        build(**parts)
    assert raised.value.code == "invocation.request"
