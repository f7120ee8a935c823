"""Decides whether a request is sent again, and after which pause; pure."""

from __future__ import annotations

from random import SystemRandom
from typing import Any

from helseid_fn.error_codes import Party
from helseid_fn.errors import Unavailable
from helseid_fn.http.failures import Failure
from helseid_fn.http.messages import Response, parse_http_date

MAX_TRANSIENT_RETRIES = 2
"""The limit for one request."""

FIRST_PAUSE_SECONDS = 0.2

draw_jitter = SystemRandom().random
"""Returns a number in [0, 1) of the system's: a generator that is seeded at import would repeat in each copy of a snapshot."""

NEEDS_NEW_CONNECTION = frozenset({408, 421, 425})
"""The server gave up on this request on this connection: RFC 9110 sections 15.5.9 and 15.5.20, RFC 8470 section 5.2."""

NOT_PROCESSED = NEEDS_NEW_CONNECTION | {429}
"""The statuses by which a server says that it has not processed the request and that it may be sent again."""


def pause_before_retry(
    outcome: Response | Failure, retries: int, *, idempotent: bool, now: float, random: float
) -> float | None:
    """Return how many seconds to wait before the request is sent again, or None if the outcome is final.

    `retries` counts the retries so far; `now` is wall-clock seconds, for a `Retry-After` date; `random` is uniform in [0, 1).
    A request that is not idempotent is sent again only when the server cannot have processed it.
    """
    if retries >= MAX_TRANSIENT_RETRIES:
        return None
    if isinstance(outcome, Failure):
        if outcome.final or (outcome.processed and not idempotent):
            return None
        # The first lost connection is usually a kept one that had died while idle, and a new one helps at once.
        died_idle = outcome.reason == "connection_lost" and retries == 0
        return 0.0 if died_idle else pause_seconds(retries, random)
    if not is_transient(outcome.status) or (outcome.status not in NOT_PROCESSED and not idempotent):
        return None
    requested_seconds = parse_retry_after(outcome.headers.get("Retry-After"), now)
    return pause_seconds(retries, random) if requested_seconds is None else float(requested_seconds)


def may_be_processed(outcome: Response | Failure, party: Party, *, idempotent: bool) -> bool:
    """Return whether nobody may send the request again unasked: it is not idempotent, and the API may have processed it.

    Only an API's: a token request changes nothing, and a rotation looks first whether Selvbetjening has its key.
    """
    if idempotent or party is not Party.API:
        return False
    return outcome.processed if isinstance(outcome, Failure) else outcome.status not in NOT_PROCESSED


def check_available(party: Party, response: Response, now: float, *, body: Any = None, idempotent: bool = True) -> None:
    """Raise `Unavailable` when the response is transient; `now` is wall-clock seconds, for a `Retry-After` date.

    `body` is the response's body as the caller receives it, where the response is an API's.
    """
    if not is_transient(response.status):
        return
    reason, what = ("rate_limited", "asks for fewer requests") if response.status == 429 else ("server_error", "failed")
    retry_after_seconds = parse_retry_after(response.headers.get("Retry-After"), now)
    processed = may_be_processed(response, party, idempotent=idempotent)
    wait = "" if retry_after_seconds is None else f" in {retry_after_seconds} s"
    remedy = "" if processed else f" Try again{wait}; if it goes on, check its status."
    raise Unavailable(
        party,
        reason,
        f"{party.as_subject} {what} (status {response.status}).{remedy}",
        status=response.status,
        api_response={"status": response.status, "body": body} if party in (Party.API, Party.SELVBETJENING) else None,
        retry_after_seconds=retry_after_seconds,
        may_be_processed=processed,
    )


def is_transient(status: int) -> bool:
    """Return whether a server says with this status that it cannot process the request now: 408, 421, 425, 429 or 5xx."""
    return status in NOT_PROCESSED or status >= 500


def pause_seconds(retries_done: int, random: float) -> float:
    """Return the jittered pause before the next retry: between half of and all of 0.2 s, doubled with every retry.

    `random` is uniform in [0, 1).
    """
    return FIRST_PAUSE_SECONDS * (1 << retries_done) * (0.5 + random / 2)


def parse_retry_after(value: str | None, now: float) -> int | None:
    """Return a `Retry-After` header (RFC 9110 section 10.2.3) as whole seconds from now, or None if it is missing or invalid.

    `now` is wall-clock seconds since the epoch.
    """
    value = (value or "").strip()
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    at = parse_http_date(value)
    return None if at is None else max(0, round(at - now))
