"""The API's own ids and codes of a failure, which its support asks for; pure.

They are logged, so what could be about a person must not pass for one: only names that NHN's APIs use, and only the shapes of
ids that programs make, none of which an identity number, a name or a date has. Of `instance` (RFC 9457 section 3.1.5), which
may be a path with a patient in it, only such an id at its end counts.
"""

from __future__ import annotations

import re

from helseid_fn.http.messages import Response

_HEADERS = ("x-event-id", "nhn-error-code")
_MEMBERS = ("requestId", "errorCode", "eventId", "traceId")

_MADE = (
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|[0-9a-fA-F]{16,64}"
    r"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"  # a traceparent, as in ASP.NET's traceId
    r"|[0-9A-V]{13}:[0-9A-F]{8}"  # Kestrel's connection and request
)
_ID = re.compile(rf"{_MADE}|[A-Z]{{0,10}}[-_]?[0-9]{{1,5}}")  # or a code
_INSTANCE = re.compile(rf"(?:.*[/:#=])?({_MADE})")


def read_failure_ids(response: Response) -> dict[str, str]:
    """Return the ids and codes in the response, by their names there; none unless its status is 400 or more."""
    if response.status < 400:
        return {}
    members = response.json_members()
    found = {name: response.headers.get(name) for name in _HEADERS} | {name: members.get(name) for name in _MEMBERS}
    texts = {name: str(value) for name, value in found.items() if isinstance(value, str | int)}
    ids = {name: text for name, text in texts.items() if _ID.fullmatch(text)}
    instance = members.get("instance")
    found_instance = _INSTANCE.fullmatch(instance[-200:]) if isinstance(instance, str) else None
    return ids | ({"instance": found_instance[1]} if found_instance else {})
