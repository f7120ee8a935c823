"""What an invocation asks of the API, confined to what the settings allow; pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from helseid_fn.errors import BadInvocation

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""RFC 9110 section 9.2.2."""

MAX_DECODINGS = 5

OUR_HEADERS = frozenset(
    {
        "authorization",
        "dpop",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxy-authorization",
        "proxy-connection",
        "accept-encoding",
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-prefix",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    }
)
"""Headers that are ours or the connection's, or that let another method or path in at some APIs: never the caller's to set."""

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[!-~]([\t -~]*[!-~])?|")
# The characters of a path segment (RFC 3986 section 3.3), percent-encodings apart.
_PATH = re.compile(r"([A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call to make, in full: the URL is below the base, the method is allowed, the headers are the caller's own."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)

    @property
    def is_idempotent(self) -> bool:
        """Tell whether sending it twice does what sending it once does."""
        return self.method in IDEMPOTENT_METHODS


def parse_api_request(members: Mapping[str, Any], base_url: str, methods: frozenset[str]) -> ApiRequest:
    """Parse the members method, path, query, headers and json of an invocation's `request`; none is the default call.

    Raises `BadInvocation`, naming the member.
    """
    method = members.get("method", "GET" if "GET" in methods else min(methods))
    if not isinstance(method, str) or method not in methods:
        raise BadInvocation("request", f"request.method must be one of {', '.join(sorted(methods))}, which API_METHODS allows.")
    headers = _parse_headers(members.get("headers", {}))
    body = None
    if "json" in members:
        if method in ("GET", "HEAD"):
            raise BadInvocation("request", f"request.json cannot go with a {method}; leave it out or use another method.")
        body = _dump_json(members["json"])
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    return ApiRequest(method, _build_url(base_url, members.get("path"), members.get("query", {})), headers, body)


def _dump_json(value: object) -> bytes:
    try:
        return json.dumps(value, allow_nan=False).encode("ascii")
    except (ValueError, RecursionError):
        raise BadInvocation(
            "request", "request.json has a number too large for a double, or nests too deep; send less."
        ) from None


def _build_url(base_url: str, path: object, query: object) -> str:
    base = urlsplit(base_url)
    if path is not None:
        base = base._replace(path=f"{base.path.rstrip('/')}/{_parse_path(path)}")
    fixed = {name for name, _ in parse_qsl(base.query, keep_blank_values=True)}
    if isinstance(query, dict) and fixed & set(query):
        raise BadInvocation("request", "request.query must not name what API_URL fixes already.")
    queries = [each for each in (base.query, _parse_query(query)) if each]
    return base._replace(query="&".join(queries)).geturl()


def _parse_path(path: object) -> str:
    """Return a relative path whose every reading stays below the base, however often a server may decode it."""
    wrong = BadInvocation(
        "request",
        "request.path must be a relative path below API_URL: no leading slash, no empty, . or .. segment in any encoding, "
        "no query and no characters that need encoding.",
    )
    if not isinstance(path, str) or not path or len(path) > 2000 or not _PATH.fullmatch(path):
        raise wrong
    if not all(_stays_below(segment) for segment in path.removesuffix("/").split("/")):
        raise wrong
    return path


def _stays_below(segment: str) -> bool:
    """Tell whether a path segment names something below, in whatever way a server may read it.

    Servers differ: some decode twice, some know path parameters (`..;x`, RFC 3986 section 3.3), some drop trailing dots and
    spaces, some fold full-width characters.
    """
    for _ in range(MAX_DECODINGS):
        plain = unicodedata.normalize("NFKC", segment)
        if plain.partition(";")[0].strip(" .") == "" or set(plain) & set("/\\?#") or not segment.isprintable():
            return False
        try:
            decoded = unquote(segment, errors="strict")
        except UnicodeDecodeError:
            return False
        if decoded == segment:
            return True
        segment = decoded
    return False


def _parse_query(query: object) -> str:
    wrong = BadInvocation("request", "request.query must be an object of strings, whole numbers, or lists of them.")
    if not isinstance(query, dict):
        raise wrong
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool) or not isinstance(each, str | int):
                raise wrong
            pairs.append((name, str(each)))
    try:
        return urlencode(pairs)
    except UnicodeEncodeError:
        raise BadInvocation("request", "request.query has a string that is not valid Unicode; correct it.") from None


def _parse_headers(headers: object) -> dict[str, str]:
    if not isinstance(headers, dict):
        raise BadInvocation("request", "request.headers must be an object of strings.")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise BadInvocation("request", f"request.headers has a name that no header can have: {name!r:.60}.")
        # Some servers read "_" as "-", so both spellings are ours.
        if name.lower().replace("_", "-") in OUR_HEADERS:
            raise BadInvocation("request", f"request.headers must not set {name!r:.60}: that header is the function's.")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise BadInvocation("request", f"request.headers.{name:.60} must be a string of visible ASCII characters.")
    if len({name.lower() for name in headers}) < len(headers):
        raise BadInvocation("request", "request.headers names a header twice; join the values.")
    return dict(headers)
