"""An HTTP request as it came off the wire and an answer as it goes onto it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request with nothing normalised: DPoP compares URLs letter by letter (RFC 9449 section 4.3)."""

    method: str
    target: str
    headers: Headers
    body: bytes
    scheme: str

    @property
    def path(self) -> str:
        """The path as written, still percent-encoded."""
        return self.target.split("?", 1)[0]

    @property
    def query(self) -> str:
        """What follows the question mark, undecoded."""
        return self.target.partition("?")[2]

    @property
    def url(self) -> str:
        """The URL this request was sent to, without its query, as the client names the host."""
        return f"{self.scheme}://{self.header('Host') or ''}{self.path}"

    def values(self, name: str) -> list[str]:
        """Every value of a header, in the order received."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Give the first value of a header, or nothing."""
        return next(iter(self.values(name)), None)

    def form(self) -> list[tuple[str, str]]:
        """Read the body as a form; an undecodable body is an empty form."""
        text = self.body.decode("utf-8", errors="replace")
        return parse_qsl(text, keep_blank_values=True)


@dataclass(frozen=True)
class Answer:
    """A whole answer; the server adds Date, Server and Content-Length."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    @classmethod
    def of(
        cls,
        status: int,
        content: Mapping[str, Any] | Sequence[Any],
        headers: Headers = (),
        content_type: str = "application/json; charset=UTF-8",
    ) -> "Answer":
        """Answer with JSON the way ASP.NET Core writes it."""
        return cls(status, (("Content-Type", content_type), *headers), json.dumps(content, ensure_ascii=False).encode())
