from __future__ import annotations

import json
from typing import Any

import pytest

from helseid_fn.api.response import ApiResponse
from helseid_fn.context import Context
from helseid_fn.errors import (
    DeadlineExceeded,
    HelseidFnError,
    InternalError,
    InvalidInvocation,
    InvalidResponse,
    Party,
    Refused,
    SettingsError,
    SigningKeyError,
    Unavailable,
)
from helseid_fn.function.responses import build_problem, build_report, build_rotation_report, read_as_object
from helseid_fn.oauth.organization import Organization
from tests.conftest import MovableClock
from tests.support.parts import NOW, make_context, make_response

ERRORS = [
    InvalidInvocation("scope", "wrong."),
    SettingsError(("wrong",)),
    SigningKeyError("pem", "wrong."),
    Unavailable(Party.HELSEID, "timeout", "gone."),
    DeadlineExceeded(Party.API, 25.0),
    Refused(Party.API, "forbidden", "no."),
    InvalidResponse(Party.HELSEID, "nonce", "odd."),
    InternalError(),
]
EVERY_ERROR = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


def problem(error: HelseidFnError) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(build_problem(error, "the-id")[0])
    return members


@EVERY_ERROR
def test_a_problem_has_exactly_these_members(error: HelseidFnError) -> None:
    body, status, headers = build_problem(error, "the-id")
    assert json.loads(body) == {
        "type": f"urn:helseid-fn:problem:{error.code}",
        "title": error.title,
        "status": error.http_status,
        "detail": str(error),
        "code": error.code,
        "party": error.party.value if error.party else None,
        "retryable": error.retryable,
        "invocation": "the-id",
    }
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (
        error.http_status,
        "application/problem+json",
        "no-store",
    )
    assert ("Retry-After" in headers) is isinstance(error, Unavailable)


@pytest.mark.parametrize(("asked", "shown"), [(None, "10"), (1, "1"), (120, "120")])
def test_retry_after_is_the_party_s_own_wait(asked: int | None, shown: str) -> None:
    error = Unavailable(Party.API, "server_error", "later.", retry_after_seconds=asked)
    assert build_problem(error, "the-id")[2]["Retry-After"] == shown


@pytest.mark.parametrize("body", [None, "text", {"a": ["æ", "\ud800"]}, 7], ids=ascii)
def test_a_problem_has_the_api_s_response_in_ascii(body: object) -> None:
    error = Refused(Party.API, "other", "no.", api_response={"status": 409, "body": body})
    assert problem(error)["api"] == {"status": 409, "body": body}
    assert build_problem(error, "the-id")[0].isascii()


def report(ctx: Context, *, now: float = NOW + 0.4, organization: Organization | None = None) -> dict[str, Any]:
    ctx.note_token(NOW + 600, frozenset({"nhn:c/d", "nhn:a/b"}), ("HUSH",))
    received = make_response(201, {"greeting": "hei"}, ETag='"1"', Content_Type="application/json")
    response = ApiResponse(201, received.headers, received.body, "https://api.example")
    body, status, headers = build_report(response, organization or Organization("1"), ctx, now)
    assert (status, headers) == (200, {"Content-Type": "application/json", "Cache-Control": "no-store"})
    assert "HUSH" not in body
    members: dict[str, Any] = json.loads(body)
    return members


def test_a_report_has_exactly_these_members(clock: MovableClock) -> None:
    ctx = Context(25.0, invocation_id="the-id", monotonic=clock)
    clock.move(0.1234)
    for party, times in ((Party.SECRET_MANAGER, 1), (Party.HELSEID, 3), (Party.API, 2)):
        for _ in range(times):
            with ctx.request(party):
                pass
    assert report(ctx, organization=Organization("999977774", "999977776", "journal")) == {
        "status": "ok",
        "api": {"status": 201, "body": {"greeting": "hei"}, "headers": {"etag": '"1"'}},
        "token": {"cached": False, "expires_in_seconds": 600, "scope": "nhn:a/b nhn:c/d"},
        "organization": {"parent": "999977774", "child": "999977776"},
        "requests": {"secret_store": 1, "helseid": 3, "api": 2},
        "duration_ms": 123,
        "invocation": "the-id",
    }


def test_a_token_that_cost_no_request_was_cached() -> None:
    assert report(make_context())["token"]["cached"] is True


@pytest.mark.parametrize(("now", "left"), [(NOW, 600), (NOW + 599, 1), (NOW + 600, 0), (NOW + 700, 0)])
def test_a_token_s_time_left_is_never_negative(now: float, left: int) -> None:
    assert report(make_context(), now=now)["token"]["expires_in_seconds"] == left


def test_a_rotation_report_names_the_key() -> None:
    ctx = make_context()
    ctx.note(kid="kid", key_expires="2027-01-01T00:00:00Z", key_expires_in_days=9.5, trace="x")
    body, status, _ = build_rotation_report("rotated", ctx)
    assert status == 200
    assert json.loads(body) == {
        "status": "ok",
        "rotation": "rotated",
        "kid": "kid",
        "key_expires": "2027-01-01T00:00:00Z",
        "key_expires_in_days": 9.5,
        "requests": {"secret_store": 0, "helseid": 0, "api": 0},
        "duration_ms": 0,
        "invocation": "",
    }


@pytest.mark.parametrize("text", ["\ud83d", "a\udc00b", "\\ud83d", "😀 æøå", "\ud83d\ud83d"], ids=ascii)
def test_a_response_as_an_object_fits_into_utf_8(text: str) -> None:
    members = {"api": {text: [text, None, 1.5]}}
    shown = text.encode("utf-8", "replace").decode()
    assert read_as_object((json.dumps(members), 200, {})) == {"api": {shown: [shown, None, 1.5]}}
