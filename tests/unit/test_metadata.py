from __future__ import annotations

import pytest

from helseid_fn.errors import Garbled
from helseid_fn.oauth.metadata import Metadata, parse_metadata
from tests.support.parts import ISSUER, NOW, make_answer

ENDPOINT = f"{ISSUER}/connect/token"
GOOD = {"issuer": ISSUER, "token_endpoint": ENDPOINT, "jwks_uri": "x", "unknown": {"a": [1]}}


def garbled(status: int = 200, body: object = None, issuer: str = ISSUER) -> Garbled:
    with pytest.raises(Garbled) as raised:
        parse_metadata(make_answer(status, body), issuer, NOW)
    return raised.value


def test_reads_what_is_used() -> None:
    assert parse_metadata(make_answer(200, GOOD), ISSUER, NOW) == Metadata(ISSUER, ENDPOINT, NOW)


@pytest.mark.parametrize("issuer", ["https://helseid.example.no/tenant/one", "http://127.0.0.1:8080"])
def test_takes_an_issuer_with_a_path_and_one_on_this_machine(issuer: str) -> None:
    answer = make_answer(200, {"issuer": issuer, "token_endpoint": f"{issuer}/connect/token"})
    assert parse_metadata(answer, issuer, NOW).token_endpoint == f"{issuer}/connect/token"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'"x"', b"null"])
def test_what_is_no_json_object_is_no_metadata(body: bytes) -> None:
    assert garbled(200, body).code == "helseid.garbled.metadata"


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404])
def test_another_status_is_no_metadata(status: int) -> None:
    error = garbled(status, GOOD)
    assert (error.code, f"status {status}" in str(error)) == ("helseid.garbled.metadata", True)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    assert garbled(status, b"").code == "helseid.garbled.redirect"


def test_the_sentence_names_the_address() -> None:
    assert f"{ISSUER}/.well-known/openid-configuration" in str(garbled(404, b""))


@pytest.mark.parametrize(
    "named",
    [f"{ISSUER}/", ISSUER.upper(), "https://evil.example", ISSUER.replace("https", "http"), None, [ISSUER], ""],
    ids=["with a slash", "in capitals", "another", "http", "null", "a list", "empty"],
)
def test_the_issuer_must_be_the_setting_s_to_the_letter(named: object) -> None:
    error = garbled(200, {**GOOD, "issuer": named})
    assert (error.code, ISSUER in str(error)) == ("helseid.garbled.issuer_mismatch", True)


def test_metadata_without_issuer_is_refused() -> None:
    assert garbled(200, {"token_endpoint": ENDPOINT}).code == "helseid.garbled.issuer_mismatch"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (None, "is missing"),
        (7, "is missing"),
        ([ENDPOINT], "is missing"),
        ("", "characters"),
        ("/connect/token", "is not a web address"),
        ("http://helseid-sts.test.nhn.no/connect/token", "must be https"),
        ("http://127.0.0.1/connect/token", "is not https, although the issuer is"),
        ("https://user@helseid-sts.test.nhn.no/connect/token", "user name"),
        ("https://helseid-sts.test.nhn.no/connect/../token", "segments"),
        ("ftp://helseid-sts.test.nhn.no/", "is not a web address"),
    ],
)
def test_the_token_endpoint_must_be_an_address_that_may_be_used(endpoint: object, words: str) -> None:
    error = garbled(200, {**GOOD, "token_endpoint": endpoint})
    assert (error.code, words in str(error)) == ("helseid.garbled.metadata", True)


def test_metadata_without_a_token_endpoint_is_refused() -> None:
    assert "token_endpoint in HelseID's metadata is missing" in str(garbled(200, {"issuer": ISSUER}))
