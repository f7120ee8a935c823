from __future__ import annotations

import pytest

from helseid_fn.api.json_response import JsonResponse, read_json_response
from helseid_fn.api.refusal import check_response
from helseid_fn.errors import Refused
from helseid_fn.http.challenges import parse
from helseid_fn.keys.signing_key import generate_proof_key
from tests.support.parts import ISSUER, NOW, make_response, make_token


def refused(status: int, challenge: str = "", location: str = "", body: object = None) -> Refused:
    with pytest.raises(Refused) as raised:
        check_response(JsonResponse(status, body, parse(challenge), location), make_token())
    return raised.value


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_a_2xx_is_a_success(status: int) -> None:
    check_response(JsonResponse(status, None), make_token())


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
    assert " and insufficient_scope." in str(error)
    told = {"error": "insufficient_scope", "error_description": "Need more.", "scope": "nhn:e/f"}
    assert error.api_response == {"status": 403, "body": None, **told}


@pytest.mark.parametrize("error", ["01017012345", "Ola_Nordmann", "invalid_token_for_01017012345"])
def test_an_unknown_error_is_for_the_caller_alone(error: str) -> None:
    refusal = refused(401, f'DPoP error="{error}", scope="{error}"')
    assert (error in str(refusal), " and an error of its own." in str(refusal)) == (False, True)
    assert (refusal.api_response or {})["error"] == error


def test_an_api_s_description_is_not_for_the_log() -> None:
    """The sentence is logged, and a description may be about a person."""
    assert "01017012345" not in str(refused(401, 'DPoP error="invalid_token", error_description="person 01017012345"'))


def test_a_secret_in_the_api_s_words_is_redacted() -> None:
    secret = generate_proof_key().sign({"typ": "JWT"}, {"iss": "me"})
    assert secret not in str(refused(401, f'DPoP error="{secret}", error_description="{secret}"'))


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://other.example/patient/HUSH?token=HUSH", "points to https://other.example."),
        ("https://user:HUSH@other.example/", "points to no usable address."),
        ("/patient/HUSH?token=HUSH", "points to another path of its own."),
        ("//HUSH.example/", "points to no usable address."),
        ("HUSH", "points to no usable address."),
        ("", "points to no usable address."),
        ("https://[HUSH", "points to no usable address."),
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
    response = read_json_response(make_response(status, None, **headers), sent_secrets=("AbC.dEf",), now=NOW)
    with pytest.raises(Refused) as raised:
        check_response(response, make_token())
    assert "AbC.dEf" not in f"{raised.value} {raised.value.api_response}"


def sentence(
    error: str = "invalid_token", *, by_api: int | None = 0, by_helseid: int | None = 0, token: str = "the-token"
) -> str:
    challenge = f'DPoP error="{error}"' if error else ""
    response = JsonResponse(401, None, parse(challenge), clock_seconds_ahead=by_api)
    with pytest.raises(Refused) as raised:
        check_response(response, make_token(token, clock_seconds_ahead=by_helseid))
    return str(raised.value)


OF_TOKEN_OR_PROOF = ("invalid_token", "invalid_dpop_proof", "")


@pytest.mark.parametrize("error", OF_TOKEN_OR_PROOF, ids=lambda error: error or "no error")
@pytest.mark.parametrize(
    ("by_api", "by_helseid", "words"),
    [
        (-8, None, "about 8 s behind the API's: synchronize it (NTP)."),
        (-8, -8, "about 8 s behind the API's and HelseID's: synchronize it (NTP)."),
        (-8, 0, "about 8 s behind the API's but right by HelseID's: report it to the operators of the API."),
        (3600, 2, "about 60 min ahead of the API's and HelseID's: synchronize it (NTP)."),
    ],
)
def test_a_clock_that_the_api_finds_off_stands_first(error: str, by_api: int, by_helseid: int | None, words: str) -> None:
    found = sentence(error, by_api=by_api, by_helseid=by_helseid)
    assert found.startswith(f"This machine's clock is {words} The API responded with 401")


@pytest.mark.parametrize("error", OF_TOKEN_OR_PROOF, ids=lambda error: error or "no error")
def test_a_right_clock_is_not_to_be_synchronized(error: str) -> None:
    found = sentence(error)
    assert found.endswith("This machine's clock is right by the API's.")
    assert "NTP" not in found


def token_for(**claims: object) -> str:
    return generate_proof_key().sign({"typ": "at+jwt"}, {"iss": ISSUER, **claims})


@pytest.mark.parametrize("error", ["invalid_token", ""], ids=lambda error: error or "no error")
def test_a_token_for_two_apis_stands_first(error: str) -> None:
    token = token_for(aud=["nhn:a", "nhn:b"])
    found = sentence(error, token=token)
    assert found.startswith("The token is for nhn:a and nhn:b, but NHN's APIs take a token for one API: ")
    assert token not in found


@pytest.mark.parametrize("audience", ["nhn:a", ["nhn:a"]])
def test_a_refused_token_is_told_by_its_purpose(audience: object) -> None:
    token = token_for(aud=audience)
    found = sentence(token=token)
    assert f" The token is for nhn:a, from {ISSUER}." in found
    assert token not in found


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": []},
        {"aud": [7]},
        {"aud": {}},
        {"aud": "01017012345 Ola"},
        {"aud": "a" * 201},
        {"aud": "nhn:a", "iss": "a b"},
    ],
    ids=["none", "empty", "a number", "an object", "a blank in it", "long", "no issuer"],
)
def test_what_is_no_plain_name_is_not_told(claims: dict[str, object]) -> None:
    assert "The token is" not in sentence(token=token_for(**claims))


@pytest.mark.parametrize("token", ["opaque", "a.b", "a.b.c", "a.!!.c", "..", "a.bnVsbA.c"])
def test_a_token_that_is_no_jwt_is_not_told(token: str) -> None:
    assert token not in sentence(token=token)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "the request is not valid"),
        (409, "conflicts"),
        (412, "If-Match"),
        (422, "the body is not valid"),
        (423, "clientLocked"),
        (428, "requires If-Match"),
    ],
)
def test_a_status_is_told_as_what_it_is(status: int, words: str) -> None:
    first, _, second = str(refused(status, body={"title": "HUSH"})).partition(". ")
    assert first.startswith(f"The API responded with {status}: ")
    assert words in first
    assert second == "Its words are not logged: read them in api.body of the response, or with helseid-fn call."


def test_words_are_promised_only_where_there_are_any() -> None:
    assert str(refused(409)).endswith("It sent no words that can be read.")
