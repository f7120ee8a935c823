"""Stateless DPoP nonces (RFC 9449 section 8): a time with a MAC."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

LIFETIME_SECONDS = 60
_TIME_BYTES = 8


class Nonces:
    """Issues and checks nonces.

    As in Duende IdentityServer, a nonce is a protected timestamp; it lives for a minute and can be used repeatedly.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Read the time from this clock."""
        self._now = now
        self._secret = secrets.token_bytes(32)

    def make(self) -> str:
        """Return the nonce of this second."""
        time_bytes = int(self._now()).to_bytes(_TIME_BYTES, "big")
        return base64.urlsafe_b64encode(time_bytes + self._mac(time_bytes)).rstrip(b"=").decode()

    def refusal(self, nonce: object) -> str | None:
        """Return why a nonce is refused, or None if it is accepted."""
        try:
            raw = base64.urlsafe_b64decode(str(nonce) + "=" * (-len(str(nonce)) % 4))
        except ValueError:
            return "the nonce was not issued by this server"
        time_bytes, mac = raw[:_TIME_BYTES], raw[_TIME_BYTES:]
        if not hmac.compare_digest(mac, self._mac(time_bytes)):
            return "the nonce was not issued by this server"
        age = self._now() - int.from_bytes(time_bytes, "big")
        return "the nonce is older than a minute" if age > LIFETIME_SECONDS else None

    def rotate(self) -> None:
        """Invalidate every nonce issued so far."""
        self._secret = secrets.token_bytes(32)

    def _mac(self, time_bytes: bytes) -> bytes:
        return hmac.new(self._secret, time_bytes, hashlib.sha256).digest()[:16]
