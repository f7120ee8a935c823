from __future__ import annotations

import pytest

from helseid_fn.api.json_response import JsonResponse, read_json_response, rejects_token
from helseid_fn.error_codes import Party
from helseid_fn.errors import InvalidResponse, Unavailable
from tests.support.parts import NOW, make_response


def response_of(status: int, body: object, content_type: str | None = "application/json", **headers: str) -> JsonResponse:
    if content_type:
        headers["Content_Type"] = content_type
    return read_json_response(make_response(status, body, **headers), sent_secrets=(), now=NOW)


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        pytest.param(b'{"a": ["\xc3\xa6"]}', "application/json", {"a": ["æ"]}, id="JSON"),
        pytest.param(b"[1]", "application/json; charset=utf-8", [1], id="JSON with a charset"),
        pytest.param(b"{}", "Application/FHIR+JSON", {}, id="FHIR"),
        pytest.param(b"null", "application/json", None, id="null"),
        pytest.param(b"\xef\xbb\xbf{}", "application/json", {}, id="JSON after a BOM"),
        pytest.param(b'"\\ud800"', "application/json", "\ud800", id="a lone surrogate"),
        pytest.param(b"{}", None, "{}", id="no type: text"),
        pytest.param(b'"\xe6"', "application/json; charset=ISO-8859-1", "æ", id="JSON in its charset"),
        pytest.param('"æ"'.encode("utf-16"), "application/json; charset=utf-16", "æ", id="JSON in UTF-16"),
        pytest.param('"æ"'.encode(), "application/json; charset=ISO-8859-1", "æ", id="JSON in UTF-8 whatever it says"),
        pytest.param(b"", "application/json", None, id="nothing"),
        pytest.param(b"", None, None, id="nothing of no type"),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 403])
def test_reads_the_body(body: bytes, content_type: str | None, value: object, status: int) -> None:
    assert response_of(status, body, content_type) == JsonResponse(status, value)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        pytest.param("hei på deg".encode(), "text/plain", "hei på deg", id="text"),
        pytest.param(b"<a/>", "application/xml", "<a/>", id="XML"),
        pytest.param(b"<a/>", "application/soap+xml", "<a/>", id="XML by its suffix"),
        pytest.param(b"a;b", "text/csv", "a;b", id="CSV"),
        pytest.param("æ".encode("latin-1"), "text/plain;charset=latin-1", "æ", id="text in Latin-1"),
        pytest.param("æ".encode("utf-32"), "text/plain; charset=UTF-32", "æ", id="text in UTF-32"),
        pytest.param("€".encode("iso8859-15"), "text/plain; charset=iso-8859-15", "€", id="text in Latin-9"),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 403])
def test_text_comes_with_its_type(body: bytes, content_type: str, text: str, status: int) -> None:
    assert response_of(status, body, content_type) == JsonResponse(status, text, headers={"content-type": content_type})


BINARY = [
    pytest.param(b"\x89PNG\xff", "image/png", id="an image"),
    pytest.param(b"%PDF-1.7", "application/pdf", id="a document in ASCII"),
    pytest.param(b"\xff", "text/plain", id="text that is not in its charset"),
    pytest.param(b"a", "Application/Vnd.Own; v=1", id="a type of their own"),
]


@pytest.mark.parametrize(("body", "content_type"), BINARY)
def test_other_bytes_come_as_they_are(body: bytes, content_type: str) -> None:
    assert response_of(200, body, content_type) == JsonResponse(200, body, headers={"content-type": content_type})


def test_no_other_party_s_body_may_be_bytes() -> None:
    received = make_response(200, b"\xff", Content_Type="text/ola-nordmann")
    with pytest.raises(InvalidResponse, match="bytes of another type, which is neither JSON nor plain text") as raised:
        read_json_response(received, Party.SELVBETJENING, sent_secrets=(), now=NOW)
    assert "nordmann" not in str(raised.value)


def test_a_secret_among_other_bytes_is_redacted() -> None:
    secret = "eyJhbGciOiJFUzI1NiJ9.c2VjcmV0LXNlY3JldA.c2lnbmF0dXJl"
    received = make_response(200, b"\xff" + secret.encode() + b"\x00\xfe", Content_Type="application/octet-stream")
    body = read_json_response(received, sent_secrets=(secret,), now=NOW).body
    assert body == b"\xff[redacted]\x00\xfe"


UNREADABLE = [
    pytest.param(b"{", "application/json", "broken JSON", id="broken JSON"),
    pytest.param(b"<html>", "application/json", "broken JSON", id="HTML that says it is JSON"),
    pytest.param(b'{"a": NaN}', "application/json", "broken JSON", id="NaN"),
    pytest.param(b'{"a": -Infinity}', "application/json", "broken JSON", id="-Infinity"),
    pytest.param(b"1e400", "application/json", "broken JSON", id="a number beyond a double"),
    pytest.param(b"9" * 5000, "application/json", "broken JSON", id="an integer of 5000 digits"),
    pytest.param(b"[" * 100_000, "application/json", "broken JSON", id="deep nesting"),
    pytest.param(b'"\xe6"', "application/json", "broken JSON", id="JSON that is not UTF-8"),
    pytest.param(b"<html>sign in</html>", "text/html; charset=utf-8", "text/html", id="HTML"),
    pytest.param(b"<html>\xff", "text/html", "text/html", id="HTML that is not UTF-8"),
]


@pytest.mark.parametrize(("body", "content_type", "words"), UNREADABLE)
def test_an_unreadable_success_is_an_invalid_response(body: bytes, content_type: str | None, words: str) -> None:
    with pytest.raises(InvalidResponse, match=f"200.*{words}") as raised:
        response_of(200, body, content_type)
    assert raised.value.code == "api.invalid_response.body"


@pytest.mark.parametrize(("body", "content_type", "words"), UNREADABLE)
def test_an_unreadable_refusal_keeps_its_status(body: bytes, content_type: str | None, words: str) -> None:
    del words
    assert response_of(403, body, content_type).status == 403


@pytest.mark.parametrize("body", [b"{broken", b"<html>no</html>"])
@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
def test_a_refusal_keeps_its_text(body: bytes, content_type: str) -> None:
    assert response_of(403, body, content_type).body == body.decode()


def test_an_unavailable_api_s_response_is_kept() -> None:
    with pytest.raises(Unavailable) as raised:
        response_of(503, b"down for lunch", "text/plain")
    assert raised.value.api_response == {"status": 503, "body": "down for lunch"}


@pytest.mark.parametrize(
    ("challenge", "error"),
    [
        (None, None),
        ("DPoP", None),
        ('DPoP error="invalid_token"', "invalid_token"),
        ('Bearer error="invalid_token"', "invalid_token"),
        ('DPoP algs="ES256", Bearer error="b", DPoP error="c"', "b"),
    ],
)
def test_the_error_is_the_first_that_a_challenge_names(challenge: str | None, error: str | None) -> None:
    headers = {"WWW_Authenticate": challenge} if challenge else {}
    found = response_of(401, b"", **headers).error
    assert (found.parameters["error"] if found else None) == error


@pytest.mark.parametrize(
    ("status", "challenge", "expected"),
    [
        (401, 'DPoP error="invalid_token"', True),
        (401, 'Bearer error="invalid_token"', True),
        (401, 'DPoP error="other", Bearer error="invalid_token"', True),
        (401, "DPoP", False),
        (401, "", False),
        (401, 'DPoP error="invalid_dpop_proof"', False),
        (403, 'DPoP error="invalid_token"', False),
        (200, 'DPoP error="invalid_token"', False),
    ],
)
def test_only_a_401_for_the_token_asks_for_another(status: int, challenge: str, *, expected: bool) -> None:
    assert rejects_token(make_response(status, b"", WWW_Authenticate=challenge)) is expected
