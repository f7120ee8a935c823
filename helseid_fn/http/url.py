"""What a web address must look like before anything is sent to it; pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urlsplit

_HOST = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_PRINTABLE = re.compile(r"[!-~]+")


def find_fault(url: str) -> str | None:
    """Return what is wrong with an absolute URL, as words that follow "it"; None when it may be used.

    It must be `https`, or `http` to this very machine; user names, fragments and backslashes have no place in it.
    """
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        return "has characters that an address cannot have (white space, backslashes, letters outside ASCII)"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    is_host = _is_ip(host) or ("[" not in parts.netloc and _HOST.fullmatch(host))
    if parts.scheme not in ("https", "http") or port == 0 or not is_host:
        return "is not a web address with a host"
    if parts.scheme == "http" and not is_loopback(host):
        return "must be https (http only to this very machine: 127.0.0.1, localhost)"
    if "@" in parts.netloc or "#" in url:
        return "has a user name or a fragment, which an address here cannot have"
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")) or "//" in parts.path:
        return "has a path with empty, . or .. segments"
    return None


def is_loopback(host: str) -> bool:
    """Tell whether the host is this very machine."""
    return host == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
