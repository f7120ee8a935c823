"""Compares this machine's clock with another's, by the `Date` of a response; pure."""

from __future__ import annotations

import math

from helseid_fn.error_codes import Party
from helseid_fn.http.messages import Response, parse_http_date

MAX_DIFFERENCE_SECONDS = 3
"""A larger difference is a likely cause of a refusal: HelseID and the APIs allow about 5 s, and a second of it is not known."""

_UNITS = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def read_seconds_ahead(response: Response, now: float) -> int | None:
    """Return about how many seconds our clock, `now`, is ahead of the response's `Date`; None without a `Date`.

    Negative when our clock is behind. A `Date` is cut off to whole seconds, so the fraction of the difference is cut off too.
    """
    theirs = parse_http_date(response.headers.get("Date"))
    return None if theirs is None else math.floor(now - theirs)


def is_likely_cause(seconds_ahead: int | None) -> bool:
    """Return whether a difference is large enough for a refusal of what we signed."""
    return seconds_ahead is not None and abs(seconds_ahead) > MAX_DIFFERENCE_SECONDS


def describe_clock(seconds_ahead: int | None, party: Party) -> str:
    """Describe the difference in words that complete "This machine's clock is …"."""
    if seconds_ahead is None:
        return f"not compared, since {party.in_text}'s response had no Date"
    if abs(seconds_ahead) <= 1:
        return f"right by {party.in_text}'s"
    # The unit in which it is 2 or more: an hour's difference, a wrong time zone, is 60 min.
    size, unit = next((size, unit) for size, unit in _UNITS if abs(seconds_ahead) >= 2 * size)
    amount = f"about {round(abs(seconds_ahead) / size)} {unit}"
    return f"{amount} {'ahead of' if seconds_ahead > 0 else 'behind'} {party.in_text}'s"
