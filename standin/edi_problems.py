"""The failures of EDI 2.0, version 3: problem details with the members and numbers of NHN's `troubleshooting_engbmd`."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from standin.messages import Request, Response


@dataclass(frozen=True)
class Kind:
    """A status and the number that NHN gives in `errorCode`."""

    status: HTTPStatus
    code: int


INVALID = Kind(HTTPStatus.BAD_REQUEST, 1001)
GONE = Kind(HTTPStatus.NOT_FOUND, 1010)
NOT_ALLOWED = Kind(HTTPStatus.FORBIDDEN, 1202)
LOCKED = Kind(HTTPStatus.LOCKED, 1210)

_SOURCE_SYSTEM = range(3, 513)


class EdiError(Exception):
    """A request that EDI 2.0 refuses; the validation errors, if it has any, name each fault."""

    def __init__(self, kind: Kind, detail: str, errors: Sequence[str] | None = None) -> None:
        """Keep what the problem details say."""
        super().__init__(detail)
        self.kind, self.detail, self.errors = kind, detail, errors


def check_headers(request: Request) -> None:
    """Refuse a request without the headers that every call needs. Raises `EdiError`."""
    faults = []
    if request.values("api-version") != ["3"]:
        faults.append("api-version must be 3.")
    if len(request.header("nhn-source-system") or "") not in _SOURCE_SYSTEM:
        faults.append("nhn-source-system must have 3 to 512 characters.")
    if faults:
        raise EdiError(INVALID, "A required header is missing or wrong.", faults)


def problem(error: EdiError, path: str) -> Response:
    """Return a failure's response."""
    members: dict[str, Any] = {
        "type": "about:blank",
        "title": error.kind.status.phrase,
        "status": int(error.kind.status),
        "detail": error.detail,
        "instance": path,
        "errorCode": error.kind.code,
        "requestId": str(uuid.uuid4()),
        "validationErrors": error.errors,
        "stackTrace": None,
        "timestamp": "2026-05-08T08:33:00",
    }
    return Response.json(error.kind.status, members, content_type="application/problem+json; charset=utf-8")
