"""Adresseregisteret's feed: what happened to communication parties, by sequence number, in pages.

Documented by NHN, below
https://utviklerportal.nhn.no/informasjonstjenester/virksomhetstjenester/adresseregisteret/communicationparty-api/docs:

- apimd: the audience, the scope, and that every endpoint wants a token and a DPoP proof.
- eventsmd: `GET event?fromSequenceNumber=`; an event's four members, which are metadata only; its two types; the form of its
  timestamp; and that each party begins with a `CommunicationPartyCreated`.
- how-to-maintain-a-local-cachemd: start at the last number and one, until the end is reached.

Inferred, since NHN's OpenAPI document could not be read: a page is a JSON array, of at most 1000 events as in
Folkeregisteret's feed; it is empty at the end; a wrong parameter is a 400 with the problem details of ASP.NET Core.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from standin.messages import Request, Response

BASE_PATH = "/cp-api"
AUDIENCE = "nhn:cp-api"
SCOPE = f"{AUDIENCE}/access-v2-dpop"
PARTY_COUNT = 997

_EVENT_PATH = f"{BASE_PATH}/event"
_FIRST_TIME = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))
_MAX_DIGITS = 18


@dataclass(kw_only=True)
class AddressRegister:
    """The feed; events are made from their numbers, so that many of them cost no memory. A test can add more while it runs."""

    events: int = 2500
    page_size: int = 1000

    def has(self, path: str) -> bool:
        """Return whether there is an endpoint at this path."""
        return path == _EVENT_PATH

    def respond(self, request: Request) -> Response:
        """Respond to a request to an endpoint, whose token has been accepted."""
        if request.method != "GET":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", "GET"),))
        pairs = parse_qsl(request.query, keep_blank_values=True)
        texts = [value for name, value in pairs if name.lower() == "fromsequencenumber"]
        if len(texts) != 1 or not _is_number(texts[0]):
            return _refuse("fromSequenceNumber must be given once, as a whole number.")
        first = max(1, int(texts[0]))
        last = min(self.events, first + self.page_size - 1)
        return Response.json(HTTPStatus.OK, [_event(number) for number in range(first, last + 1)])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


def _event(number: int) -> dict[str, Any]:
    return {
        "sequenceNumber": number,
        "herId": 8_000_000 + number % PARTY_COUNT,
        "eventType": "CommunicationPartyCreated" if number <= PARTY_COUNT else "CommunicationPartyUpdated",
        "eventTimestamp": (_FIRST_TIME + timedelta(seconds=number)).isoformat(timespec="milliseconds"),
    }


def _refuse(error: str) -> Response:
    problem = {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": int(HTTPStatus.BAD_REQUEST),
        "errors": {"fromSequenceNumber": [error]},
    }
    return Response.json(HTTPStatus.BAD_REQUEST, problem, content_type="application/problem+json; charset=utf-8")
