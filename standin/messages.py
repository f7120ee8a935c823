"""An HTTP request as received and an HTTP response as sent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request, not normalised: the Sample API compares the URL with the proof's htu byte by byte."""

    method: str
    target: str
    headers: Headers
    body: bytes
    scheme: str

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.split("?", 1)[0]

    @property
    def query(self) -> str:
        """The query string, still percent-encoded."""
        return self.target.partition("?")[2]

    @property
    def url(self) -> str:
        """The URL without its query, with the host from the Host header."""
        return f"{self.scheme}://{self.header('Host') or ''}{self.path}"

    def values(self, name: str) -> list[str]:
        """Return every value of a header, in the order received."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next(iter(self.values(name)), None)

    def form(self) -> list[tuple[str, str]]:
        """Parse the body as a form."""
        text = self.body.decode("utf-8", errors="replace")
        return parse_qsl(text, keep_blank_values=True)


@dataclass(frozen=True)
class Response:
    """A response; the server adds Date, Server and Content-Length."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    @classmethod
    def json(
        cls,
        status: int,
        content: Mapping[str, Any] | Sequence[Any],
        headers: Headers = (),
        content_type: str = "application/json; charset=UTF-8",
    ) -> "Response":
        """Return a JSON response, with the content type that ASP.NET Core sends."""
        return cls(status, (("Content-Type", content_type), *headers), json.dumps(content, ensure_ascii=False).encode())
