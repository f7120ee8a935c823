"""What is wrong with the environment beyond what a parser sees: stray characters around a value, misspelt names; pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import takewhile
from typing import Any

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"  # not white space to Python, but pasted as easily
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb"
_OWN_WORDS = ("HELSEID", "SELVBETJENING", "ROTATION", "DEADLINE")
"""First words of our settings that no other program's variables begin with."""


def trim(text: str) -> str:
    """Return the text without white space and invisible characters around it."""
    trimmed = text.strip().strip(_INVISIBLE)
    return trimmed if trimmed == text else trim(trimmed)


def describe_surroundings(text: str) -> str:
    """Return what `trim` removes, in words."""
    if not text.isspace() and set(_INVISIBLE) & set(text):
        return "invisible characters"
    return "a carriage return" if "\r" in text else "white space"


_CORRECTIONS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("has white space around it; remove it", trim),
    ("is in quotes; remove them", lambda text: text.strip(_QUOTES)),
    ("must be in capitals", str.upper),
    ("has an invisible character within it; type it anew", lambda text: text.translate(dict.fromkeys(map(ord, _INVISIBLE)))),
)


def explain_fault(text: str, parse: Callable[[str], Any], fault: str) -> str:
    """Return the one correction that would make the value valid, else the parser's own words for its fault."""

    def is_valid(corrected: str) -> bool:
        try:
            parse(corrected)
        except ValueError:
            return False
        return True

    corrections = ((words, correct(text)) for words, correct in _CORRECTIONS)
    return next((words for words, corrected in corrections if corrected not in (text, "") and is_valid(corrected)), fault)


def describe_misspelt(environ: Mapping[str, str], settings: Collection[str]) -> tuple[str, ...]:
    """Return a sentence without its full stop for each variable that looks like a setting but is not."""
    absent = [setting for setting in settings if not environ.get(setting)]
    faults = []
    for name in sorted(set(environ) - set(settings)):
        nearest = next((setting for setting in absent if _is_near(name.upper(), setting)), None)
        if nearest is not None:
            faults.append(f"{name} is not a setting and has no effect; {nearest} is one")
        elif name.upper().split("_")[0] in _OWN_WORDS:
            faults.append(f"{name} is not a setting and has no effect; check its spelling")
    return tuple(faults)


def _is_near(name: str, setting: str) -> bool:
    """Return whether the name is the setting's beginning, or differs from it in one place by two letters at most."""
    if name[:1] != setting[0] and name[-1:] != setting[-1]:
        return False  # most variables, at every cold start
    same_start, same_end = _count_common(name, setting), _count_common(name[::-1], setting[::-1])
    edited = max(len(name), len(setting)) - same_start - same_end
    return edited <= (2 if len(setting) > 7 else 1) or (len(name) > 5 and setting.startswith(f"{name}_"))


def _count_common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
