"""Finds what we sent in what another party says, however it is spaced and escaped, and redacts it; pure.

Text is compared by its token characters alone (RFC 6750's b64token): escapes are decoded, and everything else is left out. A
text shows a secret when it shares 16 of them in a row with it.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from helseid_fn.redaction import REDACTED

SHOWN_LENGTH = 16
"""Fewer characters of a secret in a row show nothing of it: every JWT begins alike."""

_GRAM = 8
_STRIDE = SHOWN_LENGTH - _GRAM + 1
"""Of a run of 16 characters, the 8 that begin at a multiple of 9 are always a part."""

_FEW_GRAMS = 80
"""Up to so many of a text's, finding each within the secrets is faster than cutting the secrets into grams."""

_BLOCK_LENGTH, _OVERLAP_LENGTH = 65536, 16384
"""A large text is searched in blocks, since where each character of it comes from takes memory."""

_MAX_SEARCHED = 8
"""A search takes 0.1 s and more: in a text that is made to be searched everywhere, further blocks are redacted as a whole."""

_MAX_ROUNDS = 4  # of escapes within escapes
_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
_OTHERS = bytes(sorted(set(range(256)) - _TOKEN))
_HEX = "([2-7][0-9A-Fa-f])"
# One backslash is enough, since others are left out anyway. No part repeats without a bound: the time is linear.
_ESCAPE = re.compile(rf"\\u00{_HEX}|\\x{_HEX}|%{_HEX}|&#x0{{,6}}{_HEX};?|&#0{{,6}}([0-9]{{2,3}});?")


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """Return the text with everything redacted that shows one of these secrets."""
    if not may_show(text, secrets):
        return text
    redacted, end, searched = "", 0, 0
    for offset in range(0, len(text), _BLOCK_LENGTH):
        block = text[offset : offset + _BLOCK_LENGTH + _OVERLAP_LENGTH]
        if not may_show(block, secrets):
            continue
        searched += 1
        for start, stop in _find_echoes(block, secrets) if searched <= _MAX_SEARCHED else [(0, len(block))]:
            if offset + stop > end:
                redacted += text[end : offset + start] + (REDACTED if offset + start >= end else "")
                end = offset + stop
    return redacted + text[end:]


def redact_json(value: Any, secrets: tuple[str, ...]) -> Any:
    """Return a JSON value with every string and name redacted; as a whole, if it shows a secret in several of them."""
    redacted = _redact_within(value, secrets)
    text = json.dumps(redacted, ensure_ascii=False)
    return redacted if redact(text, secrets) == text else REDACTED


def may_show(text: str, secrets: tuple[str, ...]) -> bool:
    """Return whether the text may show one of these secrets: it has 8 characters of one; fast for a text that has none."""
    if not text:
        return False
    decoded = text
    for _ in range(_MAX_ROUNDS):
        if "\\" not in decoded and "%" not in decoded and "&" not in decoded:
            break
        decoded = _ESCAPE.sub(_character, decoded)
    plain = _plain(decoded)
    starts = range(0, len(plain) - _GRAM + 1, _STRIDE)
    shown: bytes | frozenset[bytes] = (
        b" ".join(map(_plain, secrets))  # a space is no token character, so no gram spans two of them
        if len(starts) <= _FEW_GRAMS
        else frozenset().union(*(_grams(secret, _GRAM) for secret in secrets))
    )
    if any(plain[start : start + _GRAM] in shown for start in starts):
        return True
    return any(_plain(secret) in plain for secret in secrets if len(secret) < SHOWN_LENGTH)


def _find_echoes(text: str, secrets: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return where everything begins and ends that shows a secret, in the order of the text."""
    decoded, spans = _decode(text)
    positions = [index for index, each in enumerate(decoded) if each.isascii() and ord(each) in _TOKEN]
    plain = "".join(decoded[index] for index in positions).encode()
    found = []
    for secret in secrets:
        length = min(SHOWN_LENGTH, len(_plain(secret)))
        windows = _grams(secret, length)
        starts = (start for start in range(len(plain) - length + 1) if plain[start : start + length] in windows)
        found += [(spans[positions[start]][0], spans[positions[start + length - 1]][1]) for start in starts]
    return sorted(found)


def _plain(text: str) -> bytes:
    """Return the token characters of a text."""
    return text.encode("ascii", "ignore").translate(None, _OTHERS)


@lru_cache(maxsize=64)
def _grams(secret: str, length: int) -> frozenset[bytes]:
    plain = _plain(secret)
    return frozenset(plain[start : start + length] for start in range(len(plain) - length + 1))


def _character(escape: re.Match[str]) -> str:
    *hexadecimal, decimal = escape.groups()
    code = int(decimal) if decimal else int(next(each for each in hexadecimal if each), 16)
    return chr(code)


def _decode(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text without its escapes, and where each character of it begins and ends in the text as it is."""
    decoded, spans = text, [(index, index + 1) for index in range(len(text))]
    for _ in range(_MAX_ROUNDS):
        pieces: list[str] = []
        moved: list[tuple[int, int]] = []
        end = 0
        for escape in _ESCAPE.finditer(decoded):
            start = escape.start()
            pieces += [decoded[end:start], _character(escape)]
            moved += [*spans[end:start], (spans[start][0], spans[escape.end() - 1][1])]
            end = escape.end()
        if end == 0:
            break
        decoded, spans = "".join(pieces) + decoded[end:], [*moved, *spans[end:]]
    return decoded, spans


def _redact_within(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {redact(name, secrets): _redact_within(each, secrets) for name, each in value.items()}
    return [_redact_within(each, secrets) for each in value] if isinstance(value, list) else value
