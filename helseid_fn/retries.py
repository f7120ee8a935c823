"""Whether a request is sent again, and after what pause; pure."""

from __future__ import annotations

from helseid_fn.backoff import MAX_TRANSIENT_RETRIES, parse_retry_after, pause_seconds
from helseid_fn.exchange import Answer
from helseid_fn.losses import Loss

TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})


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
    if outcome.status not in TRANSIENT_STATUSES or (outcome.status != 429 and not idempotent):
        return None
    asked_seconds = parse_retry_after(outcome.headers.get("Retry-After"), now)
    return pause_seconds(retries, random) if asked_seconds is None else float(asked_seconds)
