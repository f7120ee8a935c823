from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helseid_fn.echo import SHOWN_LENGTH, redact, redact_json
from helseid_fn.redaction import REDACTED

TOKEN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/="
SECRETS = st.text(TOKEN_CHARACTERS, min_size=40, max_size=200)
SPACES = st.sampled_from(["", "", "", " ", "\n", "\r\n\t", "\u200b", "\u00a0", "'", '"', ",", "|", "æ"])
ESCAPES = st.sampled_from(
    [
        lambda each: each,
        lambda each: f"\\u{ord(each):04x}",
        lambda each: f"\\\\u{ord(each):04X}",
        lambda each: f"%{ord(each):02x}",
        lambda each: f"%25{ord(each):02X}",
        lambda each: f"\\u0025{ord(each):02x}",
        lambda each: f"&#x{ord(each):x};",
        lambda each: f"&#{ord(each)};",
        lambda each: f"\\x{ord(each):02x}",
    ]
)


@st.composite
def echoes(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a secret, and a text that has it with any spacing, each character escaped in any way."""
    secret = draw(SECRETS)
    shown = "".join(draw(SPACES) + draw(ESCAPES)(each) for each in secret)
    return secret, draw(st.text(max_size=50)) + shown + draw(st.text(max_size=50))


def plain(text: str) -> str:
    """Undo every escape, and keep the characters of a token alone: written for this test and not as the function does it."""
    for _ in range(5):
        text = re.sub(r"\\+u00([2-7][0-9a-fA-F])", lambda found: chr(int(found[1], 16)), text)
        text = re.sub(r"\\+x([2-7][0-9a-fA-F])", lambda found: chr(int(found[1], 16)), text)
        text = re.sub(r"&#x0*([2-7][0-9a-fA-F]);?", lambda found: chr(int(found[1], 16)), text)
        text = re.sub(r"&#0*([0-9]{2,3});?", lambda found: chr(int(found[1])), text)
        text = re.sub(r"%([2-7][0-9a-fA-F])", lambda found: chr(int(found[1], 16)), text)
    return "".join(each for each in text if each in TOKEN_CHARACTERS)


def shown_length(secret: str, text: str) -> int:
    """Return how many characters of the secret the text has in a row."""
    found, text = 0, plain(text)
    for start in range(len(secret)):
        while start + found < len(secret) and secret[start : start + found + 1] in text:
            found += 1
    return found


@given(echoes())
def test_an_echo_shows_no_16_characters_whatever_its_form(echo: tuple[str, str]) -> None:
    secret, text = echo
    assert shown_length(secret, redact(text, (secret,))) < SHOWN_LENGTH


@given(SECRETS, st.integers(0, 100), st.integers(SHOWN_LENGTH, 60))
def test_a_part_of_a_secret_is_redacted_too(secret: str, start: int, length: int) -> None:
    part = secret[start : start + length]
    assert shown_length(secret, redact(f"an error: {part}!", (secret,))) < SHOWN_LENGTH


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_without_an_echo_stays_as_it_is(value: Any) -> None:
    assert redact_json(value, ("x" * 40,)) == value


@given(SECRETS, st.integers(1, 39))
def test_a_secret_split_over_several_strings_is_redacted(secret: str, at: int) -> None:
    redacted = redact_json({"a": [secret[:at], secret[at:]], secret: 1}, (secret,))
    assert shown_length(secret, json.dumps(redacted)) < SHOWN_LENGTH


def test_words_around_an_echo_stay() -> None:
    secret = "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJl"
    assert redact(f"bad token '{secret}' seen", (secret,)) == f"bad token '{REDACTED}' seen"


@pytest.mark.parametrize("text", ["", "no token here", "100 % æøå \\ &amp; \\u00e6", "%zz \\u12"])
def test_text_without_an_echo_stays_as_it_is(text: str) -> None:
    assert redact(text, ("a" * 20 + "b" * 20,)) == text


def test_nothing_is_redacted_without_secrets() -> None:
    assert (
        redact("eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJl", ()) == "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJl"
    )


@pytest.mark.parametrize("filler", ["\\", "%", "&#", "&#0", "\\u00", "a", "\\u0041", "%2525", "&#x0"])
def test_a_large_text_of_escapes_takes_linear_time(filler: str) -> None:
    """A quadratic one would take hours."""
    assert redact(filler * 500_000, ("Zz9-" * 20,)) == filler * 500_000


@pytest.mark.parametrize("before", [0, 65_530, 200_000, 5_000_000])
def test_an_echo_in_a_large_text_is_redacted(before: int) -> None:
    secret = "Zz9-" * 20
    assert redact("." * before + " " + secret + " end", (secret,)) == "." * before + f" {REDACTED} end"


def test_a_text_full_of_echoes_is_redacted_as_a_whole() -> None:
    secret = "".join(chr(65 + each % 26) + str(each) for each in range(40))
    text = ("word " * 10_000 + secret) * 20
    redacted = redact(text, (secret,))
    assert redacted.startswith("word ")
    assert redacted.endswith(REDACTED)
    assert plain(secret)[:SHOWN_LENGTH] not in redacted
