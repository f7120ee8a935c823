"""What may pass by itself: whether a request is sent again, after what pause, and when to give up; pure."""

from __future__ import annotations

from helseid_fn.errors import Party, Unreachable
from helseid_fn.http.failures import Loss
from helseid_fn.http.messages import Answer, parse_http_date

MAX_TRANSIENT_RETRIES = 2
"""A transient fault is retried at most this often for one request."""

FIRST_PAUSE_SECONDS = 0.2


def pause_before_retry(outcome: Answer | Loss, retries: int, *, idempotent: bool, now: float, random: float) -> float | None:
    """Return how many seconds to wait before sending again, or None when the outcome stands.

    `retries` is how often it was sent again already; `now` is wall-clock seconds, for a `Retry-After` date; `random` is uniform
    in [0, 1). What is not idempotent is sent again only when the server cannot have acted on it.
    """
    if retries >= MAX_TRANSIENT_RETRIES:
        return None
    if isinstance(outcome, Loss):
        if outcome.reason in ("tls", "http") or (outcome.acted and not idempotent):
            return None
        # The first connection to be lost had as a rule died in its sleep; a new one helps at once.
        first_loss = outcome.reason == "connection_lost" and retries == 0
        return 0.0 if first_loss else pause_seconds(retries, random)
    if not is_transient(outcome) or (outcome.status != 429 and not idempotent):
        return None
    asked_seconds = parse_retry_after(outcome.headers.get("Retry-After"), now)
    return pause_seconds(retries, random) if asked_seconds is None else float(asked_seconds)


def check_available(party: Party, answer: Answer, now: float) -> None:
    """Raise `Unreachable` when the answer is a 429 or a 5xx; `now` is wall-clock seconds, for a `Retry-After` date."""
    if not is_transient(answer):
        return
    reason, meaning = (
        ("rate_limited", "asks for fewer requests") if answer.status == 429 else ("server_error", "could not answer")
    )
    retry_after_seconds = parse_retry_after(answer.headers.get("Retry-After"), now)
    wait = "" if retry_after_seconds is None else f" in {retry_after_seconds} s"
    detail = f"{party.as_subject} {meaning} (status {answer.status}); try again{wait}, and check how it is doing."
    raise Unreachable(party, reason, detail, retry_after_seconds=retry_after_seconds)


def is_transient(answer: Answer) -> bool:
    """Tell whether the server says that it cannot answer now: 429 or 5xx."""
    return answer.status == 429 or answer.status >= 500


def pause_seconds(retries_done: int, random: float) -> float:
    """Return the jittered pause before the next try: between half and the whole of 0.2 s, doubled with every try.

    `random` is uniform in [0, 1).
    """
    return FIRST_PAUSE_SECONDS * (1 << retries_done) * (0.5 + random / 2)


def parse_retry_after(value: str | None, now: float) -> int | None:
    """Parse a `Retry-After` header (RFC 9110 section 10.2.3) into whole seconds from now; None when absent or unreadable.

    `now` is wall-clock seconds since the epoch.
    """
    value = (value or "").strip()
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    at = parse_http_date(value)
    return None if at is None else max(0, round(at - now))
