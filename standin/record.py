"""What the stand-in received and what it answered, to count and to read."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from standin import jose
from standin.messages import Answer, Headers, Request
from standin.refusals import Refusal

LONGEST = 20_000
"""So many exchanges are kept, the newest; and ten times as many secrets."""

Party = Literal["helseid", "api", "selvbetjening", "secret_manager"]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; `status` is None while, or when, there is no answer.

    `claims` holds what the request's assertion, proof and token say, unverified. `connection` numbers the connections
    of a party, so that a test can tell a kept connection from a new one.
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
    answer_headers: Headers = ()
    answer_body: bytes = b""
    refusal: Refusal | None = None
    fault: str | None = None
    duration_seconds: float = 0.0

    @property
    def json(self) -> Any:
        """The request's body read as JSON, or nothing when it is not."""
        return _json(self.body)

    @property
    def answer_json(self) -> Any:
        """The answer's body read as JSON, or nothing when it is not."""
        return _json(self.answer_body)

    def values(self, name: str) -> list[str]:
        """Every value of a request header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


class Record:
    """A list of exchanges that many threads write and read; a request counts from the moment it was read."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.Lock()
        self._exchanges: dict[int, Exchange] = {}
        self._secrets: dict[str, None] = {}
        self._next = 1
        self.listeners: list[Callable[[Exchange], None]] = []

    def begin(self, exchange: Exchange) -> Exchange:
        """Write a request down and give it its number."""
        with self._lock:
            numbered = replace(exchange, number=self._next)
            self._next += 1
            self._exchanges[numbered.number] = numbered
            _trim(self._exchanges, LONGEST)
        return numbered

    def finish(self, exchange: Exchange) -> None:
        """Write down how a request was answered, unless it was wiped meanwhile."""
        with self._lock:
            if exchange.number in self._exchanges:
                self._exchanges[exchange.number] = exchange
        for listener in self.listeners:
            listener(exchange)

    def exchanges(self, kind: str | None = None) -> list[Exchange]:
        """Every exchange, or those of one kind, in the order of arrival."""
        with self._lock:
            return [exchange for exchange in self._exchanges.values() if kind in (None, exchange.kind)]

    def keep_secrets(self, texts: Iterable[str]) -> None:
        """Remember texts that must turn up nowhere else."""
        with self._lock:
            self._secrets.update((text, None) for text in texts if text)
            _trim(self._secrets, 10 * LONGEST)

    def secrets(self) -> list[str]:
        """Every token issued, every assertion and proof received, and the private parts of every key handed out."""
        with self._lock:
            return list(self._secrets)

    def reset(self) -> None:
        """Forget the exchanges and the secrets."""
        with self._lock:
            self._exchanges.clear()
            self._secrets.clear()


def _trim(kept: dict[Any, Any], most: int) -> None:
    """Drop the oldest: a dictionary keeps the order of insertion."""
    while len(kept) > most:
        del kept[next(iter(kept))]


def claims_in(request: Request, form: Mapping[str, str]) -> dict[str, Any]:
    """Read, unverified, what the assertion, proof and token of a request say, each with its header under `header`."""
    texts = {"assertion": form.get("client_assertion"), "proof": request.header("DPoP"), "token": _token(request)}
    return {name: claims for name, text in texts.items() if text and (claims := _unverified(text))}


def secrets_in(request: Request, form: Mapping[str, str]) -> list[str]:
    """List the texts in a request that could be used to call something."""
    tokens = [value.partition(" ")[2] for value in request.values("Authorization")]
    return [*tokens, *request.values("DPoP"), form.get("client_assertion", "")]


def issued_in(answer: Answer) -> list[str]:
    """Find the access token in an answer, if it has one."""
    members = _json(answer.body)
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
