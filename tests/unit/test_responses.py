from __future__ import annotations

import json
from typing import Any

import pytest

from helseid_fn.api.job import Report
from helseid_fn.context import Journal
from helseid_fn.errors import (
    BadInvocation,
    Crashed,
    DeadlineExceeded,
    Garbled,
    HelseidFnError,
    Party,
    Refused,
    SettingsError,
    SigningKeyError,
    Unreachable,
)
from helseid_fn.function.responses import build_problem, build_report, read_as_object
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.organization import Organization
from helseid_fn.oauth.token_response import Token
from tests.conftest import MovableClock
from tests.support.parts import NOW

ERRORS = [
    BadInvocation("scope", "wrong."),
    SettingsError(("wrong",)),
    SigningKeyError("pem", "wrong."),
    Unreachable(Party.HELSEID, "timeout", "gone."),
    DeadlineExceeded(Party.API, 25.0),
    Refused(Party.API, "forbidden", "no."),
    Garbled(Party.HELSEID, "nonce", "odd."),
    Crashed(),
]
EVERY_ERROR = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


def problem(error: HelseidFnError) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(build_problem(error, "the-id")[0])
    return members


@EVERY_ERROR
def test_a_problem_holds_exactly_these_members(error: HelseidFnError) -> None:
    assert problem(error) == {
        "type": f"urn:helseid-fn:problem:{error.code}",
        "title": error.title,
        "status": error.http_status,
        "detail": str(error),
        "code": error.code,
        "party": error.party.value if error.party else None,
        "retryable": error.retryable,
        "invocation": "the-id",
    }


@EVERY_ERROR
def test_the_status_is_the_error_s(error: HelseidFnError) -> None:
    assert build_problem(error, "the-id")[1] == error.http_status


@EVERY_ERROR
def test_a_problem_is_not_kept_by_caches(error: HelseidFnError) -> None:
    headers = build_problem(error, "the-id")[2]
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("application/problem+json", "no-store")


@EVERY_ERROR
def test_only_what_is_unreachable_says_when_to_try_again(error: HelseidFnError) -> None:
    assert ("Retry-After" in build_problem(error, "the-id")[2]) is isinstance(error, Unreachable)


@pytest.mark.parametrize(("asked", "told"), [(None, "10"), (1, "1"), (120, "120")])
def test_the_party_s_own_wait_is_told(asked: int | None, told: str) -> None:
    error = Unreachable(Party.API, "server_error", "later.", retry_after_seconds=asked)
    assert build_problem(error, "the-id")[2]["Retry-After"] == told


@pytest.mark.parametrize("body", [None, "text", {"a": ["æ", "\ud800"]}, 7])
def test_the_api_s_answer_is_told(body: object) -> None:
    error = Refused(Party.API, "other", "no.")
    error.api_answer = {"status": 409, "body": body}
    assert problem(error)["api"] == {"status": 409, "body": body}


@EVERY_ERROR
def test_a_problem_can_be_written_in_ascii(error: HelseidFnError) -> None:
    error.api_answer = {"status": 409, "body": "\ud800 æ"}
    assert build_problem(error, "the-id")[0].isascii()
    error.api_answer = None


def report(
    *, journal: Journal | None = None, now: float = NOW + 0.4, organization: Organization | None = None
) -> tuple[dict[str, Any], int, dict[str, str]]:
    token = Token("HUSH", generate_proof_key(), frozenset({"nhn:c/d", "nhn:a/b"}), 600, NOW, None, "x", "y")
    done = Report(201, {"greeting": "hei"}, token)
    body, status, headers = build_report(done, organization or Organization("1"), journal or Journal(), now, "the-id")
    assert "HUSH" not in body
    return json.loads(body), status, headers


def test_a_report_holds_exactly_these_members(clock: MovableClock) -> None:
    journal = Journal(monotonic=clock)
    clock.move(0.1234)
    for party, times in ((Party.SECRET_MANAGER, 1), (Party.HELSEID, 3), (Party.API, 2)):
        for _ in range(times):
            with journal.request(party):
                pass
    body, _, _ = report(journal=journal, organization=Organization("999977774", "999977776", "journal"))
    assert body == {
        "status": "ok",
        "api": {"status": 201, "body": {"greeting": "hei"}},
        "token": {"held": False, "expires_in_seconds": 600, "scope": "nhn:a/b nhn:c/d"},
        "organization": {"parent": "999977774", "child": "999977776"},
        "requests": {"secret_store": 1, "helseid": 3, "api": 2},
        "duration_ms": 123,
        "invocation": "the-id",
    }


def test_a_report_is_a_200_that_no_cache_keeps() -> None:
    _, status, headers = report()
    assert (status, headers) == (200, {"Content-Type": "application/json", "Cache-Control": "no-store"})


def test_a_token_that_cost_no_request_was_held() -> None:
    assert report()[0]["token"]["held"] is True


@pytest.mark.parametrize(("now", "left"), [(NOW, 600), (NOW + 599, 1), (NOW + 600, 0), (NOW + 700, 0)])
def test_the_time_that_a_token_has_left_is_never_negative(now: float, left: int) -> None:
    assert report(now=now)[0]["token"]["expires_in_seconds"] == left


@pytest.mark.parametrize("text", ["\ud83d", "a\udc00b", "\\ud83d", "😀 æøå", "\ud83d\ud83d"], ids=ascii)
def test_an_answer_as_an_object_fits_into_utf_8(text: str) -> None:
    members = {"api": {text: [text, None, 1.5]}}
    shown = text.encode("utf-8", "replace").decode()
    assert read_as_object((json.dumps(members), 200, {})) == {"api": {shown: [shown, None, 1.5]}}
