from __future__ import annotations

import json

import pytest

from helseid_fn.context import Context
from helseid_fn.error_codes import REFUSED_REASONS, Party
from helseid_fn.errors import HelseidFnError, InvalidResponse, Refused
from helseid_fn.keys.signing_key import SigningKey, parse_signing_key
from helseid_fn.oauth.token_errors import HID_REMEDIES, REMEDIES, parse_token_error
from standin import make_jwk
from tests.support.parts import CLIENT_ID, ISSUER, NOW, make_context, make_key, make_response

SCOPES = frozenset({"nhn:a/b", "nhn:c/d"})
DATE_OF_NOW = "Fri, 15 Jan 2027 08:00:00 GMT"


def explain(
    error: object = "invalid_request",
    description: object = None,
    *,
    kid: str = "my-kid",
    now: float = NOW,
    date: str | None = DATE_OF_NOW,
    ctx: Context | None = None,
    key: SigningKey | None = None,
) -> HelseidFnError:
    body = {"error": error} if description is None else {"error": error, "error_description": description}
    headers = {"Date": date} if date else {}
    response = make_response(400, body, **headers)
    key = key or make_key("ES256", kid)
    return parse_token_error(
        response, key, client_id=CLIENT_ID, issuer=ISSUER, scopes=SCOPES, now=now, ctx=ctx or make_context()
    )


KNOWN = [reason for reason in REFUSED_REASONS[Party.HELSEID] if reason not in ("scope_not_granted", "other")]


@pytest.mark.parametrize("error", KNOWN)
def test_every_oauth_error_has_its_own_code(error: str) -> None:
    refusal = explain(error)
    assert (type(refusal), refusal.code) == (Refused, f"helseid.refused.{error}")


@pytest.mark.parametrize("error", [error for error in KNOWN if error != "invalid_client"])
def test_every_oauth_error_names_its_remedy(error: str) -> None:
    assert REMEDIES[error].format(scopes="nhn:a/b, nhn:c/d") in str(explain(error))


@pytest.mark.parametrize("error", ["invalid_scope", "invalid_target"])
def test_a_refused_scope_is_named_with_all_requested(error: str) -> None:
    assert "nhn:a/b, nhn:c/d" in str(explain(error))


@pytest.mark.parametrize("error", ["interaction_required", "server_error", "use_dpop_nonce", "noe_galt"])
def test_an_unknown_error_keeps_its_word(error: str) -> None:
    refusal = explain(error)
    assert (refusal.code, f"the token request: {error}." in str(refusal)) == ("helseid.refused.other", True)


def test_every_reason_has_a_remedy() -> None:
    assert set(REMEDIES) == set(REFUSED_REASONS[Party.HELSEID]) - {"invalid_client", "scope_not_granted", "other"}


def test_a_refusal_keeps_helseids_own_words() -> None:
    assert "the token request: invalid_request (HID-1001: Ugyldig organisasjonsnummer)." in str(
        explain(description="HID-1001: Ugyldig organisasjonsnummer")
    )


def test_the_ten_hid_codes_are_explained() -> None:
    assert list(HID_REMEDIES) == [f"HID-{number}" for number in range(1001, 1011)]


@pytest.mark.parametrize("code", HID_REMEDIES)
@pytest.mark.parametrize("words", ["{}", "{}: text", "Invalid parent [{}]", "feil ({})."])
def test_a_hid_code_names_its_remedy(code: str, words: str) -> None:
    assert str(explain(description=words.format(code))).endswith(f". {HID_REMEDIES[code]}")


def test_every_hid_code_has_a_remedy_of_its_own() -> None:
    assert len(set(HID_REMEDIES.values())) == len(HID_REMEDIES)


def test_an_unknown_hid_code_falls_back_on_its_error() -> None:
    assert str(explain(description="HID-9999: nytt")).endswith(f"(HID-9999: nytt). {REMEDIES['invalid_request']}")


@pytest.mark.parametrize("description", [None, "", 7, ["a"], {}])
def test_a_refusal_without_a_description_keeps_the_error(description: object) -> None:
    assert "refused the token request: invalid_request. " in str(explain(description=description))


def test_invalid_client_says_what_to_compare() -> None:
    sentence = str(explain("invalid_client"))
    words = (f"client id {CLIENT_ID}", "kid my-kid", "alg ES256", "Selvbetjening", "clock", "its expiry", ISSUER, "20 s")
    assert [each for each in words if each not in sentence] == []
    assert "the key (no kid" in str(explain("invalid_client", kid=""))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        pytest.param(NOW, "right by HelseID's", id="the same"),
        pytest.param(NOW + 1, "right by HelseID's", id="a second ahead"),
        pytest.param(NOW - 1, "right by HelseID's", id="a second behind"),
        pytest.param(NOW + 3, "about 3 s ahead of HelseID's", id="tolerable"),
    ],
)
@pytest.mark.parametrize("error", ["invalid_client", "invalid_dpop_proof"])
def test_a_tolerable_clock_difference_stands_last(error: str, now: float, words: str) -> None:
    sentence = str(explain(error, now=now))
    assert sentence.endswith(f"This machine's clock is {words}.")
    assert "NTP" not in sentence


@pytest.mark.parametrize(
    ("now", "words"),
    [
        pytest.param(NOW + 30, "about 30 s ahead of", id="ahead"),
        pytest.param(NOW - 30, "about 30 s behind", id="behind"),
        pytest.param(NOW + 29.6, "about 29 s ahead of", id="ahead by a fraction"),
        pytest.param(NOW - 3600, "about 60 min behind", id="an hour"),
    ],
)
@pytest.mark.parametrize("error", ["invalid_client", "invalid_dpop_proof"])
def test_a_clock_that_is_off_stands_first(error: str, now: float, words: str) -> None:
    what = "the client" if error == "invalid_client" else "the token request"
    assert str(explain(error, now=now)) == (
        f"This machine's clock is {words} HelseID's: synchronize it (NTP). HelseID refused {what}: {error}."
    )


def test_an_expired_key_stands_first() -> None:
    key = parse_signing_key(json.dumps(make_jwk("ES256")), expires_at=int(NOW))
    assert str(explain("invalid_client", key=key)) == (
        "The client key expired on 2027-01-15: replace it. HelseID refused the client: invalid_client."
    )


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_without_a_date_the_clock_is_not_compared(date: str | None) -> None:
    assert "clock is not compared" in str(explain("invalid_client", date=date))


@pytest.mark.parametrize(("now", "noted"), [(NOW + 30, 30), (NOW - 30, -30), (NOW, 0)])
@pytest.mark.parametrize("error", ["invalid_client", "invalid_scope", "other"])
def test_every_refusal_notes_the_clock_difference(error: str, now: float, noted: int) -> None:
    ctx = make_context()
    explain(error, now=now, ctx=ctx)
    assert ctx.facts == {"clock_difference_seconds": noted}


@pytest.mark.parametrize("error", [None, "", 7, ["invalid_client"], {}])
def test_a_response_without_an_oauth_error_is_invalid(error: object) -> None:
    refusal = explain(error)
    assert (type(refusal), refusal.code) == (InvalidResponse, "helseid.invalid_response.token_response")


@pytest.mark.parametrize("body", [b"", b"<html>HUSH</html>", b"[]"])
def test_a_refusal_that_is_no_json_object_is_not_shown(body: bytes) -> None:
    refusal = parse_token_error(
        make_response(403, body), make_key(), client_id=CLIENT_ID, issuer=ISSUER, scopes=SCOPES, now=NOW, ctx=make_context()
    )
    assert (refusal.code, "HUSH" in str(refusal), "403" in str(refusal)) == (
        "helseid.invalid_response.token_response",
        False,
        True,
    )


@pytest.mark.parametrize("where", ["error", "description"])
@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ",
        "jvN3kSiCkAbS1vWnVkDrdvLXqMrhkvrJ7vmqKQFKgTsa9Xb1",
    ],
    ids=["a JWS", "base64"],
)
def test_a_secret_in_helseid_s_words_is_redacted(where: str, secret: str) -> None:
    refusal = explain(f"bad {secret}") if where == "error" else explain(description=f"bad {secret}")
    assert (secret in str(refusal), "bad [redacted]" in str(refusal)) == (False, True)


@pytest.mark.parametrize("control", ["\n", "\r\n", "\x00", "\x1b[31m", "\x85", "\u2028"])
def test_control_characters_in_the_words_are_removed(control: str) -> None:
    assert control not in str(explain(description=f"one{control}two"))


def test_helseid_s_words_are_bounded() -> None:
    assert len(str(explain("a " * 5000, "b " * 5000))) < 1000


def test_lone_surrogates_in_helseid_s_words_do_no_harm() -> None:
    assert isinstance(str(explain("bad \ud800", "worse \udfff")), str)


def test_a_kid_that_is_a_thumbprint_is_shown_whole() -> None:
    kid = make_key().kid
    assert kid is not None
    assert f"kid {kid}," in str(explain("invalid_client", kid=kid))


def test_invalid_client_keeps_helseids_own_words() -> None:
    assert "invalid_client (HID-1008: no)" in str(explain("invalid_client", "HID-1008: no"))
