"""The API's own ids and codes of a failure, which its support asks for; pure.

They are logged, so what could be about a person must not pass for one: only names that NHN's APIs use, and only the shapes of
ids that programs make, none of which an identity number, a name or a date has. What stands in the URL that was called is what
the call was about, and not an id of its failure. Many APIs write the path of the request into `instance` (RFC 9457), such as
`/patients/12345678901`, so of that only an id at its end counts, and never a short code.
"""

from __future__ import annotations

import re

from helseid_fn.http.messages import Response

_HEADERS = ("x-event-id", "nhn-error-code")
_MEMBERS = ("requestId", "errorCode", "eventId", "traceId")

_MADE_ID = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|(?=[0-9]*[a-fA-F])[0-9a-fA-F]{16,64}"  # digits alone may be an identity number and a date
    r"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"  # a traceparent, as in ASP.NET's traceId
    r"|[0-9A-V]{13}:[0-9A-F]{8}"  # Kestrel's connection and request
)
_CODE = re.compile(r"[A-Z]{0,10}[-_]?[0-9]{1,5}")


def read_failure_ids(response: Response, url: str = "") -> dict[str, str]:
    """Return the ids and codes in the response, by their names there; none unless its status is 400 or more.

    `url` is the one that was called.
    """
    if response.status < 400:
        return {}
    members = response.json_members()
    found = {name: response.headers.get(name) for name in _HEADERS} | {name: members.get(name) for name in _MEMBERS}
    texts = {name: str(value) for name, value in found.items() if isinstance(value, str | int)}
    ids = {name: text for name, text in texts.items() if is_made_id(text) or _CODE.fullmatch(text)}
    instance = members.get("instance")
    end = _end_of(instance) if isinstance(instance, str) else ""
    ids |= {"instance": end} if is_made_id(end) else {}
    return {name: text for name, text in ids.items() if not is_made_id(text) or text.lower() not in url.lower()}


def is_made_id(text: str) -> bool:
    """Return whether a text has the shape of an id that a program made, such as a UUID."""
    return _MADE_ID.fullmatch(text) is not None


def _end_of(instance: str) -> str:
    """Return what follows the last slash of a URL or path, or `urn:uuid:`."""
    return instance.rpartition("/")[2].removeprefix("urn:uuid:")
