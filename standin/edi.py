"""The inbox of EDI 2.0, version 3: notifications by offset, the document of each, and what was marked as downloaded.

Paths, parameters, required headers and statuses are those of NHN's documentation (Utviklerportalen, "EDI 2.0"), as far as it is
public: offsets are global, rise and have gaps, nothing is deleted, a page has 1 to 1000 notifications and 100 by default,
`nhn-source-system` (3 to 512 characters) and `api-version` are required, and a HER-id that another client has locked is a 423.
The names of the members are those that NAV's client for version 3 reads; the documents are made up.
"""

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from standin.messages import Request, Response

BASE_PATH = "/edi"
AUDIENCE = "nhn:msh"
SCOPE = f"{AUDIENCE}/api"
HER_ID = 8143154
"""The receiver whose inbox has documents."""

LOCKED_HER_ID = 8143155
"""A receiver that is locked to another client."""

MAX_PAGE = 1000
DEFAULT_PAGE = 100

_DOCUMENT_PATH = re.compile(rf"{BASE_PATH}/messages/([0-9a-f-]{{36}})/business-document")
_DOWNLOADED_PATH = re.compile(rf"{BASE_PATH}/messages/([0-9a-f-]{{36}})/downloaded/([0-9]+)")
_PROBLEM = "application/problem+json"


@dataclass(kw_only=True)
class Inbox:
    """One inbox; a test can change it while it runs, and read what was downloaded, in order."""

    messages: int = 5
    document_bytes: int = 400
    gone: frozenset[int] = frozenset()
    """The numbers of messages, from 1 on, whose document there is no longer."""
    downloaded: list[str] = field(default_factory=list)

    def respond(self, request: Request) -> Response:
        """Respond to a request whose token has been accepted."""
        refusal = _check_headers(request)
        if refusal is not None:
            return refusal
        if request.path == f"{BASE_PATH}/notifications":
            return self._list(request) if request.method == "GET" else _not_allowed("GET")
        if found := _DOCUMENT_PATH.fullmatch(request.path):
            return self._send(found[1]) if request.method == "GET" else _not_allowed("GET")
        if found := _DOWNLOADED_PATH.fullmatch(request.path):
            return self._mark(found[1], int(found[2])) if request.method == "PUT" else _not_allowed("PUT")
        return _problem(HTTPStatus.NOT_FOUND, "E10404", "There is nothing at this path.")

    def message_id(self, number: int) -> str:
        """Return the id of a message, by its number from 1 on."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"message {number}"))

    def document(self, number: int) -> bytes:
        """Return the document of a message: made-up XML."""
        start, end = f'<MsgHead number="{number}"><Text>'.encode(), b"</Text></MsgHead>"
        return start + b"x" * max(0, self.document_bytes - len(start) - len(end)) + end

    def _list(self, request: Request) -> Response:
        query = {name.lower(): value for name, value in parse_qsl(request.query, keep_blank_values=True)}
        her_ids = [_number(each) for each in query.get("herids", "").split(",")]
        offset, size = _number(query.get("offset", "0")), _number(query.get("notificationstofetch", str(DEFAULT_PAGE)))
        if None in her_ids or offset is None or size is None or not 1 <= size <= MAX_PAGE:
            what = f"HerIds and Offset must be whole numbers, NotificationsToFetch one of 1 to {MAX_PAGE}."
            return _problem(HTTPStatus.BAD_REQUEST, "E10400", what)
        if LOCKED_HER_ID in her_ids:
            return _problem(HTTPStatus.LOCKED, "E10423", "The HER-id is locked to another client.")
        numbers = [number for number in range(1, self.messages + 1) if _offset(number) > offset] if HER_ID in her_ids else []
        return Response.json(HTTPStatus.OK, [self._notification(number) for number in numbers[:size]])

    def _notification(self, number: int) -> dict[str, Any]:
        return {
            "type": "NewMessage",
            "offset": _offset(number),
            "messageId": self.message_id(number),
            "notificationReceiverHerId": HER_ID,
        }

    def _send(self, message_id: str) -> Response:
        number = self._find(message_id)
        if number is None or number in self.gone:
            return _problem(HTTPStatus.NOT_FOUND, "E10404", "There is no such document.")
        document = base64.b64encode(self.document(number)).decode()
        members = {"businessDocument": document, "contentType": "application/xml", "contentTransferEncoding": "base64"}
        return Response.json(HTTPStatus.OK, members)

    def _mark(self, message_id: str, her_id: int) -> Response:
        if self._find(message_id) is None or her_id != HER_ID:
            return _problem(HTTPStatus.NOT_FOUND, "E10404", "There is no such message for this HER-id.")
        self.downloaded.append(message_id)
        return Response(HTTPStatus.NO_CONTENT)

    def _find(self, message_id: str) -> int | None:
        return next((number for number in range(1, self.messages + 1) if self.message_id(number) == message_id), None)


def _offset(number: int) -> int:
    """Return the offset of a message: it rises, with gaps where other receivers' are."""
    return 1000 + 3 * number + number % 2


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _check_headers(request: Request) -> Response | None:
    errors: Mapping[str, bool] = {
        "nhn-source-system": 3 <= len(request.header("nhn-source-system") or "") <= 512,
        "api-version": request.header("api-version") == "3",
    }
    wrong = [name for name, is_right in errors.items() if not is_right]
    return _problem(HTTPStatus.BAD_REQUEST, "E10400", f"{' and '.join(wrong)} must be set.", wrong) if wrong else None


def _not_allowed(method: str) -> Response:
    return Response(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", method),))


def _problem(status: HTTPStatus, code: str, detail: str, errors: list[str] | None = None) -> Response:
    members = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    members |= {"errorCode": code, "requestId": str(uuid.uuid4()), "validationErrors": errors or []}
    return Response.json(status, members, content_type=_PROBLEM)
