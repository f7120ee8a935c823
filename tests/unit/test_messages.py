from __future__ import annotations

import pytest

from helseid_fn.http.messages import Message, parse_http_date
from tests.support.parts import NOT_A_DATE, PUBLISHED_DATE, PUBLISHED_SECONDS, make_response


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"{}", {}), (b'{"a": [1]}', {"a": [1]}), (b"[1]", [1]), (b'"x"', "x"), (b"\xef\xbb\xbf{}", {}), (b"null", None)],
)
def test_a_json_body_is_parsed(body: bytes, value: object) -> None:
    assert make_response(200, body).json() == value


BROKEN = [b"", b" ", b"{", b"<html>", b"\xff\xfe\xff", b'{"a": "\xe6"}', b"[" * 100_000, b"9" * 5000]


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: repr(body[:10]))
def test_a_body_that_is_not_json_is_none(body: bytes) -> None:
    assert make_response(200, body).json() is None


@pytest.mark.parametrize("body", [*BROKEN, b"[]", b'[{"error": "x"}]', b'"x"', b"1", b"null"], ids=lambda body: repr(body[:10]))
def test_a_body_that_is_no_object_has_no_members(body: bytes) -> None:
    assert make_response(200, body).json_members() == {}


def test_repr_shows_a_status_and_nothing_else() -> None:
    assert repr(make_response(200, b"HUSH", DPoP_Nonce="HUSH")) == "Response(status=200)"
    assert repr(Message({"Authorization": "DPoP HUSH"}, b"HUSH")) == "Message()"


@pytest.mark.parametrize(
    "date",
    [PUBLISHED_DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 09:49:37 +0100"],
    ids=["IMF-fixdate", "RFC 850", "asctime", "another zone"],
)
def test_a_date_is_parsed_in_every_form(date: str) -> None:
    assert parse_http_date(date) == PUBLISHED_SECONDS


@pytest.mark.parametrize("value", [None, *NOT_A_DATE], ids=lambda value: repr(value)[:40])
def test_an_invalid_date_is_none(value: str | None) -> None:
    assert parse_http_date(value) is None
