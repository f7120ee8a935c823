"""Checks that a URL is safe to send requests to; pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urlsplit

_HOST = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_PRINTABLE = re.compile(r"[!-~]+")


def find_url_fault(url: str) -> str | None:
    """Return the fault of an absolute URL, in words that complete "it …", or None if it may be used.

    It must be `https`, or `http` to this machine, without user name, fragment or backslash.
    """
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        return "contains characters that are not allowed in a URL (white space, backslashes, letters outside ASCII)"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    is_host = _is_ip(host) or ("[" not in parts.netloc and _HOST.fullmatch(host))
    if parts.scheme not in ("https", "http") or port == 0 or not is_host:
        return "is not an https URL with a host"
    if parts.scheme == "http" and not is_loopback(host):
        return "must be https (http is allowed to this machine only: 127.0.0.1, localhost)"
    if "@" in parts.netloc or "#" in url:
        return "contains a user name or a fragment, which is not allowed"
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")) or "//" in parts.path:
        return "has an empty, . or .. segment in its path"
    return None


def find_proxy_fault(url: str) -> str | None:
    """Return the fault of a proxy's address, in words that complete "it …", or None if requests can use it.

    It is `http` or `https`, which may be left out for `http`, with a host, and perhaps a port, a user name and a password.
    """
    if not _PRINTABLE.fullmatch(url):
        return "contains white space or other characters that no address has"
    try:
        parts = urlsplit(url if ":/" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "has a port that is not a number from 1 to 65535"
    if parts.scheme.startswith("socks"):
        return "is a SOCKS proxy, which the function cannot use"
    if parts.scheme not in ("http", "https") or port == 0 or not (_is_ip(host) or _HOST.fullmatch(host)):
        return "is not http://HOST:PORT or https://HOST:PORT"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "has something after the port; a character such as / or # in a password must be percent-encoded"
    if not _is_latin_1(unquote(parts.username or "") + unquote(parts.password or "")):
        return "has a user name or a password with a character outside Latin-1, which requests cannot send"
    return None


def _is_latin_1(text: str) -> bool:
    return all(ord(character) < 256 for character in text)


def origin_of(url: str) -> str:
    """Return the URL's origin: scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    return host == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
