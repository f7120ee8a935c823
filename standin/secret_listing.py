"""The pages of `ListSecretVersions`."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from standin.secret import Version, refuse

_MAX_PAGE_SIZE = 25000
_STATES = {"ENABLED", "DISABLED", "DESTROYED"}


@dataclass(frozen=True)
class Page:
    """A page of versions and the token of the next one; with a filter the total is 0, as in the real service."""

    versions: Sequence[Version]
    next_token: str
    total_size: int


def select_page(versions: Sequence[Version], request: Any) -> Page:
    """Select by the request's filter, page_size and page_token, newest version first."""
    states = _states(request.filter)
    newest_first = [version for version in reversed(versions) if version.state in states]
    begin = _offset(request.page_token)
    end = begin + min(request.page_size or _MAX_PAGE_SIZE, _MAX_PAGE_SIZE)
    token = _token(end) if end < len(newest_first) else ""
    return Page(newest_first[begin:end], token, 0 if request.filter else len(newest_first))


def _states(filter_: str) -> set[str]:
    """Parse `state:ENABLED`, or several such terms joined by OR; other filters are not supported."""
    if not filter_:
        return _STATES
    terms = [term.strip().replace("=", ":").split(":") for term in filter_.split(" OR ")]
    if any(len(term) != 2 or term[0].strip() != "state" or term[1].strip() not in _STATES for term in terms):
        refuse("INVALID_ARGUMENT", f"The filter [{filter_}] is not state:ENABLED, state:DISABLED or state:DESTROYED.")
    return {state.strip() for _, state in terms}


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"from {offset}".encode()).decode()


def _offset(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token).decode()
    except ValueError:
        text = ""
    offset = text.removeprefix("from ") if token else "0"
    if not (offset.isascii() and offset.isdigit()):
        refuse("INVALID_ARGUMENT", "The page_token was not issued by this server.")
    return int(offset)
