"""Accounts for every token: each token request must have a reason."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from standin import Exchange, jose

ENDS_TOKENS = ("a revocation", "a restart of HelseID")
"""What ends a token early, besides a new key; a restart may have lost the response that contained it."""


@dataclass
class Ledger:
    """Filled from a stand-in's record; times are those of the stand-in's clock."""

    margin_seconds: float
    """How long before its expiry a token may be replaced."""
    happened_at: dict[str, float] = field(default_factory=dict)
    """When each kind of happening, such as a revocation, last occurred."""
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    _granted: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, exchange: Exchange) -> None:
        """Record a completed exchange; for a token request, its reason or its refusal."""
        with self._lock:
            self.counts[f"{exchange.kind} {exchange.status}"] += 1
            if exchange.kind == "token" and exchange.status == 200:
                assertion = exchange.claims["assertion"]
                whose, kid = json.dumps(assertion["assertion_details"]), assertion["header"]["kid"]
                self.reasons[self._reason(whose, kid, exchange.started_at)] += 1
                ends_at = jose.read(exchange.response_json["access_token"]).claims["exp"]
                self._granted[whose] = (exchange.started_at, ends_at, kid)
            elif exchange.refusal is not None and exchange.kind in ("token", "api"):
                self.reasons[f"refused: {exchange.refusal.detail}"] += 1

    def _reason(self, whose: str, kid: str, requested_at: float) -> str:
        """Return why a token was requested: what ended the one before it, or that there was none."""
        if whose not in self._granted:
            return "the first"
        before, ends_at, former_kid = self._granted[whose]
        # HelseID counts whole seconds, and a request takes a fraction of one.
        if requested_at >= ends_at - self.margin_seconds - 1:
            return "the one before had ended"
        if kid != former_kid:
            return "after a new key"
        since = [name for name in ENDS_TOKENS if self.happened_at.get(name, 0) >= before]
        return f"after {since[0]}" if since else "no reason"

    def count(self) -> Mapping[str, Mapping[str, int]]:
        """Return all counts."""
        with self._lock:
            return {"counts": dict(self.counts), "reasons": dict(self.reasons)}
