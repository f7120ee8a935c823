from __future__ import annotations

from helseid_fn.api.call_headers import CallHeaders
from helseid_fn.context import TRACE_FIELD
from tests.support.parts import make_context

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_fixed_headers_replace_the_caller_s() -> None:
    headers = CallHeaders({"api-version": "3"})
    assert headers.add({"API-Version": "2", "accept": "x"}, make_context()) == {"accept": "x", "api-version": "3"}


def test_each_call_has_a_correlation_id_of_its_own() -> None:
    ids = iter(["first", "second"])
    headers, ctx = CallHeaders({}, "nhn-event-id", new_id=lambda: next(ids)), make_context()
    assert [headers.add({}, ctx) for _ in range(2)] == [{"nhn-event-id": "first"}, {"nhn-event-id": "second"}]
    assert ctx.facts["correlation_id"] == "second"


def test_the_caller_s_correlation_id_stays() -> None:
    ctx = make_context()
    assert CallHeaders({}, "nhn-event-id").add({"NHN-Event-Id": "theirs"}, ctx)["nhn-event-id"] == "theirs"
    assert ctx.facts["correlation_id"] == "theirs"


def test_the_trace_goes_on_with_a_new_span() -> None:
    ctx = make_context()
    ctx.note(**{TRACE_FIELD: f"projects/p/traces/{TRACE}"})
    added = CallHeaders({}, new_span=lambda: "b7ad6b7169203331").add({}, ctx)
    assert added == {"traceparent": f"00-{TRACE}-b7ad6b7169203331-00"}


def test_the_caller_s_trace_stays() -> None:
    ctx = make_context()
    ctx.note(**{TRACE_FIELD: TRACE})
    assert CallHeaders().add({"Traceparent": "theirs"}, ctx) == {"Traceparent": "theirs"}


def test_without_settings_and_trace_nothing_is_added() -> None:
    assert CallHeaders().add({"accept": "x"}, make_context()) == {"accept": "x"}
