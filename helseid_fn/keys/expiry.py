"""When a client key expires: as Selvbetjening says it, as a secret manager keeps it, and as the log line shows it; pure.

A key that has been promoted keeps its expiry in the JWK itself, as `exp` (seconds since the epoch, as OpenID Federation 1.0
gives keys one). AWS fixes a version's text before the key is registered; there a staging label of the version holds it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

ASSUMED_LIFETIME_DAYS = 90
"""For a key whose expiry is not known, counted from when it was made."""

_DAY_SECONDS = 86400
_LABEL = re.compile(r"expires-([0-9]{8}T[0-9]{6}Z)")
_LABEL_TIME = "%Y%m%dT%H%M%SZ"
_LAST_SECOND = 253402300799  # of the year 9999, beyond which dates have no text


def parse_expiration(text: object) -> int | None:
    """Parse the `expiration` of Selvbetjening's answers (RFC 3339) into seconds since the epoch; None when it is not one."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return parse_numeric_date((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def parse_numeric_date(value: object) -> int | None:
    """Parse a JWK's `iat` or `exp` (NumericDate of RFC 7519); None when it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 < value <= _LAST_SECOND else None


def build_label(expires_at: int) -> str:
    """Return the staging label that tells when a version's key expires."""
    return f"expires-{datetime.fromtimestamp(expires_at, UTC).strftime(_LABEL_TIME)}"


def is_label(label: str) -> bool:
    """Tell whether a staging label is one that tells an expiry."""
    return _LABEL.fullmatch(label) is not None


def read_labels(labels: object) -> int | None:
    """Return the expiry that one of a version's staging labels tells, the earliest if several do; None when none does."""
    listed = labels if isinstance(labels, list) else []
    found = [match[1] for label in listed if isinstance(label, str) and (match := _LABEL.fullmatch(label))]
    try:
        return min((int(datetime.strptime(each, _LABEL_TIME).replace(tzinfo=UTC).timestamp()) for each in found), default=None)
    except ValueError:
        return None


def log_fields(expires_at: int | None, now: float) -> dict[str, Any]:
    """Return what the journal notes of a key's expiry: None, for nothing, when it is not known. `now` is wall-clock seconds."""
    if expires_at is None:
        return {"key_expires": None, "key_expires_in_days": None}
    moment = datetime.fromtimestamp(expires_at, UTC).isoformat().replace("+00:00", "Z")
    return {"key_expires": moment, "key_expires_in_days": round((expires_at - now) / _DAY_SECONDS, 2)}


def is_due(*, made_at: int | None, expires_at: int | None, now: float, share: float) -> bool:
    """Tell whether a key is to be replaced: when this share of its life is over.

    A key of which neither moment is known is due: the one that replaces it has both.
    """
    if made_at is None and expires_at is None:
        return True
    assumed_seconds = ASSUMED_LIFETIME_DAYS * _DAY_SECONDS
    starts_at = expires_at - assumed_seconds if made_at is None and expires_at is not None else made_at or 0
    ends_at = starts_at + assumed_seconds if expires_at is None else expires_at
    return now >= starts_at + share * (ends_at - starts_at)
