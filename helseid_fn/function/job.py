"""Job: what a job is given, whether it is the default one or the user's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from helseid_fn.api.protected_api import ProtectedApi
from helseid_fn.api.request import ApiRequest
from helseid_fn.api.response import ApiResponse
from helseid_fn.context import Context
from helseid_fn.error_codes import Party
from helseid_fn.errors import HelseidFnError, InvalidInvocation, Refused
from helseid_fn.function.invocation import Invocation
from helseid_fn.function.responses import list_problem
from helseid_fn.function.started import Started
from helseid_fn.http.caller_headers import is_header_value
from helseid_fn.http.json_text import dump_json
from helseid_fn.oauth.organization import Organization, describe

if TYPE_CHECKING:
    from helseid_fn.delivery.cursor import Cursor
    from helseid_fn.delivery.result import Destination, Receipt

MAX_CONTENT_TYPE_LENGTH = 255
"""A place refuses a result for a longer one, or for one that is not ASCII, which an API might send; it is left out."""


class Job:
    """One run of a job: the API to call, and what to do with what it returns. Used by one thread."""

    def __init__(
        self,
        invocation: Invocation,
        ctx: Context,
        api: ProtectedApi,
        results: Destination | None,
        cursor: Cursor | None,
        *,
        now: Callable[[], float],
    ) -> None:
        """Take `now`, wall-clock seconds since the epoch."""
        self.api = api
        """The API below API_URL, for the organization of this run."""
        self.invocation: Started = invocation.started
        """What started the run."""
        self._invocation = invocation
        self._ctx = ctx
        self._results = results
        self._cursor = cursor
        self._now = now
        self._delivered: list[Receipt] = []
        self._longest_round_seconds = 0.0
        self._left_at_last_look: float | None = None

    @property
    def input(self) -> Any:
        """The JSON that the caller sent as `input`, or None."""
        return self._invocation.input

    @property
    def organization(self) -> Organization:
        """Whom the run acts for."""
        return self._invocation.organization

    @property
    def request(self) -> ApiRequest:
        """The call that the caller asks for: the member `request`, else a GET of API_URL. Raises `InvalidInvocation`."""
        if self._invocation.request is None:
            what = "request.method is missing, and API_METHODS has no GET, which is the default."
            raise InvalidInvocation("request", f"{what} Name one of its methods.")
        return self._invocation.request

    @property
    def wants_delivery(self) -> bool:
        """Whether the result is to be delivered: RESULT_TO is set, and a caller over HTTP asks for it."""
        if self._invocation.deliver is None:
            return self._results is not None and self.invocation.trigger != "http"
        return self._invocation.deliver

    @property
    def cursor(self) -> Cursor:
        """Where the job stands in a feed. Raises `Refused` where neither CURSOR_IN nor RESULT_TO says where to keep it."""
        if self._cursor is None:
            detail = "The job has a cursor, but no place to keep it. Set CURSOR_IN, or RESULT_TO to a bucket or a folder."
            raise Refused(Party.DELIVERY, "not_set_up", detail)
        return self._cursor

    def deliver(self, result: ApiResponse | HelseidFnError | bytes | str | Any, *, name: str | None = None) -> Receipt:
        """Store a response, an error, bytes, text or a JSON value at RESULT_TO, and return only when it is stored.

        The same name overwrites. Without one it is the name of the event or the schedule, and of its time, so that a
        repetition overwrites too; further results of the same run get a number.

        Raises `Refused`, `Unavailable`, `InvalidResponse` or `DeadlineExceeded`, and for a streamed response what reading it
        raises.
        """
        if self._results is None:
            raise Refused(Party.DELIVERY, "not_set_up", "The job delivers a result, but RESULT_TO is not set. Set it.")
        from helseid_fn.delivery.result import Result, check_name  # noqa: PLC0415  # loaded with the place of the results

        named = check_name(name if name is not None else self._next_name())
        body, content_type, status = _read(result)
        moment = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        attributes = {
            "invocation": self.invocation.id,
            "status": status,
            "organization": describe(self.organization).strip(":"),
            "time": moment,
            "correlation_id": str(self._ctx.facts.get("correlation_id") or ""),
        }
        given = {key: value for key, value in attributes.items() if value}
        receipt = self._results.deliver(Result(named, content_type, body, given, self.invocation.result_name), self._ctx)
        self._delivered.append(receipt)
        total = sum(each.size_bytes for each in self._delivered)
        self._ctx.note(delivered={"results": len(self._delivered), "bytes": total, "last": receipt.address})
        return receipt

    def has_time(self) -> bool:
        """Return whether another round of a loop fits before the deadline: one as long as the longest between two questions."""
        left = self._ctx.left_seconds()
        if self._left_at_last_look is not None:
            self._longest_round_seconds = max(self._longest_round_seconds, self._left_at_last_look - left)
        self._left_at_last_look = left
        return left > max(self._longest_round_seconds, self._ctx.longest_seconds)

    def _next_name(self) -> str:
        number = len(self._delivered) + 1
        return self.invocation.result_name if number == 1 else f"{self.invocation.result_name}-{number}"


def _read(result: Any) -> tuple[Any, str, str]:
    """Return a result's body, its content type, and the status of the response that it is, if it is one."""
    if isinstance(result, ApiResponse):
        body = result.iter_bytes() if result.is_streamed else result.content
        content_type = result.headers.get("Content-Type") or ""
        is_usable = content_type and is_header_value(content_type) and len(content_type) <= MAX_CONTENT_TYPE_LENGTH
        return body, content_type if is_usable else "application/octet-stream", str(result.status)
    if isinstance(result, HelseidFnError):
        return json.dumps(list_problem(result)).encode(), "application/problem+json", str(result.status or "")
    if isinstance(result, bytes):
        return result, "application/octet-stream", ""
    if isinstance(result, str):
        return result.encode(), "text/plain; charset=utf-8", ""
    return dump_json(result), "application/json", ""
