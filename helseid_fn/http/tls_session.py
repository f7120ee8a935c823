"""The TLS session of an origin, which a later connection to it resumes: in TLS 1.2 that saves a round trip.

`docs/decisions/0016-sessions-of-tls-1-2-are-resumed.md` says why not TLS 1.3's, and what keeps a resumed connection verified.
"""

from __future__ import annotations

import ssl

MAX_SESSION_SECONDS = 60 * 60
"""The longest time after a certificate was verified that its session is resumed."""


class TlsSession:
    """The session of the last full handshake with one origin; safe for threads.

    A resumed connection verifies no certificate, so a session must not be offered to another origin.
    """

    def __init__(self) -> None:
        self._kept: tuple[ssl.SSLSession, float] | None = None

    def offer(self) -> ssl.SSLSession | None:
        """Return the session to resume, if there is one."""
        kept = self._kept
        return kept[0] if kept else None

    def keep(self, sock: ssl.SSLSocket) -> None:
        """Keep the session of a connection of TLS 1.2 that was verified, for an hour or until its certificate ends."""
        if sock.version() != "TLSv1.2" or sock.session_reused:
            return
        session, certificate = sock.session, sock.getpeercert()
        if session and certificate:
            ends_at = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
            self._kept = (session, min(session.time + MAX_SESSION_SECONDS, ends_at))

    def drop(self) -> None:
        """Have the next connection verify a certificate."""
        self._kept = None

    def drop_old(self, now: float) -> None:
        """Drop a session whose time is over, or that began later than now; `now` is wall-clock seconds."""
        kept = self._kept
        if kept and not kept[0].time <= now < kept[1]:
            self._kept = None
