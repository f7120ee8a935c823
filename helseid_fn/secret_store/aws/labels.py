"""What Secrets Manager knows of a version's key: when it was stored, and in a staging label when it expires; pure.

The label is such as `expires-20270501T100000Z`: AWS fixes the text of a version before the key is registered, so that the
expiry cannot be in the JWK itself.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_LABEL = re.compile(r"expires-([0-9]{8}T[0-9]{6}Z)")
_LABEL_TIME = "%Y%m%dT%H%M%SZ"


def build_label(expires_at: int) -> str:
    """Return the staging label that says when a version's key expires."""
    return f"expires-{datetime.fromtimestamp(expires_at, UTC).strftime(_LABEL_TIME)}"


def is_label(label: str) -> bool:
    """Return whether a staging label says an expiry."""
    return _LABEL.fullmatch(label) is not None


def read_created(created: object) -> int | None:
    """Return a version's `CreatedDate` in seconds since the epoch; boto3 has a datetime, and the extension its text.

    None when it is neither.
    """
    try:
        moment = datetime.fromisoformat(created) if isinstance(created, str) else created
    except ValueError:
        return None
    return int(moment.timestamp()) if isinstance(moment, datetime) else None


def read_expiry(labels: object) -> int | None:
    """Return the expiry that a version's staging labels say, the earliest of several; None when none does."""
    listed = labels if isinstance(labels, list) else []
    found = [match[1] for label in listed if isinstance(label, str) and (match := _LABEL.fullmatch(label))]
    try:
        return min((int(datetime.strptime(each, _LABEL_TIME).replace(tzinfo=UTC).timestamp()) for each in found), default=None)
    except ValueError:
        return None
