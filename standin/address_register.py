"""Adresseregisteret's feed: what happened to communication parties, by sequence number, in pages.

The path, the parameter, the scope and the audience are those of NHN's documentation of the register (Utviklerportalen,
"Adresseregisteret"): fetch `event?fromSequenceNumber=` the last number and one, and go on. The members of an event and the
size of a page are made up here; Folkeregisteret's feed, which is of the same kind, has 1000 in a page.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from standin.messages import Request, Response

BASE_PATH = "/cp-api"
AUDIENCE = "nhn:cp-api"
SCOPE = f"{AUDIENCE}/access-v2-dpop"

_EVENT_PATH = f"{BASE_PATH}/event"
_KINDS = ("CommunicationPartyCreated", "CommunicationPartyUpdated", "CertificateUpdated", "CommunicationPartyDeleted")
_PROBLEM = "application/problem+json"


@dataclass(kw_only=True)
class AddressRegister:
    """The feed; events are made from their numbers, so that many of them cost no memory. A test can add more while it runs."""

    events: int = 2500
    page_size: int = 1000

    def respond(self, request: Request) -> Response:
        """Respond to a request whose token has been accepted."""
        if request.path != _EVENT_PATH:
            return _problem(HTTPStatus.NOT_FOUND, "There is nothing at this path.")
        if request.method != "GET":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", "GET"),))
        pairs = parse_qsl(request.query, keep_blank_values=True)
        texts = [value for name, value in pairs if name.lower() == "fromsequencenumber"]
        if len(texts) != 1 or not (texts[0].isascii() and texts[0].isdigit()) or len(pairs) > 1:
            return _problem(HTTPStatus.BAD_REQUEST, "fromSequenceNumber must be one whole number.")
        first = max(1, int(texts[0]))
        last = min(self.events, first + self.page_size - 1)
        return Response.json(HTTPStatus.OK, [_event(number) for number in range(first, last + 1)])


def _event(number: int) -> dict[str, Any]:
    occurred = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "sequenceNumber": number,
        "eventType": _KINDS[number % len(_KINDS)],
        "herId": 80_000 + number % 9_973,
        "occurred": occurred.isoformat().replace("+00:00", "Z"),
    }


def _problem(status: HTTPStatus, detail: str) -> Response:
    problem = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    return Response.json(status, problem, content_type=_PROBLEM)
