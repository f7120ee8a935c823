"""The fault matrix: each fault, each place, and the outcome; read by the tests, `make faults` and the documentation."""

import gzip
import json
import secrets
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
    "API (GET)",
    "API (POST)",
)
HTML = b"<html><body>Sign in to the wireless network</body></html>"


class Absence(Enum):
    """Faults that keep a request from arriving."""

    REFUSED = auto()
    UNRESOLVED = auto()
    DEAF = auto()
    WRONG_NAME = auto()
    UNTRUSTED = auto()


@dataclass(frozen=True)
class Fails:
    """The call fails with one of these codes (without their party) after this many requests."""

    codes: tuple[str, ...]
    requests: int
    final: bool = False
    """Whether it is final although its class is retryable: a POST that may have been processed is not sent again."""

    def __str__(self) -> str:
        return f"`{self.codes[0]}`, {self.requests}{', final' if self.final else ''}"


@dataclass(frozen=True)
class Succeeds:
    """The call succeeds after this many requests to the party."""

    requests: int

    def __str__(self) -> str:
        return f"succeeds, {self.requests}"


@dataclass(frozen=True)
class Cannot:
    """There is no such case; the reason says why."""

    reason: str

    def __str__(self) -> str:
        return f"({self.reason})"


Outcome = Fails | Succeeds | Cannot


@dataclass(frozen=True)
class Row:
    """One fault, and its outcome at each place in turn."""

    fault: Fault | Absence
    outcomes: tuple[Outcome, ...]
    slow: bool = False
    """Whether it lasts until the deadline: a test sets a short one, which may pass before the last request."""


def _send(data: bytes) -> Fault:
    def fault(conversation: Conversation) -> None:
        conversation.send(data)
        conversation.close()

    return fault


def _respond(status: int, body: bytes = b"", content_type: str = "text/plain", *headers: tuple[str, str]) -> Fault:
    return lambda conversation: conversation.send(conversation.compose(status, content_type, body, headers))


def _cut(conversation: Conversation) -> None:
    whole = conversation.real()
    conversation.send(whole[:-10])
    # Time for the client to read the bytes: a reset may overtake data that it has not read yet.
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


def _ask_for_a_new_nonce(conversation: Conversation) -> None:
    headers = (("DPoP-Nonce", secrets.token_hex(8)), ("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'))
    conversation.send(conversation.compose(401, JSON, b"", headers))


def _fails(code: str, requests: int) -> Fails:
    return Fails((code,), requests)


FROM_API = Succeeds(2)
"""One request to the extension, then one to Secrets Manager itself."""
NO_RETRY_AFTER = Cannot("gRPC has no such header")
NO_NAME = Cannot("its address is 127.0.0.1")
NO_NONCE = Cannot("it knows no DPoP")
NO_TLS = Cannot("it speaks no TLS")
ANY_JSON = Cannot("any JSON is a valid response")


def _everywhere(code: str, requests: int = 3, *, at_secret_manager: int = 3) -> tuple[Outcome, ...]:
    manager, other = _fails(code, at_secret_manager), _fails(code, requests)
    return (manager, manager, FROM_API, other, other, other)


def _row(fault: Fault | Absence, *outcomes: Outcome, post: Outcome | None = None, slow: bool = False) -> Row:
    """Return a row of these outcomes, the last of them that of a GET; a POST ends in the same way unless `post` differs."""
    return Row(fault, (*outcomes, post or outcomes[-1]), slow)


LOST = _everywhere("unavailable.connection_lost")
BUSY = _everywhere("unavailable.rate_limited")
DOWN = _everywhere("unavailable.server_error")
NOT_HTTP = _everywhere("invalid_response.http", 1)
POST_LOST = Fails(("unavailable.connection_lost",), 1, final=True)
POST_FAILED = Fails(("unavailable.server_error",), 1, final=True)
TLS: tuple[Outcome, ...] = (*[_fails("unavailable.tls", 3)] * 2, NO_TLS, *[_fails("unavailable.tls", 1)] * 3)
TIMED_OUT = ("deadline_exceeded", "unavailable.timeout")
POST_TIMED_OUT = Fails(TIMED_OUT, 1, final=True)
SILENT = (Fails(TIMED_OUT, 3), Fails(TIMED_OUT, 3), FROM_API, Fails(TIMED_OUT, 3), Fails(TIMED_OUT, 3), Fails(TIMED_OUT, 1))
INVALID = (
    _fails("invalid_response.http", 3),
    _fails("invalid_response.http", 3),
    FROM_API,
    _fails("invalid_response.metadata", 1),
    _fails("invalid_response.token_response", 1),
)

TABLE: dict[str, Row] = {
    "connection refused": _row(
        Absence.REFUSED, *(_everywhere("unavailable.connect")[:2]), Succeeds(1), *(_everywhere("unavailable.connect")[3:])
    ),
    "name not found": _row(
        Absence.UNRESOLVED, *(_everywhere("unavailable.dns")[:2]), NO_NAME, *(_everywhere("unavailable.dns")[3:])
    ),
    "connect timeout": _row(
        Absence.DEAF, *[Fails(TIMED_OUT, 3)] * 2, Succeeds(1), *(_everywhere("unavailable.connect")[3:]), slow=True
    ),
    "read timeout": _row(lambda conversation: conversation.pause(None), *SILENT, post=POST_TIMED_OUT, slow=True),
    "slow drip": _row(_drip, *SILENT, post=POST_TIMED_OUT, slow=True),
    "slow drip at the end": _row(_drip_the_end, *SILENT, post=POST_TIMED_OUT, slow=True),
    "reset before the response": _row(lambda conversation: conversation.reset(), *LOST, post=POST_LOST),
    "reset during the response": _row(_cut, *LOST, post=POST_LOST),
    "closed before the response": _row(lambda conversation: conversation.close(), *LOST, post=POST_LOST),
    # boto3 does not compare a response's length with the announced one.
    "closed during the response": _row(_cut_and_close, LOST[0], _fails("invalid_response.http", 3), *LOST[2:], post=POST_LOST),
    "429": _row(_respond(429), *BUSY),
    "429 with a long Retry-After": _row(
        _respond(429, b"", "text/plain", ("Retry-After", "3600")),
        NO_RETRY_AFTER,
        _fails("unavailable.rate_limited", 3),
        FROM_API,
        *[_fails("unavailable.rate_limited", 1)] * 3,
    ),
    "429 with an unreadable Retry-After": _row(
        _respond(429, b"", "text/plain", ("Retry-After", "soon")), NO_RETRY_AFTER, *BUSY[1:]
    ),
    "500": _row(_respond(500, b"Internal error"), *DOWN, post=POST_FAILED),
    "501": _row(_respond(501), *DOWN, post=POST_FAILED),
    "502": _row(_respond(502, HTML, "text/html"), *DOWN, post=POST_FAILED),
    "503": _row(_respond(503, json.dumps({"error": "temporarily_unavailable"}).encode(), JSON), *DOWN, post=POST_FAILED),
    "503 with a long Retry-After": _row(
        _respond(503, b"", "text/plain", ("Retry-After", "3600")),
        NO_RETRY_AFTER,
        _fails("unavailable.server_error", 3),
        FROM_API,
        *[_fails("unavailable.server_error", 1)] * 3,
        post=POST_FAILED,
    ),
    "504": _row(_respond(504), *DOWN, post=POST_FAILED),
    "HTML": _row(_respond(200, HTML, "text/html"), *INVALID, _fails("invalid_response.body", 1)),
    "truncated JSON": _row(_respond(200, b'{"issuer": ', JSON), *INVALID, _fails("invalid_response.body", 1)),
    "JSON of the wrong type": _row(lambda conversation: conversation.send(conversation.wrongly_typed()), *INVALID, ANY_JSON),
    "JSON without its members": _row(
        lambda conversation: conversation.send(conversation.incomplete()), *INVALID, ANY_JSON
    ),
    "the right JSON as text/html": _row(
        lambda conversation: conversation.send(conversation.real("text/html")),
        *[Succeeds(1)] * 5,
        _fails("invalid_response.body", 1),
    ),
    "brotli that was not requested": _row(_respond(200, b"\x0b\x02\x80hei\x03", JSON, ("Content-Encoding", "br")), *NOT_HTTP),
    "gzip that was not requested": _row(
        lambda conversation: conversation.send(conversation.gzipped()), *INVALID[:3], *[Succeeds(1)] * 3
    ),
    "gzip that is cut short": _row(
        _respond(200, gzip.compress(b'{"a": 1}')[:-4], JSON, ("Content-Encoding", "gzip")), *NOT_HTTP
    ),
    "204 labelled gzip": _row(_respond(204, b"", "text/plain", ("Content-Encoding", "gzip")), *INVALID, Succeeds(1)),
    "a new nonce each time": _row(_ask_for_a_new_nonce, *[NO_NONCE] * 3, *[_fails("unavailable.nonce", 3)] * 3),
    "gzip of 50 MB": _row(
        _respond(200, gzip.compress(bytes(50_000_000)), JSON, ("Content-Encoding", "gzip")),
        *NOT_HTTP[:3],
        *[_fails("invalid_response.too_large", 1)] * 3,
    ),
    "503 labelled gzip": _row(_respond(503, b"down", "text/plain", ("Content-Encoding", "gzip")), *DOWN, post=POST_FAILED),
    "503 with a body of 50 MB": _row(_respond(503, bytes(50_000_000)), *DOWN, post=POST_FAILED),
    "408": _row(_respond(408), *DOWN),
    "421": _row(_respond(421), *DOWN),
    "425": _row(_respond(425), *DOWN),
    "a body of 50 MB": _row(
        _send_huge,
        _fails("refused.too_large", 1),
        _fails("invalid_response.http", 3),
        FROM_API,
        *[_fails("invalid_response.too_large", 1)] * 3,
    ),
    "redirect": _row(
        _respond(302, b"", "text/plain", ("Location", "http://127.0.0.1:9/elsewhere")),
        *INVALID[:3],
        *[_fails("invalid_response.redirect", 1)] * 2,
        _fails("refused.redirect", 1),
    ),
    # The first bytes of TLS could be those of a long frame of HTTP/2, which then breaks off.
    "TLS instead of HTTP": _row(_send(b"\x16\x03\x01 this is not HTTP\r\n\r\n"), LOST[0], *NOT_HTTP[1:]),
    "another protocol": _row(_send(b"SSH-2.0-OpenSSH_9.9\r\n"), *NOT_HTTP),
    "a head without an end": _row(_send(b"HTTP/1.1 200 OK\r\nX-Pad: " + b"a" * 70_000), *NOT_HTTP),
    "a certificate for another name": _row(Absence.WRONG_NAME, *TLS),
    "a certificate by an untrusted authority": _row(Absence.UNTRUSTED, *TLS),
}  # fmt: skip


def count_cells() -> tuple[int, int]:
    """Return how many cells the table has, and how many of them are a case that a test tries."""
    outcomes = [outcome for row in TABLE.values() for outcome in row.outcomes]
    return len(outcomes), sum(not isinstance(outcome, Cannot) for outcome in outcomes)


def render(show: Callable[[str, str, Outcome], str] = lambda _name, _place, outcome: str(outcome)) -> str:
    """Write the table in Markdown; `show` writes a cell from its fault, its place and its outcome."""
    lines = [("fault", *PLACES), ("---",) * (len(PLACES) + 1)]
    for name, row in TABLE.items():
        cells = zip(PLACES, row.outcomes, strict=True)
        lines.append((name, *(show(name, place, outcome) for place, outcome in cells)))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---").replace("--- |", "---|")
