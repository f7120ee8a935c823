from __future__ import annotations

import pytest

from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.redaction import REDACTED, quote
from standin import make_jwk


@pytest.mark.parametrize(
    "words",
    [
        "",
        "invalid_request",
        "Authorization server requires nonce in DPoP proof",
        "HID-1004: Ugyldig organisasjonsnummer 99997777",
        "Client 9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10 is unknown",
        "https://helseid-sts.nhn.no",
        "nhn:test-public-samplecode/client-credentials is not allowed",
        "https://helseid-sts.test.nhn.no/.well-known/openid-configuration",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "Blåbærsyltetøy på åsen",
    ],
)
def test_harmless_words_are_quoted_as_they_are(words: str) -> None:
    assert quote(words) == words


SECRETS = {
    "a JWS": generate_proof_key().sign({"typ": "JWT"}, {"iss": "me"}),
    "a part of a JWS": generate_proof_key().sign({"typ": "JWT"}, {"iss": "me"}).split(".")[2],
    "an EC d": make_jwk("ES256")["d"],
    "an RSA d": make_jwk("PS256")["d"],
    "an RSA p": make_jwk("PS256")["p"],
    "a hexadecimal handle": "0F" * 32 + "-1",
    "padded base64": "jvN3kSiCkAbS1vWnVkDrdvLXqMrhkvrJ7vmqKQFKgTsa9X+/==",
    "percent-encoded": "jvN3kSiCkAbS1vWnVkDrdvLXqMrhkvrJ7vmqKQFKgTsa9X%2B%2F",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_what_may_be_a_secret_is_redacted(secret: str) -> None:
    assert quote(f"bad token '{secret}' seen") == f"bad token '{REDACTED}' seen"


@pytest.mark.parametrize("control", ["\n", "\r\n", "\t", "\x00", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"], ids=ascii)
def test_control_characters_become_a_space(control: str) -> None:
    assert quote(f"one{control}two") == "one two"


@pytest.mark.parametrize("half", ["\ud83d", "\udc00\ud83d"], ids=ascii)
def test_a_quotation_fits_into_utf_8(half: str) -> None:
    assert quote(f"one{half}two 😀") == "one two 😀"


def test_white_space_around_words_is_removed() -> None:
    assert quote(" \n words \t") == "words"


@pytest.mark.parametrize(("length", "quoted"), [(300, "a " * 149 + "aa"), (302, "a " * 149 + "aa…")])
def test_words_are_bounded(length: int, quoted: str) -> None:
    assert quote(("a " * 149 + "aa" + "bb")[:length]) == quoted


def test_a_secret_at_the_bound_is_not_shown_in_part() -> None:
    secret = make_jwk("ES256")["d"]
    assert secret[:8] not in quote("a " * 145 + secret)
