from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from helseid_fn.api.response import ApiResponse
from helseid_fn.errors import InvalidResponse

URL = "https://api.example.no/v1/events?from=1"


def response_of(content: bytes, content_type: str = "", **headers: str) -> ApiResponse:
    return ApiResponse(200, CaseInsensitiveDict({"Content-Type": content_type, **headers}), content, URL)


@pytest.mark.parametrize("content_type", ["", "text/html", "application/fhir+json"])
def test_json_is_parsed_whatever_its_type(content_type: str) -> None:
    assert response_of('{"a": "æ"}'.encode(), content_type).json() == {"a": "æ"}


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "no body"), (b"{", "not JSON"), (b"\xff", "not JSON"), (b"[1e999]", "not JSON")]
)
def test_what_is_not_json_is_an_error(content: bytes, words: str) -> None:
    with pytest.raises(InvalidResponse, match=words) as raised:
        response_of(content).json()
    assert raised.value.code == "api.invalid_response.body"


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("æ".encode(), "text/plain", "æ"),
        ("æ".encode("latin-1"), "text/plain; charset=iso-8859-1", "æ"),
        (b"\xff", "text/plain", "\ufffd"),
        (b"", "", ""),
    ],
)
def test_text_is_decoded(content: bytes, content_type: str, text: str) -> None:
    assert response_of(content, content_type).text == text


def test_links_are_whole_urls() -> None:
    links = response_of(
        b"", Link='<events?from=2>; rel="next", </v1>; rel="up", <https://b.example/>; rel="other", <//[>; rel="bad"'
    ).links
    assert links == {
        "next": "https://api.example.no/v1/events?from=2",
        "up": "https://api.example.no/v1",
        "other": "https://b.example/",
    }


def test_bytes_come_in_blocks() -> None:
    assert [len(block) for block in response_of(b"x" * 100_000).iter_bytes()] == [65536, 34464]


def test_repr_shows_nothing_about_a_person() -> None:
    assert repr(response_of(b"Ola Nordmann", ETag="Ola")) == "ApiResponse(status=200)"
