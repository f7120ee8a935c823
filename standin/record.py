"""The exchanges of a stand-in: every request it received, and its response."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from standin import jose
from standin.messages import Headers, Request, Response
from standin.refusals import Refusal

MAX_EXCHANGES = 20_000
"""Older exchanges are removed; for secrets the limit is ten times as high."""

Party = Literal["helseid", "api", "selvbetjening", "secret_manager"]


@dataclass(frozen=True)
class Exchange:
    """One request and its response; `status` is None as long as there is no response.

    `checks` are those that the request passed, in order; the one that it failed is the refusal's detail.
    `claims` contains the unverified claims of the request's assertion, proof and token. `connection` numbers the
    connections of a party, so that a test can recognise a reused one.
    """

    number: int
    party: Party
    kind: str
    method: str
    target: str
    headers: Headers
    body: bytes
    form: Mapping[str, str]
    claims: Mapping[str, Any]
    started_at: float
    connection: int = 0
    status: int | str | None = None
    response_headers: Headers = ()
    response_body: bytes = b""
    refusal: Refusal | None = None
    checks: tuple[str, ...] = ()
    fault: str | None = None
    duration_seconds: float = 0.0

    @property
    def json(self) -> Any:
        """The request's body parsed as JSON; None if it is not JSON."""
        return _json(self.body)

    @property
    def response_json(self) -> Any:
        """The response's body parsed as JSON; None if it is not JSON."""
        return _json(self.response_body)

    def values(self, name: str) -> list[str]:
        """Return every value of a request header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


class Record:
    """A thread-safe list of exchanges; a request counts as soon as it has been read."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._exchanges: dict[int, Exchange] = {}
        self._secrets: dict[str, None] = {}
        self._next = 1
        self.listeners: list[Callable[[Exchange], None]] = []

    def begin(self, exchange: Exchange) -> Exchange:
        """Record a request and return it with its number."""
        with self._lock:
            numbered = replace(exchange, number=self._next)
            self._next += 1
            self._exchanges[numbered.number] = numbered
            _trim(self._exchanges, MAX_EXCHANGES)
        return numbered

    def finish(self, exchange: Exchange) -> None:
        """Record the response, unless the record has been reset since the request."""
        with self._lock:
            if exchange.number in self._exchanges:
                self._exchanges[exchange.number] = exchange
        for listener in self.listeners:
            listener(exchange)

    def exchanges(self, kind: str | None = None) -> list[Exchange]:
        """Return every exchange, or those of one kind, in the order of arrival."""
        with self._lock:
            return [exchange for exchange in self._exchanges.values() if kind in (None, exchange.kind)]

    def keep_secrets(self, texts: Iterable[str]) -> None:
        """Record texts that must not appear anywhere else."""
        with self._lock:
            self._secrets.update((text, None) for text in texts if text)
            _trim(self._secrets, 10 * MAX_EXCHANGES)

    def secrets(self) -> list[str]:
        """Return every issued token, received assertion and proof, and the private members of every stored key."""
        with self._lock:
            return list(self._secrets)

    def reset(self) -> None:
        """Remove the exchanges and the secrets."""
        with self._lock:
            self._exchanges.clear()
            self._secrets.clear()


def _trim(entries: dict[Any, Any], limit: int) -> None:
    """Remove the oldest entries; a dictionary keeps the order of insertion."""
    while len(entries) > limit:
        del entries[next(iter(entries))]


def read_claims(request: Request, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the unverified claims of a request's assertion, proof and token, each with its header under `header`."""
    texts = {"assertion": form.get("client_assertion"), "proof": request.header("DPoP"), "token": _token(request)}
    return {name: claims for name, text in texts.items() if text and (claims := _unverified(text))}


def find_secrets(request: Request, form: Mapping[str, str]) -> list[str]:
    """Return the credentials in a request."""
    tokens = [value.partition(" ")[2] for value in request.values("Authorization")]
    return [*tokens, *request.values("DPoP"), form.get("client_assertion", "")]


def find_issued_tokens(response: Response) -> list[str]:
    """Return the access token in a response, if there is one."""
    members = _json(response.body)
    token = members.get("access_token") if isinstance(members, dict) else None
    return [token] if isinstance(token, str) else []


def _token(request: Request) -> str:
    return (request.header("Authorization") or "").partition(" ")[2]


def _unverified(text: str) -> dict[str, Any] | None:
    try:
        read = jose.read(text)
    except jose.MalformedError:
        return None
    return {**read.claims, "header": read.header}
