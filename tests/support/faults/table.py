"""The fault matrix: what goes wrong, where, and what must come of it; the tests, `make faults` and the README read it here."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from tests.support.faults.conversation import JSON, Conversation, Fault

PLACES = (
    "Google Secret Manager",
    "AWS Secrets Manager",
    "AWS extension",
    "HelseID metadata",
    "HelseID token endpoint",
    "API",
)
HTML = b"<html><body>Sign in to the wireless network</body></html>"


class Absence(Enum):
    """What keeps a request from arriving at all."""

    REFUSED = auto()
    UNRESOLVED = auto()
    DEAF = auto()
    WRONG_NAME = auto()
    UNTRUSTED = auto()


@dataclass(frozen=True)
class Told:
    """The call fails with one of these codes (without their party) after so many requests."""

    codes: tuple[str, ...]
    requests: int

    def __str__(self) -> str:
        return f"`{self.codes[0]}`, {self.requests}"


@dataclass(frozen=True)
class Answered:
    """The call succeeds all the same, after so many requests to the party."""

    requests: int

    def __str__(self) -> str:
        return f"succeeds, {self.requests}"


@dataclass(frozen=True)
class Cannot:
    """There is no such case, for this reason."""

    reason: str

    def __str__(self) -> str:
        return f"({self.reason})"


Outcome = Told | Answered | Cannot


@dataclass(frozen=True)
class Row:
    """One fault, and its outcome at each place in turn."""

    fault: Fault | Absence
    outcomes: tuple[Outcome, Outcome, Outcome, Outcome, Outcome, Outcome]
    slow: bool = False
    """Whether it lasts until the time is up: a test gives little of it, and it may be up before the last request."""


def _send(data: bytes) -> Fault:
    def fault(conversation: Conversation) -> None:
        conversation.send(data)
        conversation.close()

    return fault


def _answer(status: int, body: bytes = b"", content_type: str = "text/plain", *headers: tuple[str, str]) -> Fault:
    return lambda conversation: conversation.send(conversation.compose(status, content_type, body, headers))


def _cut(conversation: Conversation) -> None:
    whole = conversation.real()
    conversation.send(whole[:-10])
    # A moment for the bytes to be read: a reset may overtake what the client has not fetched yet.
    conversation.pause(0.02)
    conversation.reset()


def _cut_and_close(conversation: Conversation) -> None:
    conversation.send(conversation.real()[:-10])
    conversation.close()


def _drip(conversation: Conversation) -> None:
    for octet in conversation.real():
        conversation.send(bytes([octet]))
        conversation.pause(0.05)


def _drip_the_end(conversation: Conversation) -> None:
    whole = conversation.real()
    conversation.send(whole[:-30])
    for octet in whole[-30:]:
        conversation.pause(0.1)
        conversation.send(bytes([octet]))


def _send_huge(conversation: Conversation) -> None:
    for piece in conversation.huge():
        conversation.send(piece)


def _told(code: str, requests: int) -> Told:
    return Told((code,), requests)


FROM_API = Answered(2)
"""The extension is asked once, then Secrets Manager itself."""
NO_RETRY_AFTER = Cannot("gRPC has no such header")
NO_NAME = Cannot("its address is 127.0.0.1")
NO_TLS = Cannot("it speaks no TLS")
ANY_JSON = Cannot("any JSON is an answer")


def _everywhere(code: str, requests: int = 3, *, at_secret_manager: int = 3) -> tuple[Outcome, ...]:
    manager, other = _told(code, at_secret_manager), _told(code, requests)
    return (manager, manager, FROM_API, other, other, other)


def _row(fault: Fault | Absence, *outcomes: Outcome, slow: bool = False) -> Row:
    first, second, third, fourth, fifth, sixth = outcomes
    return Row(fault, (first, second, third, fourth, fifth, sixth), slow)


LOST = _everywhere("unreachable.connection_lost")
BUSY = _everywhere("unreachable.rate_limited")
DOWN = _everywhere("unreachable.server_error")
NOT_HTTP = _everywhere("garbled.http", 1)
TLS: tuple[Outcome, ...] = (*[_told("unreachable.tls", 3)] * 2, NO_TLS, *[_told("unreachable.tls", 1)] * 3)
TIME_UP = ("deadline_exceeded", "unreachable.timeout")
SILENT = (Told(TIME_UP, 3), Told(TIME_UP, 3), FROM_API, Told(TIME_UP, 3), Told(TIME_UP, 3), Told(TIME_UP, 1))
GARBLED = (
    _told("garbled.http", 3),
    _told("garbled.http", 3),
    FROM_API,
    _told("garbled.metadata", 1),
    _told("garbled.token_answer", 1),
)

TABLE: dict[str, Row] = {
    "connection refused": _row(
        Absence.REFUSED, *(_everywhere("unreachable.connect")[:2]), Answered(1), *(_everywhere("unreachable.connect")[3:])
    ),
    "name not found": _row(
        Absence.UNRESOLVED, *(_everywhere("unreachable.dns")[:2]), NO_NAME, *(_everywhere("unreachable.dns")[3:])
    ),
    "connect timeout": _row(
        Absence.DEAF, Told(TIME_UP, 3), Told(TIME_UP, 3), Answered(1), *(_everywhere("unreachable.connect")[3:]), slow=True
    ),
    "read timeout": _row(lambda conversation: conversation.pause(None), *SILENT, slow=True),
    "slow drip": _row(_drip, *SILENT, slow=True),
    "slow drip of the end": _row(_drip_the_end, *SILENT, slow=True),
    "reset before an answer": _row(lambda conversation: conversation.reset(), *LOST),
    "reset in the middle of one": _row(_cut, *LOST),
    "closed before an answer": _row(lambda conversation: conversation.close(), *LOST),
    # boto3 does not compare an answer's length with the one announced.
    "closed in the middle of one": _row(_cut_and_close, LOST[0], _told("garbled.http", 3), *LOST[2:]),
    "429": _row(_answer(429), *BUSY),
    "429 with a long Retry-After": _row(
        _answer(429, b"", "text/plain", ("Retry-After", "3600")),
        NO_RETRY_AFTER,
        _told("unreachable.rate_limited", 3),
        FROM_API,
        *[_told("unreachable.rate_limited", 1)] * 3,
    ),
    "429 with an unreadable Retry-After": _row(
        _answer(429, b"", "text/plain", ("Retry-After", "soon")), NO_RETRY_AFTER, *BUSY[1:]
    ),
    "500": _row(_answer(500, b"Internal error"), *DOWN),
    "501": _row(_answer(501), *DOWN),
    "502": _row(_answer(502, HTML, "text/html"), *DOWN),
    "503": _row(_answer(503, json.dumps({"error": "temporarily_unavailable"}).encode(), JSON), *DOWN),
    "503 with a long Retry-After": _row(
        _answer(503, b"", "text/plain", ("Retry-After", "3600")),
        NO_RETRY_AFTER,
        _told("unreachable.server_error", 3),
        FROM_API,
        *[_told("unreachable.server_error", 1)] * 3,
    ),
    "504": _row(_answer(504), *DOWN),
    "HTML": _row(_answer(200, HTML, "text/html"), *GARBLED, _told("garbled.body", 1)),
    "JSON that breaks off": _row(_answer(200, b'{"issuer": ', JSON), *GARBLED, _told("garbled.body", 1)),
    "JSON of the wrong type": _row(lambda conversation: conversation.send(conversation.ill_typed()), *GARBLED, ANY_JSON),
    "JSON without its members": _row(lambda conversation: conversation.send(conversation.memberless()), *GARBLED, ANY_JSON),
    "the right JSON as text/html": _row(
        lambda conversation: conversation.send(conversation.real("text/html")), *[Answered(1)] * 5, _told("garbled.body", 1)
    ),
    "gzip that nobody asked for": _row(
        _answer(200, gzip.compress(b'{"a": 1}'), JSON, ("Content-Encoding", "gzip")), *NOT_HTTP
    ),
    "a body of 50 MB": _row(
        _send_huge,
        _told("refused.too_large", 1),
        _told("garbled.http", 3),
        FROM_API,
        *[_told("garbled.too_large", 1)] * 3,
    ),
    "redirect": _row(
        _answer(302, b"", "text/plain", ("Location", "http://127.0.0.1:9/elsewhere")),
        *GARBLED[:3],
        *[_told("garbled.redirect", 1)] * 2,
        _told("refused.redirect", 1),
    ),
    # The first bytes of TLS could be those of a long frame of HTTP/2, which then breaks off.
    "TLS where none is meant": _row(_send(b"\x16\x03\x01 this is not HTTP\r\n\r\n"), LOST[0], *NOT_HTTP[1:]),
    "another protocol": _row(_send(b"SSH-2.0-OpenSSH_9.9\r\n"), *NOT_HTTP),
    "a head without an end": _row(_send(b"HTTP/1.1 200 OK\r\nX-Pad: " + b"a" * 70_000), *NOT_HTTP),
    "a certificate for another name": _row(Absence.WRONG_NAME, *TLS),
    "a certificate of an authority that is not trusted": _row(Absence.UNTRUSTED, *TLS),
}  # fmt: skip


def render(told: Callable[[str, str, Outcome], str] = lambda _name, _place, outcome: str(outcome)) -> str:
    """Write the table in Markdown, each cell as `told` tells it from its fault, its place and its outcome."""
    lines = [("fault", *PLACES), ("---",) * (len(PLACES) + 1)]
    for name, row in TABLE.items():
        cells = zip(PLACES, row.outcomes, strict=True)
        lines.append((name, *(told(name, place, outcome) for place, outcome in cells)))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---").replace("--- |", "---|")
