"""One of Google's clients within our deadline: made at its first use, each of its requests bounded, counted and explained.

By themselves Google's clients wait for 60 s and retry for two minutes, and look for credentials as long as they like.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError

from helseid_fn.cloud_sdk import load_within_deadline, retry_transient
from helseid_fn.context import Context
from helseid_fn.delivery.google.errors import NO_CREDENTIALS
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, Refused, Unavailable
from helseid_fn.http.url import find_url_fault, is_loopback

# At DEBUG it logs what is sent, results and tokens included.
logging.getLogger("google.auth").setLevel(logging.WARNING)

_PARTY = Party.DELIVERY

Client = TypeVar("Client")
Done = TypeVar("Done")

Explain = Callable[[Exception, float], HelseidFnError]
"""Returns the error that an exception means, after a request that might take so many seconds."""


class GoogleSdk(Generic[Client]):
    """Sends requests with a client that it keeps until one fails; safe for threads."""

    def __init__(
        self,
        make: Callable[[], Client],
        raised: tuple[type[Exception], ...],
        explain: Explain,
        *,
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        """Take what makes the client, what its requests raise besides errors of authentication, and what that means."""
        self._make = make
        self._raised = raised
        self._explain = explain
        self._sleep = sleep
        self._random = random
        self._lock = threading.Lock()
        self._client: Client | None = None

    def request(self, work: Callable[[Client, float], Done], ctx: Context) -> Done:
        """Do the work, which sends one request within the seconds that it is given; it is retried at most twice.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`.
        """
        return self.retry(lambda: self.request_once(work, ctx), ctx)

    def retry(self, attempt: Callable[[], Done], ctx: Context) -> Done:
        """Return what the attempt returns; it is retried at most twice. Raises what the last one raises."""
        return retry_transient(attempt, ctx, sleep=self._sleep, random=self._random)

    def request_once(self, work: Callable[[Client, float], Done], ctx: Context) -> Done:
        """Do the work once. Raises what `request` raises."""
        client = self._open(ctx)
        timeout_seconds = min(ctx.check(_PARTY), ctx.attempt_seconds)

        def attempt() -> tuple[Done] | HelseidFnError:
            try:
                return (work(client, timeout_seconds),)
            except GoogleAuthError as error:
                return explain_credentials(error)
            except HelseidFnError as error:
                return error
            except self._raised as error:
                return self._explain(error, timeout_seconds)

        with ctx.request(_PARTY):
            try:
                # In a thread, because a limit on each read of a socket is none on the whole request.
                (done,) = load_within_deadline(attempt, ctx, name="delivery-google", party=_PARTY)
            except HelseidFnError as error:
                ctx.note_outcome(_PARTY, error.status or error.reason)
                if isinstance(error, Unavailable):
                    self._forget(client)
                raise
        ctx.note_outcome(_PARTY, "ok")
        return done

    def _open(self, ctx: Context) -> Client:
        """Return the client; two threads may both make one, of which the first is kept."""
        with self._lock:
            if self._client is not None:
                return self._client

        def make() -> Client | Refused:
            try:
                return self._make()
            except (GoogleAuthError, ValueError, OSError):
                return Refused(_PARTY, "unauthenticated", NO_CREDENTIALS)
            except Refused as refusal:
                return refusal

        made = load_within_deadline(make, ctx, name="google-credentials", party=_PARTY)
        with self._lock:
            self._client = self._client or made
            return self._client

    def _forget(self, client: Client) -> None:
        """Drop a client whose request failed: a gRPC channel would wait for up to two minutes before it connects again."""
        with self._lock:
            if self._client is client:
                self._client = None


def explain_credentials(error: GoogleAuthError) -> HelseidFnError:
    """Return what a failure to get an access token means: the metadata server may be back in a moment, a bad key is final."""
    if isinstance(error, TransportError) or isinstance(error.__cause__, TransportError) or error.retryable:
        detail = "Google's authorization server or metadata server could not be reached. Try again, and check Google's status."
        return Unavailable(_PARTY, "connect", detail)
    what = "refuses the credentials that were found" if isinstance(error, RefreshError) else "finds no usable credentials"
    return Refused(_PARTY, "unauthenticated", f"Google's client {what}. {NO_CREDENTIALS.partition('. ')[2]}")


def find_emulator(environ: Mapping[str, str], name: str) -> str | None:
    """Return the base URL of the emulator that a variable names, if it does.

    Raises `Refused` for one on another machine: nothing would authenticate it.
    """
    value = environ.get(name)
    if not value:
        return None
    url = value if "://" in value else f"http://{value}"
    if find_url_fault(url) is not None or not is_loopback(urlsplit(url).hostname or ""):
        raise Refused(_PARTY, "not_set_up", f"{name} is not an emulator's address on this machine. Correct it, or remove it.")
    return url.rstrip("/")
