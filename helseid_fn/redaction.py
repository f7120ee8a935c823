"""Removes from other parties' words whatever could be used to call something; pure."""

from __future__ import annotations

import re

REDACTED = "[redacted]"

# Tokens, assertions, proofs, keys and their members are long unbroken runs of base64 characters.
_RUN = re.compile(r"[A-Za-z0-9_\-+/=.~%]{40,}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{40,}")
# Overrides of direction too, which make a line read otherwise, and halves of surrogate pairs: UTF-8 cannot encode them, and a
# host that logs or forwards a raised error would crash.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def quote(words: str, max_length: int = 300) -> str:
    """Return another party's words on one line, bounded, with anything that may be a secret redacted."""
    line = _RUN.sub(_redact_random, drop_controls(words)).strip()
    return line if len(line) <= max_length else f"{line[:max_length]}…"


def drop_controls(words: str) -> str:
    """Return the words with a space in place of what a terminal would obey, and of what UTF-8 cannot encode."""
    return _CONTROL.sub(" ", words)


def _redact_random(run: re.Match[str]) -> str:
    """Redact a run that mixes cases, as random base64 does, or is all hexadecimal; scopes, addresses and UUIDs are neither."""
    text = run.group()
    return text if text in (text.lower(), text.upper()) and not _HEXADECIMAL.search(text) else REDACTED
