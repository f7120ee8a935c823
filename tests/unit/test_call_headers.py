from __future__ import annotations

from itertools import count

import pytest

from helseid_fn.api.call_headers import CallHeaders
from helseid_fn.context import Context
from tests.support.parts import make_context

FIXED = CallHeaders({"accept": "application/fhir+json", "api-version": "3"}, "nhn-event-id")
UUID = "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def build(headers: CallHeaders, own: dict[str, str] | None = None, ctx: Context | None = None) -> dict[str, str]:
    ids = (f"00000000-0000-4000-8000-{number:012}" for number in count(1))
    return headers.build(own or {}, ctx or make_context(), lambda: next(ids))


def test_without_settings_only_json_is_asked_for() -> None:
    assert build(CallHeaders()) == {"Accept": "application/json"}


def test_fixed_headers_are_added() -> None:
    assert build(CallHeaders({"api-version": "3"})) == {"Accept": "application/json", "api-version": "3"}


def test_the_request_s_own_headers_win_in_any_spelling() -> None:
    own = {"ACCEPT": "text/csv", "Api-Version": "4", "NHN-Event-Id": UUID}
    assert build(FIXED, own) == own


def test_each_call_has_an_id_that_is_noted() -> None:
    ctx = make_context()
    assert build(FIXED, ctx=ctx)["nhn-event-id"] == "00000000-0000-4000-8000-000000000001"
    assert ctx.facts["correlation_id"] == "00000000-0000-4000-8000-000000000001"


def test_a_caller_s_own_id_is_noted() -> None:
    ctx = make_context()
    build(FIXED, {"NHN-EVENT-ID": UUID}, ctx)
    assert ctx.facts["correlation_id"] == UUID


@pytest.mark.parametrize("value", ["Ola Nordmann", "01017012345", "17", ""])
def test_a_caller_s_id_of_no_id_s_shape_is_not_noted(value: str) -> None:
    ctx = make_context()
    build(FIXED, ctx=ctx)
    assert build(FIXED, {"nhn-event-id": value}, ctx)["nhn-event-id"] == value
    assert "correlation_id" not in ctx.facts


def test_a_trace_goes_on_with_another_span() -> None:
    ctx = make_context()
    ctx.traceparent = f"00-{TRACE}-b7ad6b7169203331-01"
    assert build(CallHeaders(), ctx=ctx)["traceparent"] == f"00-{TRACE}-8000000000000001-01"


def test_a_caller_s_own_traceparent_wins() -> None:
    ctx = make_context()
    ctx.traceparent = f"00-{TRACE}-b7ad6b7169203331-01"
    assert build(CallHeaders(), {"Traceparent": "own"}, ctx)["Traceparent"] == "own"


def test_fixed_values_are_not_shown() -> None:
    assert "HUSH" not in repr(CallHeaders({"api-key": "HUSH"}))
