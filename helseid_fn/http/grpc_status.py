"""What a gRPC status and the words beside it say about a failed call, in our own reasons; pure."""

from __future__ import annotations

import re

# gRPC status -> our reason, for failures that may pass.
_TRANSIENT = {
    "UNAVAILABLE": "connect",
    "DEADLINE_EXCEEDED": "timeout",
    "RESOURCE_EXHAUSTED": "rate_limited",
    "INTERNAL": "server_error",
    "ABORTED": "server_error",
    "UNKNOWN": "server_error",
    "CANCELLED": "connection_lost",
}
# What gRPC says about its own connection, which those statuses do not distinguish. It is undocumented and may change: without
# a match the status decides. The first match counts.
_WORDS = tuple(
    (reason, re.compile(words))
    for reason, words in (
        ("proxy", "HTTP proxy"),
        ("dns", "errors resolving|DNS resolution failed"),
        ("tls", "[Hh]andshake failed|CERTIFICATE|Peer name"),
        ("rate_limited", "http2 header with status: 429"),
        ("server_error", "http2 header with status: (5|408|421|425)"),
        ("http", "http2 header with status: |parsing HTTP/2|END_STREAM flag|deserializing"),
        ("too_large", "larger than max"),
        ("connection_lost", "Connection reset|Socket closed|Broken pipe"),
    )
)
_HAPPENED = {
    "connect": "could not be reached",
    "dns": "could not be found by name",
    "tls": "shows a certificate that is not trusted (GRPC_DEFAULT_SSL_ROOTS_FILE_PATH) or not for its name",
    "proxy": "could not be reached through the proxy (HTTPS_PROXY, NO_PROXY)",
    "timeout": "did not respond in time",
    "connection_lost": "closed the connection before its response was complete",
    "rate_limited": "asks for fewer requests",
}


def find_reason(status: str, words: str = "") -> str | None:
    """Return why a call failed that may succeed later, `http` or `too_large` for a response that is none, else None.

    `words` came with the status; they are searched for what gRPC says about the connection.
    """
    if status not in _TRANSIENT:
        return None
    return next((reason for reason, pattern in _WORDS if pattern.search(words)), _TRANSIENT[status])


def describe_reason(reason: str) -> str:
    """Say in words that follow the server's name what happened, for a reason that is transient."""
    return _HAPPENED.get(reason, "failed")
