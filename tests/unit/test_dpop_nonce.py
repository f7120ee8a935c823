from __future__ import annotations

import pytest

from helseid_fn.http.dpop_nonce import asks_for_nonce, read_nonce
from tests.support.parts import make_response


@pytest.mark.parametrize("nonce", ["a", "eyJ7S_zG.eyJH0-Z.HX4w-7v", "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", "x" * 2048])
def test_a_nonce_is_read(nonce: str) -> None:
    assert read_nonce({"DPoP-Nonce": nonce}) == nonce


def test_white_space_around_a_nonce_is_removed() -> None:
    assert read_nonce({"DPoP-Nonce": " \tabc "}) == "abc"


@pytest.mark.parametrize("nonce", ["", "  ", "a b", 'a"b', "a\\b", "a\nb", "a\x00b", "æ", "x" * 2049])
def test_a_nonce_that_cannot_be_sent_is_none(nonce: str) -> None:
    assert read_nonce({"DPoP-Nonce": nonce}) is None


def test_a_response_without_a_nonce_has_none() -> None:
    assert read_nonce({}) is None


@pytest.mark.parametrize("name", ["dpop-nonce", "DPOP-NONCE", "DPoP-Nonce"])
def test_the_nonce_header_may_be_in_any_case(name: str) -> None:
    assert read_nonce(make_response(200, **{name: "abc"}).headers) == "abc"


NONCE_CHALLENGE = 'DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"'


@pytest.mark.parametrize(
    ("status", "challenge", "error", "expected"),
    [
        pytest.param(400, None, "use_dpop_nonce", True, id="token endpoint: 400 and the member"),
        pytest.param(401, NONCE_CHALLENGE, None, True, id="API: 401 and the challenge"),
        pytest.param(401, "DPoP error=use_dpop_nonce", None, True, id="API: the error as a token"),
        pytest.param(401, f"Bearer, {NONCE_CHALLENGE}", None, True, id="API: after another challenge"),
        pytest.param(401, 'dpop ERROR = "use_dpop_nonce"', None, True, id="API: in another case and with spaces"),
        pytest.param(400, None, "invalid_client", False, id="token endpoint: another error"),
        pytest.param(400, None, None, False, id="token endpoint: no error"),
        pytest.param(400, None, ["use_dpop_nonce"], False, id="token endpoint: the error in a list"),
        pytest.param(400, NONCE_CHALLENGE, None, False, id="400 with a challenge"),
        pytest.param(401, None, "use_dpop_nonce", False, id="401 with a member"),
        pytest.param(403, NONCE_CHALLENGE, "use_dpop_nonce", False, id="another status"),
        pytest.param(200, NONCE_CHALLENGE, "use_dpop_nonce", False, id="success"),
        pytest.param(401, 'DPoP realm="use_dpop_nonce"', None, False, id="API: another parameter"),
        pytest.param(401, 'DPoP realm="error=use_dpop_nonce"', None, False, id="API: inside another parameter"),
        pytest.param(401, 'DPoP error="use_dpop_nonce_blocklist"', None, False, id="API: a longer error"),
        pytest.param(401, 'Bearer error="use_dpop_nonce"', None, False, id="API: another scheme"),
        pytest.param(401, None, None, False, id="API: no challenge"),
    ],
)
def test_a_challenge_for_a_nonce_is_recognized(status: int, challenge: str | None, error: object, *, expected: bool) -> None:
    headers = {"WWW_Authenticate": challenge} if challenge else {}
    assert asks_for_nonce(make_response(status, {"error": error}, **headers)) is expected


def test_a_nonce_header_alone_is_no_challenge() -> None:
    assert not asks_for_nonce(make_response(400, {"error": "invalid_client"}, DPoP_Nonce="abc"))


@pytest.mark.parametrize("body", [b"", b"use_dpop_nonce", b'["use_dpop_nonce"]', b'{"error": "use_dpop_nonce"'])
def test_a_400_without_a_json_object_is_no_challenge(body: bytes) -> None:
    assert not asks_for_nonce(make_response(400, body, DPoP_Nonce="abc"))
