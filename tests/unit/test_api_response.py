from __future__ import annotations

import pytest

from helseid_fn.api.response import ApiResponse, check_response, read_api_response
from helseid_fn.errors import InvalidResponse, Refused, Unavailable
from helseid_fn.http.challenges import parse
from helseid_fn.keys.signing_key import generate_proof_key
from tests.support.parts import NOW, make_response


def response_of(status: int, body: object, content_type: str | None = "application/json", **headers: str) -> ApiResponse:
    if content_type:
        headers["Content_Type"] = content_type
    return read_api_response(make_response(status, body, **headers), sent_secrets=(), now=NOW)


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        pytest.param(b'{"a": ["\xc3\xa6"]}', "application/json", {"a": ["æ"]}, id="JSON"),
        pytest.param(b"[1]", "application/json; charset=utf-8", [1], id="JSON with a charset"),
        pytest.param(b"{}", "Application/FHIR+JSON", {}, id="FHIR"),
        pytest.param(b"null", "application/json", None, id="null"),
        pytest.param(b"\xef\xbb\xbf{}", "application/json", {}, id="JSON after a BOM"),
        pytest.param(b'"\\ud800"', "application/json", "\ud800", id="a lone surrogate"),
        pytest.param("hei på deg".encode(), "text/plain", "hei på deg", id="text"),
        pytest.param(b"<a/>", "application/xml", "<a/>", id="XML"),
        pytest.param(b"{}", None, "{}", id="no type: text"),
        pytest.param(b"", "application/json", None, id="nothing"),
        pytest.param(b"", None, None, id="nothing of no type"),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 403])
def test_reads_the_body(body: bytes, content_type: str | None, value: object, status: int) -> None:
    assert response_of(status, body, content_type) == ApiResponse(status, value)


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
    pytest.param(b"\x89PNG\xff", "image/png", "image/png", id="an image"),
    pytest.param(b"\xff", None, "bytes of no stated type", id="bytes"),
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


def refused(status: int, challenge: str = "", location: str = "", body: object = None) -> Refused:
    with pytest.raises(Refused) as raised:
        check_response(ApiResponse(status, body, parse(challenge), location))
    return raised.value


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
    assert ApiResponse(status, None, parse(challenge)).rejects_token is expected


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_a_2xx_is_a_success(status: int) -> None:
    check_response(ApiResponse(status, None))


@pytest.mark.parametrize(
    ("status", "challenge", "reason"),
    [
        (401, "", "unauthorized"),
        (401, "DPoP", "unauthorized"),
        (401, 'DPoP error="invalid_token"', "invalid_token"),
        (401, 'DPoP error="invalid_dpop_proof"', "invalid_dpop_proof"),
        (401, 'DPoP error="noe_galt"', "unauthorized"),
        (401, 'DPoP error="redirect"', "unauthorized"),
        (401, 'DPoP error="other"', "unauthorized"),
        (403, "", "forbidden"),
        (403, 'DPoP error="insufficient_scope"', "insufficient_scope"),
        (404, "", "not_found"),
        (301, "", "redirect"),
        (302, "", "redirect"),
        (308, "", "redirect"),
        (400, "", "other"),
        (405, "", "other"),
        (409, "", "other"),
        (422, "", "other"),
    ],
)
def test_a_refusal_has_its_own_code(status: int, challenge: str, reason: str) -> None:
    assert refused(status, challenge).code == f"api.refused.{reason}"


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409])
def test_a_refusal_names_its_status(status: int) -> None:
    assert str(refused(status)).startswith(f"The API responded with {status}")


def test_a_refusal_keeps_the_api_s_own_words() -> None:
    challenge = 'DPoP error="insufficient_scope", error_description="Need more.", scope="nhn:e/f"'
    error = refused(403, challenge)
    assert " with insufficient_scope (nhn:e/f)." in str(error)
    assert (error.api_response or {})["error_description"] == "Need more."


def test_an_api_s_description_is_not_for_the_log() -> None:
    """The sentence is logged, and a description may be about a person."""
    assert "01017012345" not in str(refused(401, 'DPoP error="invalid_token", error_description="person 01017012345"'))


def test_a_secret_in_the_api_s_words_is_redacted() -> None:
    secret = generate_proof_key().sign({"typ": "JWT"}, {"iss": "me"})
    assert secret not in str(refused(401, f'DPoP error="{secret}", error_description="{secret}"'))


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://other.example/login?token=HUSH#HUSH", "points to https://other.example/login."),
        ("https://user:HUSH@other.example/", "points to https://other.example/."),
        ("/login?token=HUSH", "points to /login."),
        ("", "points to no address."),
        ("https://[HUSH", "points to no address."),
    ],
)
def test_a_redirect_says_where_it_points_and_no_more(location: str, words: str) -> None:
    sentence = str(refused(302, location=location))
    assert (words in sentence, "HUSH" in sentence) == (True, False)


def test_a_refusal_keeps_the_api_s_response() -> None:
    assert refused(409, body={"a": 1}).api_response == {"status": 409, "body": {"a": 1}}


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (401, {"WWW_Authenticate": 'DPoP error="bad AbC.dEf", scope="AbC.dEf", error_description="AbC.dEf"'}),
        (302, {"Location": "https://elsewhere.example/AbC.dEf"}),
    ],
)
def test_a_token_echoed_in_a_header_is_redacted(status: int, headers: dict[str, str]) -> None:
    response = read_api_response(make_response(status, None, **headers), sent_secrets=("AbC.dEf",), now=NOW)
    with pytest.raises(Refused) as raised:
        check_response(response)
    assert "AbC.dEf" not in f"{raised.value} {raised.value.api_response}"
