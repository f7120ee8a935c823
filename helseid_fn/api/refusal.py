"""The refusal that an API's response means, in the API's own words and with the cause that was found; pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from helseid_fn.api.json_response import JsonResponse
from helseid_fn.error_codes import Party
from helseid_fn.errors import Refused
from helseid_fn.http.clock import describe_clock, is_likely_cause
from helseid_fn.http.url import find_url_fault
from helseid_fn.oauth.token_purpose import read_token_purpose
from helseid_fn.oauth.token_response import Token
from helseid_fn.redaction import quote

_REMEDIES = {
    "invalid_token": "Check that HELSEID_SCOPE and HELSEID_ISSUER are what the API expects.",
    "invalid_dpop_proof": "Check that API_URL is exactly the address that the API expects.",
    "insufficient_scope": "Add the scope to the client in Selvbetjening and to HELSEID_SCOPE.",
    "unauthorized": "Check that HELSEID_SCOPE and HELSEID_ISSUER are what the API expects.",
    "forbidden": "Check the scope, the organization, and what the client is allowed to do there.",
    "not_found": "Check API_URL and the request's path.",
    "redirect": "A proof is valid for one address only, so set API_URL to the final one.",
    "other": "Its words are not logged: read them in api.body of the response, or with helseid-fn call.",
}
_SELVBETJENING_REMEDIES = {
    **dict.fromkeys(_REMEDIES, "Check SELVBETJENING_URL, and that HELSEID_ISSUER is of the same environment."),
    "invalid_dpop_proof": "Check that SELVBETJENING_URL is exactly its address.",
    "insufficient_scope": "Give the client the scope nhn:selvbetjening/client in Selvbetjening.",
    "forbidden": "Give the client the scope nhn:selvbetjening/client in Selvbetjening.",
    "other": "Look its words up in Selvbetjening's documentation, or register the key by hand.",
}
_KNOWN_ERRORS = ("invalid_request", "invalid_token", "insufficient_scope", "invalid_dpop_proof", "use_dpop_nonce")
"""RFC 6750 section 3.1 and RFC 9449 section 12.2."""

_NAMED = ("invalid_token", "invalid_dpop_proof", "insufficient_scope")
_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_found"}
_MEANINGS = {
    304: "nothing has changed, though the request did not ask whether it has",
    400: "the request is not valid",
    405: "the method is not allowed there",
    409: "the request conflicts with what the API has",
    410: "what was asked for is gone",
    412: "what was asked for has changed since its ETag in If-Match",
    413: "the body is too large for it",
    415: "it does not take the body's Content-Type",
    422: "the body is not valid",
    423: "what was asked for is locked (EDI binds a HER-id to one HelseID client, clientLocked)",
    428: "it requires If-Match, with the ETag of what is to be changed",
}
_OF_TOKEN = ("invalid_token", "unauthorized")


def check_response(response: JsonResponse, token: Token) -> None:
    """Raise `Refused`, with the response's status, words and body, unless it is 2xx.

    `token` is the one that was sent; what it is for may explain the refusal.
    """
    if 200 <= response.status < 300:
        return
    reason = _BY_STATUS.get(response.status, "redirect" if 300 <= response.status < 400 and response.status != 304 else "other")
    said = ""
    api_response: dict[str, Any] = {"status": response.status, "body": response.body}
    if response.headers:
        api_response["headers"] = dict(response.headers)
    if response.error is not None:
        parameters = response.error.parameters
        reason = parameters["error"] if parameters["error"] in _NAMED else reason
        said = f" and {parameters['error']}" if parameters["error"] in _KNOWN_ERRORS else " and an error of its own"
        # For the caller alone: what an API says of a request may be about a person, and has no place in the log.
        words = ("error", "error_description", "scope")
        api_response |= {name: quote(parameters[name]) for name in words if parameters.get(name)}
    elif reason == "redirect":
        said = f" and points to {_origin_of(response.location)}"
    elif response.party is Party.SELVBETJENING:
        said = _quote_problem(response.body)
    elif response.status in _MEANINGS:
        said = f": {_MEANINGS[response.status]}"
    refusal = f"{response.party.as_subject} responded with {response.status}{said}."
    remedy = (_SELVBETJENING_REMEDIES if response.party is Party.SELVBETJENING else _REMEDIES)[reason]
    if reason == "other" and response.party is Party.API and response.body is None:
        remedy = "It sent no words that can be read."
    detail = _explain_refusal(refusal, remedy, reason, response, token)
    raise Refused(response.party, reason, detail, status=response.status, api_response=api_response)


def _explain_refusal(refusal: str, remedy: str, reason: str, response: JsonResponse, token: Token) -> str:
    """Return the refusal with its cause, where one was found, or else with its remedy."""
    if reason == "invalid_dpop_proof":
        if not _takes_our_proofs(response):
            return f"{refusal} It takes no proofs signed with ES256, as all of the function's are: ask its operators."
        return _explain(refusal, remedy, _find_clock_cause(response, token), response)
    if reason in _OF_TOKEN:
        cause = _find_clock_cause(response, token) or _find_audience_cause(token)
        return _explain(refusal, f"{remedy}{_describe_purpose(token)}", cause, response)
    return f"{refusal} {remedy}"


def _takes_our_proofs(response: JsonResponse) -> bool:
    """Return whether the algorithms in the challenge (RFC 9449 section 7.1), if it names any, have ours among them."""
    named = (each.parameters.get("algs", "") for each in response.challenges if each.scheme == "dpop")
    return all(not algs.strip() or "ES256" in algs.split() for algs in named)


def _explain(refusal: str, remedy: str, cause: str, response: JsonResponse) -> str:
    """Return the cause before the refusal, or else the remedy after it, with the clock that was found right."""
    clock = describe_clock(response.clock_seconds_ahead, response.party)
    return f"{cause} {refusal}" if cause else f"{refusal} {remedy} This machine's clock is {clock}."


def _find_clock_cause(response: JsonResponse, token: Token) -> str:
    """Return the clock that is off, and what to do about it; nothing if none is, as far as is known."""
    if not is_likely_cause(response.clock_seconds_ahead):
        return ""
    clock = f"This machine's clock is {describe_clock(response.clock_seconds_ahead, response.party)}"
    if token.clock_seconds_ahead is None:
        return f"{clock}: synchronize it (NTP)."
    if abs(token.clock_seconds_ahead) <= 1:
        return f"{clock} but right by HelseID's: report it to the operators of {response.party.in_text}."
    return f"{clock} and HelseID's: synchronize it (NTP)."


def _find_audience_cause(token: Token) -> str:
    """Return that the token is for several APIs, if it is: NHN's validator takes a token for one."""
    purpose = read_token_purpose(token.value)
    if purpose is None or len(purpose.audiences) == 1:
        return ""
    names = " and ".join(purpose.audiences)
    return f"The token is for {names}, but NHN's APIs take a token for one API: request the scopes of one (HELSEID_SCOPE)."


def _describe_purpose(token: Token) -> str:
    purpose = read_token_purpose(token.value)
    return "" if purpose is None else f" The token is for {purpose.audiences[0]}, from {purpose.issuer}."


def _quote_problem(body: Any) -> str:
    """Quote the problem details (RFC 7807) of Selvbetjening, whose words are about the client and never about a patient."""
    members = body if isinstance(body, dict) else {}
    words = [quote(members[name]).rstrip(".") for name in ("title", "detail") if isinstance(members.get(name), str)]
    return f" ({'; '.join(words)})" if words else ""


def _origin_of(location: str) -> str:
    """Return the server that a redirect points to; the path, which may be about a person, is for the caller alone."""
    if location.startswith("/") and not location.startswith("//"):
        return "another path of its own"
    parts = urlsplit(location) if find_url_fault(location) is None else None
    return f"{parts.scheme}://{parts.netloc}" if parts else "no usable address"
