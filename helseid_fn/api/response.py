"""What the API answered, as a JSON value and in its own words; pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from helseid_fn.errors import Garbled, HelseidFnError, Party, Refused
from helseid_fn.http import challenges
from helseid_fn.http.challenges import Challenge
from helseid_fn.http.clocks import describe_clock, read_seconds_ahead
from helseid_fn.http.messages import Answer
from helseid_fn.http.retries import check_available
from helseid_fn.redaction import elide, quote

_REMEDIES = {
    "invalid_token": "check that HELSEID_SCOPE and HELSEID_ISSUER are what the API expects",
    "invalid_dpop_proof": "check this machine's clock, and that API_URL is to the letter the address that the API goes by",
    "insufficient_scope": "add the scope that it wants to the client in Selvbetjening and to HELSEID_SCOPE",
    "unauthorized": "check HELSEID_SCOPE, HELSEID_ISSUER and this machine's clock",
    "forbidden": "check the scope, the organization, and what the client may do there",
    "not_found": "check API_URL and request.path",
    "redirect": "a proof is for one address only, so set API_URL to the final one",
    "other": "what it says stands in api.body",
}
_OWN_REMEDIES = {
    Party.SELVBETJENING: {
        **dict.fromkeys(_REMEDIES, "check SELVBETJENING_URL, and that HELSEID_ISSUER is of the same environment"),
        "invalid_dpop_proof": "check this machine's clock, and that SELVBETJENING_URL is to the letter what it goes by",
        "insufficient_scope": "give the client the scope nhn:selvbetjening/client in Selvbetjening",
        "forbidden": "give the client the scope nhn:selvbetjening/client in Selvbetjening",
        "other": "look the words up in its documentation, or register the key by hand",
    }
}
_NAMED = ("invalid_token", "invalid_dpop_proof", "insufficient_scope")
_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_found"}


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """The status, the body as a JSON value, the challenges of a 401 or 403, and where a redirect points."""

    status: int
    body: Any
    challenges: tuple[Challenge, ...] = ()
    location: str = ""
    party: Party = Party.API
    clock_seconds_ahead: int | None = None
    """How far our clock is ahead of the one that answered, by the `Date` of the answer."""

    @property
    def error(self) -> Challenge | None:
        """The first challenge that names an error, of whatever scheme: the Sample API names another one than its own DPoP."""
        return next((each for each in self.challenges if "error" in each.parameters), None)

    @property
    def rejects_token(self) -> bool:
        """Tell whether the API wants another token (RFC 6750 section 3.1)."""
        return self.status == 401 and any(each.parameters.get("error") == "invalid_token" for each in self.challenges)


def read_api_answer(answer: Answer, party: Party = Party.API, *, sent_secrets: tuple[str, ...], now: float) -> ApiAnswer:
    """Read an answer; should the API echo what must stay secret, it is elided. `now` is wall-clock seconds.

    Raises `Unreachable` for a 429 or 5xx, and `Garbled` when a 2xx has a body that is neither JSON nor plain text.
    """
    try:
        check_available(party, answer, now)
    except HelseidFnError as error:
        error.api_answer = {"status": answer.status, "body": _read_body(answer, party, sent_secrets)}
        raise
    return ApiAnswer(
        answer.status,
        _read_body(answer, party, sent_secrets),
        challenges.parse(answer.headers.get("WWW-Authenticate")),
        answer.headers.get("Location") or "",
        party,
        read_seconds_ahead(answer, now),
    )


def check_answer(answer: ApiAnswer) -> None:
    """Raise `Refused`, with the answer's status, words and body, unless the API answered 2xx."""
    if 200 <= answer.status < 300:
        return
    reason = _BY_STATUS.get(answer.status, "redirect" if 300 <= answer.status < 400 else "other")
    said = ""
    api_answer = {"status": answer.status, "body": answer.body}
    if answer.error is not None:
        parameters = answer.error.parameters
        reason = parameters["error"] if parameters["error"] in _NAMED else reason
        said = f" with {quote(parameters['error'])}" + (f" ({quote(parameters['scope'])})" if "scope" in parameters else "")
        # For the caller alone: what an API says of a request may tell of a person, and has no place in the log.
        if parameters.get("error_description"):
            api_answer["error_description"] = quote(parameters["error_description"])
    elif reason == "redirect":
        said = f" and points to {_address_of(answer.location)}"
    elif answer.party is Party.SELVBETJENING:
        said = _quote_problem(answer.body)
    remedy = _OWN_REMEDIES.get(answer.party, _REMEDIES)[reason]
    if reason == "invalid_dpop_proof":
        remedy += f"; the clock is {describe_clock(answer.clock_seconds_ahead, answer.party)}"
    error = Refused(answer.party, reason, f"{answer.party.as_subject} answered {answer.status}{said}; {remedy}.")
    error.api_answer = api_answer
    raise error


def _quote_problem(body: Any) -> str:
    """Quote the problem details (RFC 7807) of an API whose words are about the client, and of nobody's health."""
    members = body if isinstance(body, dict) else {}
    words = [quote(members[name]).rstrip(".") for name in ("title", "detail") if isinstance(members.get(name), str)]
    return f" ({'; '.join(words)})" if words else ""


def _address_of(location: str) -> str:
    """Return where a redirect points, without a query or a user name, which may hold secrets."""
    try:
        parts = urlsplit(location)
        return quote(f"{parts.scheme}://{parts.hostname}{parts.path}") if parts.hostname else quote(parts.path) or "nowhere"
    except ValueError:
        return "nowhere"


def _read_body(answer: Answer, party: Party, sent_secrets: tuple[str, ...]) -> Any:
    """Read the body as a JSON value: JSON as it is, other text as a string, none as None."""
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    text = _read_text(answer, sent_secrets)
    if not answer.body:
        return None
    if is_json and text is not None:
        try:
            value = json.loads(text, parse_float=_finite, parse_constant=_finite)
            if "\\u" in text:
                # Once more, without the escapes, in which an echo would not be seen.
                value = json.loads(elide(json.dumps(value, ensure_ascii=False), sent_secrets))
        except (ValueError, RecursionError):
            pass
        else:
            return value
    elif text is not None and media_type != "text/html":
        return text
    if 200 <= answer.status < 300:
        what = quote(media_type) or "bytes of no stated type"
        kind = "broken JSON" if is_json else f"{what}, which is neither JSON nor plain text in UTF-8"
        detail = f"{party.as_subject} answered {answer.status} with {kind}; check its address and what stands in front of it."
        raise Garbled(party, "body", detail)
    return text


def _read_text(answer: Answer, sent_secrets: tuple[str, ...]) -> str | None:
    """Decode the body, without what we sent; None when there is none or it is not text in UTF-8."""
    try:
        text = answer.body.decode("utf-8-sig")
        return elide(text, sent_secrets) if text and "\0" not in text else None
    except UnicodeDecodeError:
        return None


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("too large for a double")
    return value
