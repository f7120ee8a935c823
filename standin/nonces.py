"""DPoP nonces (RFC 9449 section 8) made from the clock and a secret, so that none has to be stored."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

LIFETIME_SECONDS = 60
_TIME_BYTES = 8


class Nonces:
    """Makes nonces that tell when they were made, and knows its own.

    Duende IdentityServer does the same with a protected timestamp: a nonce lives for a minute and may be used often.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Read the time from this clock."""
        self._now = now
        self._secret = secrets.token_bytes(32)

    def make(self) -> str:
        """Make the nonce of this second."""
        moment = int(self._now()).to_bytes(_TIME_BYTES, "big")
        return base64.urlsafe_b64encode(moment + self._seal(moment)).rstrip(b"=").decode()

    def refusal(self, nonce: object) -> str | None:
        """Say why a nonce is not good, or nothing when it is."""
        try:
            raw = base64.urlsafe_b64decode(str(nonce) + "=" * (-len(str(nonce)) % 4))
        except ValueError:
            return "the nonce is not one of ours"
        moment, seal = raw[:_TIME_BYTES], raw[_TIME_BYTES:]
        if not hmac.compare_digest(seal, self._seal(moment)):
            return "the nonce is not one of ours"
        age = self._now() - int.from_bytes(moment, "big")
        return "the nonce is older than a minute" if age > LIFETIME_SECONDS else None

    def rotate(self) -> None:
        """Make every nonce given out so far worthless."""
        self._secret = secrets.token_bytes(32)

    def _seal(self, moment: bytes) -> bytes:
        return hmac.new(self._secret, moment, hashlib.sha256).digest()[:16]
