from __future__ import annotations

import pytest

from helseid_fn.errors import InvalidResponse
from helseid_fn.oauth.metadata import Metadata, parse_metadata
from tests.support.parts import ISSUER, NOW, make_response

ENDPOINT = f"{ISSUER}/connect/token"
GOOD = {"issuer": ISSUER, "token_endpoint": ENDPOINT, "jwks_uri": "x", "unknown": {"a": [1]}}


def invalid(status: int = 200, body: object = None, issuer: str = ISSUER) -> InvalidResponse:
    with pytest.raises(InvalidResponse) as raised:
        parse_metadata(make_response(status, body), issuer, NOW)
    return raised.value


def test_reads_issuer_and_token_endpoint() -> None:
    assert parse_metadata(make_response(200, GOOD), ISSUER, NOW) == Metadata(ISSUER, ENDPOINT, NOW)


@pytest.mark.parametrize("issuer", ["https://helseid.example.no/tenant/one", "http://127.0.0.1:8080"])
def test_takes_an_issuer_with_a_path_or_on_loopback(issuer: str) -> None:
    response = make_response(200, {"issuer": issuer, "token_endpoint": f"{issuer}/connect/token"})
    assert parse_metadata(response, issuer, NOW).token_endpoint == f"{issuer}/connect/token"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'"x"', b"null"])
def test_a_body_that_is_no_json_object_is_no_metadata(body: bytes) -> None:
    assert invalid(200, body).code == "helseid.invalid_response.metadata"


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404])
def test_another_status_is_no_metadata(status: int) -> None:
    error = invalid(status, GOOD)
    assert (error.code, str(status) in str(error)) == ("helseid.invalid_response.metadata", True)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    assert invalid(status, b"").code == "helseid.invalid_response.redirect"


def test_the_sentence_names_the_address() -> None:
    assert f"{ISSUER}/.well-known/openid-configuration" in str(invalid(404, b""))


@pytest.mark.parametrize(
    "named",
    [f"{ISSUER}/", ISSUER.upper(), "https://evil.example", ISSUER.replace("https", "http"), None, [ISSUER], ""],
    ids=["with a slash", "in capitals", "another", "http", "null", "a list", "empty"],
)
def test_the_issuer_must_equal_the_setting(named: object) -> None:
    error = invalid(200, {**GOOD, "issuer": named})
    assert (error.code, ISSUER in str(error)) == ("helseid.invalid_response.issuer_mismatch", True)


def test_metadata_without_issuer_is_refused() -> None:
    assert invalid(200, {"token_endpoint": ENDPOINT}).code == "helseid.invalid_response.issuer_mismatch"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (None, "is missing"),
        (7, "is missing"),
        ([ENDPOINT], "is missing"),
        ("", "characters"),
        ("/connect/token", "is not an https URL"),
        ("http://helseid-sts.test.nhn.no/connect/token", "must be https"),
        ("http://127.0.0.1/connect/token", "is not https, although the issuer is"),
        ("https://user@helseid-sts.test.nhn.no/connect/token", "user name"),
        ("https://helseid-sts.test.nhn.no/connect/../token", "segment in its path"),
        ("ftp://helseid-sts.test.nhn.no/", "is not an https URL"),
    ],
)
def test_the_token_endpoint_must_be_usable(endpoint: object, words: str) -> None:
    error = invalid(200, {**GOOD, "token_endpoint": endpoint})
    assert (error.code, words in str(error)) == ("helseid.invalid_response.metadata", True)


def test_metadata_without_a_token_endpoint_is_refused() -> None:
    assert "token_endpoint in HelseID's metadata is missing" in str(invalid(200, {"issuer": ISSUER}))


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://other.example/token",
        "https://helseid-sts.test.nhn.no.evil.example/token",
        "https://helseid-sts.test.nhn.no:8443/token",
    ],
)
def test_a_token_endpoint_on_another_host_is_refused(endpoint: str) -> None:
    error = invalid(200, {"issuer": ISSUER, "token_endpoint": endpoint})
    assert error.code == "helseid.invalid_response.metadata"
    assert "TOKEN_ENDPOINT_HOST" in str(error)


def test_another_host_is_taken_if_the_settings_name_it() -> None:
    response = make_response(200, {"issuer": ISSUER, "token_endpoint": "https://other.example:8443/token"})
    metadata = parse_metadata(response, ISSUER, NOW, token_endpoint_host="OTHER.example:8443")
    assert metadata.token_endpoint == "https://other.example:8443/token"
