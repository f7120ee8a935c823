"""The refusal that an API's response means, in the API's own words; pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from helseid_fn.api.response import ApiResponse
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused
from helseid_fn.http.messages import describe_clock
from helseid_fn.redaction import quote

_REMEDIES = {
    "invalid_token": "Check that HELSEID_SCOPE and HELSEID_ISSUER are what the API expects.",
    "invalid_dpop_proof": "Synchronize the clock (NTP), and check that API_URL is exactly the address that the API expects.",
    "insufficient_scope": "Add the scope to the client in Selvbetjening and to HELSEID_SCOPE.",
    "unauthorized": "Check HELSEID_SCOPE, HELSEID_ISSUER and this machine's clock.",
    "forbidden": "Check the scope, the organization, and what the client is allowed to do there.",
    "not_found": "Check API_URL and request.path.",
    "redirect": "A proof is valid for one address only, so set API_URL to the final one.",
    "other": "The caller gets its words in api.body.",
}
_SELVBETJENING_REMEDIES = {
    **dict.fromkeys(_REMEDIES, "Check SELVBETJENING_URL, and that HELSEID_ISSUER is of the same environment."),
    "invalid_dpop_proof": "Synchronize the clock (NTP), and check that SELVBETJENING_URL is exactly its address.",
    "insufficient_scope": "Give the client the scope nhn:selvbetjening/client in Selvbetjening.",
    "forbidden": "Give the client the scope nhn:selvbetjening/client in Selvbetjening.",
    "other": "Look its words up in Selvbetjening's documentation, or register the key by hand.",
}
_NAMED = ("invalid_token", "invalid_dpop_proof", "insufficient_scope")
_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_found"}


def check_response(response: ApiResponse) -> None:
    """Raise `Refused`, with the response's status, words and body, unless the API responded with 2xx."""
    if 200 <= response.status < 300:
        return
    reason = _BY_STATUS.get(response.status, "redirect" if 300 <= response.status < 400 else "other")
    said = ""
    api_response = {"status": response.status, "body": response.body}
    if response.error is not None:
        parameters = response.error.parameters
        reason = parameters["error"] if parameters["error"] in _NAMED else reason
        said = f" with {quote(parameters['error'])}" + (f" ({quote(parameters['scope'])})" if "scope" in parameters else "")
        # For the caller alone: what an API says of a request may be about a person, and has no place in the log.
        if parameters.get("error_description"):
            api_response["error_description"] = quote(parameters["error_description"])
    elif reason == "redirect":
        said = f" and points to {_address_of(response.location)}"
    elif response.party is Party.SELVBETJENING:
        said = _quote_problem(response.body)
    remedy = (_SELVBETJENING_REMEDIES if response.party is Party.SELVBETJENING else _REMEDIES)[reason]
    if reason == "invalid_dpop_proof":
        remedy = f"This machine's clock is {describe_clock(response.clock_seconds_ahead, response.party)}. {remedy}"
    detail = f"{response.party.as_subject} responded with {response.status}{said}. {remedy}"
    raise Refused(response.party, reason, detail, status=response.status, api_response=api_response)


def _quote_problem(body: Any) -> str:
    """Quote the problem details (RFC 7807) of Selvbetjening, whose words are about the client and never about a patient."""
    members = body if isinstance(body, dict) else {}
    words = [quote(members[name]).rstrip(".") for name in ("title", "detail") if isinstance(members.get(name), str)]
    return f" ({'; '.join(words)})" if words else ""


def _address_of(location: str) -> str:
    """Return where a redirect points, without its query and user name, which may be secret."""
    try:
        parts = urlsplit(location)
        return quote(f"{parts.scheme}://{parts.hostname}{parts.path}") if parts.hostname else quote(parts.path) or "no address"
    except ValueError:
        return "no address"
