"""The URL of a request to an API, built from unencoded parts so that it stays below its base; pure.

What refuses a part raises `ValueError` with words that follow the part's name in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urljoin, urlsplit

from helseid_fn.http.url import find_url_fault

MAX_PATH_LENGTH = 2000
MAX_QUERY_LENGTH = 16 * 1024
MAX_LINK_LENGTH = 8 * 1024

# The characters of a path segment (RFC 3986 section 3.3) but ";", which starts path parameters; letters and digits besides.
_SEGMENT_SAFE = "-._~!$&'()*+,=:@"
_SEGMENT_ALLOWED = frozenset(_SEGMENT_SAFE + " ")
_BASE_NAME = re.compile(r"[^\[\].:;\s\0]*")


def encode_path(path: object) -> str:
    """Encode the path from unencoded segments, each of which is percent-encoded here.

    No segment can leave the base: percent signs, slashes, backslashes and semicolons are not allowed in one, so that a server
    reads what is written here however often it decodes.
    """
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH_LENGTH:
        raise ValueError(f"must be a string of 1 to {MAX_PATH_LENGTH} characters.")
    segments = path.removesuffix("/").split("/")
    if not all(_is_allowed(segment) for segment in segments):
        raise ValueError(
            "must be a relative path below API_URL, unencoded, without empty, . or .. segments. "
            f"Use letters, digits, spaces and {_SEGMENT_SAFE} only; the function encodes it."
        )
    quoted = "/".join(quote(segment, safe=_SEGMENT_SAFE) for segment in segments)
    return f"{quoted}/" if path.endswith("/") else quoted


def encode_query(query: object) -> str:
    """Encode the query from an object of strings, whole numbers, or lists of them."""
    wrong = ValueError("must be an object of strings, whole numbers, or lists of them.")
    if not isinstance(query, Mapping):
        raise wrong
    pairs: list[tuple[str, str]] = []
    length = 0
    for name, value in query.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool) or not isinstance(each, str | int) or not isinstance(name, str):
                raise wrong
            pairs.append((name, str(each)))
            length += len(name) + len(pairs[-1][1]) + 2
            if length > MAX_QUERY_LENGTH:
                raise ValueError(f"is longer than {MAX_QUERY_LENGTH // 1024} KiB. Send less.")
    try:
        return urlencode(pairs)
    except UnicodeEncodeError:
        raise ValueError("has a string that is not valid Unicode. Correct it.") from None


def join_url(base_url: str, path: str | None, query: str) -> str:
    """Return the base with an encoded path below it, if there is one, and with an encoded query after its own."""
    base = urlsplit(base_url)
    if path is not None:
        base = base._replace(path=f"{base.path.rstrip('/')}/{path}")
    return base._replace(query="&".join(each for each in (base.query, query) if each)).geturl()


def names_fixed_parameter(base_url: str, query: Mapping[str, object]) -> bool:
    """Return whether the query names a parameter that the base has already, however it is spelt."""
    fixed = {_base_name(name) for name, _ in parse_qsl(urlsplit(base_url).query, keep_blank_values=True)}
    return bool(fixed) and any(_base_name(name) in {"", *fixed} for name in query)


def resolve_below(base_url: str, current_url: str, link: str) -> str:
    """Return the URL that a link in a response means: a URL, a path from the origin or from the base, or a new query.

    Raises `ValueError` when it leads anywhere but below the base.
    """
    if len(link) > MAX_LINK_LENGTH:
        raise ValueError(f"is longer than {MAX_LINK_LENGTH // 1024} KiB.")
    is_from_base = not link.startswith(("/", "?")) and ":" not in link.partition("/")[0]
    try:
        url = urljoin(f"{base_url.partition('?')[0].rstrip('/')}/" if is_from_base else current_url, link).partition("#")[0]
    except ValueError:
        raise ValueError("is not a URL.") from None
    fault = find_url_fault(url)
    if fault is not None:
        raise ValueError(f"leads to a URL that {fault}.")
    base, found = urlsplit(base_url), urlsplit(url)
    segments = re.split(r"[/\\;]", _decode(found.path))
    is_below = f"{found.path}/".startswith(f"{base.path.rstrip('/')}/") and not any(map(_is_dots, segments))
    if _server_of(found) != _server_of(base):
        raise ValueError(f"leads to {found.scheme}://{found.netloc}, to which the token is not sent.")
    if not is_below:
        raise ValueError("leads to a path that is not below the API's URL.")
    return url


def _server_of(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _decode(path: str) -> str:
    """Decode a path as often as it can be."""
    while (decoded := unquote(path)) != path:
        path = decoded
    return path


def _is_dots(segment: str) -> bool:
    """Return whether a server may take a segment for one of dots: some drop white space, control characters, or more dots."""
    return "." in segment and not segment.strip(" .\t\r\n\0")


def _is_allowed(segment: str) -> bool:
    """Return whether a segment names something below: servers drop trailing dots and spaces, and some of them all dots."""
    return segment.strip(" .") != "" and all(each.isalnum() or each in _SEGMENT_ALLOWED for each in segment)


def _base_name(name: str) -> str:
    """Return what servers may take a parameter's name for: `Name`, `name[]`, `name.x` and `%6Eame` may all mean `name`."""
    return _BASE_NAME.match(unquote(unquote(name)).strip().lower()).group()  # type: ignore[union-attr]  # it matches anything
