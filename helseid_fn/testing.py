"""run_job: run a job of your own without a cloud, HelseID or an API, and see what it did.

A main.py reads the settings when it is imported. So importing this module before it gives each required setting that the
environment lacks its example's value; nothing is called with them.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests.structures import CaseInsensitiveDict

from helseid_fn.api.client import ApiClient, ApiExchange
from helseid_fn.api.file_body import FileBody
from helseid_fn.api.protected_api import ProtectedApi
from helseid_fn.api.request import ApiRequest
from helseid_fn.context import Context
from helseid_fn.delivery.cursor import Cursor, Stored
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.function.invocation import Invocation
from helseid_fn.function.job import Job
from helseid_fn.function.responses import check_outcome
from helseid_fn.function.started import Started
from helseid_fn.http.messages import Response
from helseid_fn.http.transport import Transport
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from helseid_fn.setting_parsers import MAX_MEGABYTES
from helseid_fn.setting_table import REQUIRED, SETTINGS

_URL = "https://api.example"
_MAX_BYTES = MAX_MEGABYTES * 1024 * 1024
_NOBODY = Organization()

for _setting in SETTINGS:
    if _setting.default is REQUIRED:
        os.environ.setdefault(_setting.name, _setting.example)


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that the job made; `path` is below API_URL, and `params` has a list for each name."""

    method: str
    path: str
    params: dict[str, list[str]]
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body parsed as JSON."""
        return json.loads(self.content)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A result that the job delivered."""

    content: bytes
    content_type: str
    attributes: Mapping[str, str]

    def json(self) -> Any:
        """Return the body parsed as JSON."""
        return json.loads(self.content)


@dataclass(frozen=True, slots=True)
class JobRun:
    """What the job returned, what it delivered by name, the requests that it made, and where its cursor stands."""

    returned: object
    delivered: dict[str, Delivered]
    requested: list[Requested]
    cursor: Any


Reply = Any
"""JSON, `bytes`, a status, a tuple of status, body and perhaps headers, or a function of a `Requested` that returns one."""


def run_job(
    job: Callable[[Job], object],
    *,
    api: Mapping[str, Reply],
    cursor: Any = None,
    input: Any = None,  # noqa: A002  # the caller's word for it
    request: ApiRequest | None = None,
    organization: Organization = _NOBODY,
    deadline_seconds: float = 25,
    now: Callable[[], float] = time.time,
) -> JobRun:
    """Run a job once. Raises what the job raises, and `TypeError` or `ValueError` where it returns what a job may not.

    `api` has a reply for each request, by method and path such as `"GET notifications"`, or by path alone; the first key that a
    path begins with and that ends with `*` counts for all below. A request without a reply is an `AssertionError`. `cursor` is
    where the job's cursor stands at first.
    """
    ctx = Context(deadline_seconds, invocation_id="test")
    client, places = _Client(api), _Places({}, cursor)
    started = Started("test", "terminal", None, 1, "test")
    invocation = Invocation(
        organization, frozenset({"test"}), request or ApiRequest("GET", _URL), input, deliver=None, started=started
    )
    below = ProtectedApi(client, _URL, organization, frozenset({"test"}), max_body_bytes=_MAX_BYTES, begin=lambda: ctx)
    returned = check_outcome(job(Job(invocation, ctx, below, places, Cursor(places, "of the test", ctx, now=now), now=now)))
    return JobRun(returned, places.delivered, client.requested, places.value)


class _Client(ApiClient):
    """Replies as the test says."""

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        super().__init__(None, Transport())  # type: ignore[arg-type]  # it asks for no token
        self._replies = replies
        self._token = Token("test", generate_proof_key(), frozenset({"test"}), 600, time.time(), None, "", "")
        self.requested: list[Requested] = []

    def exchange(
        self, request: ApiRequest, organization: Organization, scopes: frozenset[str], ctx: Context, *, stream: bool = False
    ) -> ApiExchange:
        del organization, scopes, stream
        parts = urlsplit(request.url)
        content = b"".join(request.body.rewind(ctx)) if isinstance(request.body, FileBody) else request.body or b""
        params = parse_qs(parts.query, keep_blank_values=True)
        made = Requested(request.method, parts.path.removeprefix("/"), params, request.headers, content)
        self.requested.append(made)
        return ApiExchange(request, _respond(self._find(made), made), self._token, ())

    def _find(self, made: Requested) -> Reply:
        for key, reply in self._replies.items():
            method, _, path = key.rpartition(" ")
            is_below = path.endswith("*") and made.path.startswith(path[:-1])
            if method in ("", made.method) and (is_below or path == made.path):
                return reply
        there = ", ".join(map(repr, self._replies)) or "nothing"
        raise AssertionError(f"The job called {made.method} {made.path!r}, and api has no reply for it. It has {there}.")


def _respond(reply: Reply, made: Requested) -> Response:
    reply = reply(made) if callable(reply) else reply
    status, body, headers = 200, reply, {}
    if isinstance(reply, int) and not isinstance(reply, bool):
        status, body = reply, b""
    elif isinstance(reply, tuple):
        status, body, headers = (*reply, {})[:3] if len(reply) < 3 else reply
    if not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    return Response(status, CaseInsensitiveDict(headers), body)


class _Places:
    """Keeps results and the cursor in memory."""

    def __init__(self, delivered: dict[str, Delivered], value: Any) -> None:
        self.delivered = delivered
        self.value = value
        self._version = 0

    def deliver(self, result: Result, ctx: Context) -> Receipt:
        del ctx
        content = result.body if isinstance(result.body, bytes) else b"".join(result.body)
        self.delivered[result.name] = Delivered(content, result.content_type, result.attributes)
        return Receipt(f"test/{result.name}", len(content), hashlib.sha256(content).hexdigest())

    def read(self, ctx: Context) -> Stored | None:
        del ctx
        if self.value is None:
            return None
        return Stored(json.dumps({"value": self.value, "moved": "2026-01-01T00:00:00Z"}).encode(), str(self._version))

    def write(self, text: bytes, version: str | None, ctx: Context) -> str | None:
        del version, ctx
        self.value, self._version = json.loads(text)["value"], self._version + 1
        return str(self._version)
