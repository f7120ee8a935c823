"""The inbox of EDI 2.0, version 3: notifications by offset, the document of each, and what was marked as downloaded.

Documented by NHN, below
https://utviklerportal.nhn.no/informasjonstjenester/meldingsutveksling/edi-20/edi-20-ekstern-docs/docs:

- api-version-3/notifications_engbmd: the headers, the parameters and their limits, and the members of a notification.
- api-version-3/troubleshooting_engbmd: the statuses, the problem details, the numbers in `errorCode`.
- api-version-3/configuration_engbmd: a HER-id that is locked to another HelseID client is 423 when a message is marked.
- Prerequisites/helseid_engbmd: the audience and the scope.

From NAV's client of version 3 (https://github.com/navikt/helsemelding-edi-adapter, which cites NHN's OpenAPI document):
at most 1500 HER-ids, each once; the members of a document; `PUT messages/{id}/downloaded` with `{"receiverHerId": …}`, a 204.

Inferred: the order of the checks; 423 for notifications too, as NHN's older page on the configuration has it; 400 for an id
that is no GUID; the path `downloaded/{herId}`, modelled on version 2's `read/{herId}`. Every HER-id here is configured already.
"""

import base64
import bisect
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from standin.edi_problems import GONE, INVALID, LOCKED, NOT_ALLOWED, EdiError, check_headers, problem
from standin.edi_query import read_query
from standin.messages import Request, Response

BASE_PATH = "/edi"
AUDIENCE = "nhn:msh"
SCOPE = f"{AUDIENCE}/api"
HER_ID = 8143154
"""The receiver whose inbox has documents."""

LOCKED_HER_ID = 8143155
"""A receiver that is locked to another client."""

_SENDER_HER_ID = 8143160
_METHODS = {"notifications": "GET", "business-document": "GET", "downloaded": "PUT"}


@dataclass(kw_only=True)
class Inbox:
    """One inbox; a test can change it while it runs, and read what was downloaded, in order."""

    messages: int = 5
    document_bytes: int = 400
    large: Mapping[int, int] = field(default_factory=lambda: {3: 200_000})
    """The size of the documents that are larger, by the number of the message; EDI 2.0 takes up to 35 MB."""
    types: Mapping[int, str] = field(default_factory=dict)
    """The types of notifications other than NewMessage, by number, such as MessageSentStateUpdated."""
    gone: frozenset[int] = frozenset()
    """The numbers of messages, from 1 on, whose document there is no longer."""
    locked: dict[int, str] = field(default_factory=lambda: {LOCKED_HER_ID: "another client"})
    """The client that has locked a HER-id."""
    downloaded: list[str] = field(default_factory=list)
    """The ids of the messages that were marked as downloaded."""

    def has(self, path: str) -> bool:
        """Return whether there is an endpoint at this path."""
        return _endpoint(path) is not None

    def respond(self, request: Request, client_id: str) -> Response:
        """Respond to a client's request to an endpoint, whose token has been accepted."""
        endpoint, message_id, her_id = _endpoint(request.path) or ("", "", "")
        if request.method != _METHODS[endpoint]:
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", _METHODS[endpoint]),))
        try:
            check_headers(request)
            if endpoint == "notifications":
                return self._list(request, client_id)
            number = self._find(message_id)
            if endpoint == "business-document":
                return self._send(number)
            return self._mark(number, her_id or _receiver(request.body), client_id)
        except EdiError as error:
            return problem(error, request.path)

    def message_id(self, number: int) -> str:
        """Return the id of a message, by its number from 1 on."""
        return f"733be787-0ad0-475a-98b7-{number:012x}"

    def document(self, number: int) -> bytes:
        """Return the document of a message: made-up XML."""
        start, end = f'<MsgHead number="{number}"><Text>'.encode(), b"</Text></MsgHead>"
        size = self.large.get(number, self.document_bytes)
        return start + b"x" * max(0, size - len(start) - len(end)) + end

    def _list(self, request: Request, client_id: str) -> Response:
        query = read_query(request.query)
        for her_id in query.her_ids:
            self._check_receiver(her_id, client_id)
        numbers = range(1, self.messages + 1) if HER_ID in query.her_ids else range(0)
        newer = numbers[bisect.bisect_right(numbers, query.offset, key=_offset) :]
        return Response.json(HTTPStatus.OK, {"notifications": [self._notification(each) for each in newer[: query.count]]})

    def _notification(self, number: int) -> dict[str, Any]:
        return {
            "relatedMessageId": self.message_id(number),
            "type": self.types.get(number, "NewMessage"),
            "notificationReceiverHerId": HER_ID,
            "notificationTriggeredByHerId": _SENDER_HER_ID,
            "description": "A made-up notification.",
            "createdAt": f"2026-05-08T08:{number // 60 % 60:02}:{number % 60:02}.31+00:00",
            "offset": _offset(number),
        }

    def _send(self, number: int) -> Response:
        if number in self.gone:
            raise EdiError(GONE, "There is no such document.")
        document = base64.b64encode(self.document(number)).decode()
        members = {"businessDocument": document, "contentType": "application/xml", "contentTransferEncoding": "base64"}
        return Response.json(HTTPStatus.OK, members)

    def _mark(self, number: int, her_id: str, client_id: str) -> Response:
        if not (her_id.isascii() and her_id.isdigit()):
            raise EdiError(INVALID, "The receiver is missing or wrong.", ["receiverHerId must be a whole number."])
        self._check_receiver(int(her_id), client_id)
        self.downloaded.append(self.message_id(number))
        return Response(HTTPStatus.NO_CONTENT)

    def _check_receiver(self, her_id: int, client_id: str) -> None:
        if her_id not in (HER_ID, LOCKED_HER_ID):
            raise EdiError(NOT_ALLOWED, f"The client may not act for the HER-id {her_id}.")
        if self.locked.get(her_id, client_id) != client_id:
            raise EdiError(LOCKED, f"The HER-id {her_id} is locked to another client.")

    def _find(self, message_id: str) -> int:
        try:
            number = uuid.UUID(message_id).int & 0xFFFF_FFFF_FFFF
        except ValueError:
            raise EdiError(INVALID, "The message's id is wrong.", ["id must be a GUID."]) from None
        if not 1 <= number <= self.messages or message_id.lower() != self.message_id(number):
            raise EdiError(GONE, "There is no such message.")
        return number


def _endpoint(path: str) -> tuple[str, str, str] | None:
    """Return the endpoint's name, the message's id and the HER-id that a path has."""
    match path.removeprefix(f"{BASE_PATH}/").split("/"):
        case ["notifications"]:
            return "notifications", "", ""
        case ["messages", message_id, ("business-document" | "downloaded") as name]:
            return name, message_id, ""
        case ["messages", message_id, "downloaded", her_id] if her_id:
            return "downloaded", message_id, her_id
    return None


def _receiver(body: bytes) -> str:
    try:
        receiver = json.loads(body)["receiverHerId"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(receiver) if type(receiver) is int else ""


def _offset(number: int) -> int:
    """Return the offset of a message: it rises, with gaps where other receivers' are."""
    return 1000 + 3 * number + number % 2
