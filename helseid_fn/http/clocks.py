"""How this machine's clock stands to a server's, by the `Date` of its answer (RFC 9110 section 6.6.1); pure."""

from __future__ import annotations

from helseid_fn.errors import Party
from helseid_fn.http.messages import Answer, parse_http_date


def read_seconds_ahead(answer: Answer, now: float) -> int | None:
    """Return by how many seconds our clock, `now`, is ahead of the answer's; negative when behind, None without a `Date`.

    `Date` is in whole seconds, and so is this.
    """
    theirs = parse_http_date(answer.headers.get("Date"))
    return None if theirs is None else round(now - theirs)


def describe_clock(seconds_ahead: int | None, party: Party) -> str:
    """Describe the difference in words that follow "this machine's clock is"."""
    if seconds_ahead is None:
        return f"not compared, since {party.in_text}'s answer had no Date"
    if abs(seconds_ahead) <= 1:
        return f"right by {party.in_text}'s"
    return f"{abs(seconds_ahead)} s {'ahead of' if seconds_ahead > 0 else 'behind'} {party.in_text}'s"
