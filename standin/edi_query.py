"""The query of EDI 2.0's notifications, read as strictly as NHN's page `notifications_engbmd` and ASP.NET Core have it."""

from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import parse_qsl

from standin.edi_problems import INVALID, EdiError

MAX_HER_IDS = 1500
MAX_PAGE = 1000
DEFAULT_PAGE = 100
_MAX_DIGITS = 18


@dataclass(frozen=True)
class Query:
    """Whose notifications are wanted, after which offset, and how many."""

    her_ids: list[int]
    offset: int
    count: int


def read_query(text: str) -> Query:
    """Read a query, whose names are in any case. A list is a repeated parameter. Raises `EdiError`."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in parse_qsl(text, keep_blank_values=True):
        found[name.lower()].append(value)
    her_ids = [_number(each) for each in found["herids"]]
    offset = _only(found["offset"])
    count = _only(found["notificationstofetch"] or [str(DEFAULT_PAGE)])
    faults = []
    if not 1 <= len(her_ids) <= MAX_HER_IDS or len(set(her_ids)) < len(her_ids) or None in her_ids:
        faults.append(f"HerIds must be 1 to {MAX_HER_IDS} whole numbers, each once, as a repeated parameter.")
    if offset is None:
        faults.append("Offset must be a whole number.")
    if count is None or not 1 <= count <= MAX_PAGE:
        faults.append(f"NotificationsToFetch must be between 1 and {MAX_PAGE}.")
    if faults or offset is None or count is None:
        raise EdiError(INVALID, "The query is wrong.", faults)
    return Query([each for each in her_ids if each is not None], offset, count)


def _only(texts: list[str]) -> int | None:
    return _number(texts[0]) if len(texts) == 1 else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
