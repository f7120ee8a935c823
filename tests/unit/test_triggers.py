from __future__ import annotations

import json
from typing import Any

import pytest

from helseid_fn.errors import BadInvocation
from helseid_fn.organization import Organization
from helseid_fn.settings import EXAMPLES, Settings
from helseid_fn.triggers import MAX_BODY_BYTES, Invocation, parse_http, parse_invocation, read_log_fields
from tests.unit.parts import make_answer, make_settings

SETTINGS = make_settings(
    HELSEID_SCOPE="nhn:a/b nhn:c/d",
    API_METHODS="GET POST",
    HELSEID_PARENT_ORGANIZATION="999977774",
    HELSEID_CHILD_ORGANIZATION="999977776",
    HELSEID_SFM_JOURNAL_ID=EXAMPLES["HELSEID_SFM_JOURNAL_ID"],
)
JOURNAL = "11111111-2222-3333-4444-555555555555"


def http(body: bytes = b"", method: str = "POST", query: bytes = b"", settings: Settings = SETTINGS) -> Invocation:
    return parse_http(method, query, body, settings)


def parse(members: Any) -> Invocation:
    return parse_invocation(members, SETTINGS)


def refusal_of(members: Any) -> BadInvocation:
    with pytest.raises(BadInvocation) as raised:
        parse(members)
    return raised.value


def body_refusal_of(body: bytes) -> BadInvocation:
    with pytest.raises(BadInvocation) as raised:
        http(body)
    return raised.value


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"{}"], ids=["none", "white space", "an empty object"])
def test_a_bare_request_does_the_default_call(method: str, body: bytes) -> None:
    invocation = http(body, method)
    assert (invocation.organization, invocation.scopes, invocation.request.method, invocation.request.url) == (
        SETTINGS.organization,
        SETTINGS.scopes,
        "GET",
        SETTINGS.api_url,
    )


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "get", ""])
def test_takes_get_and_post_only(method: str) -> None:
    with pytest.raises(BadInvocation, match="takes GET and POST") as raised:
        http(method=method)
    assert raised.value.code == "invocation.method"


@pytest.mark.parametrize("query", [b"a=b", b"x", b"scope=nhn:a/b"])
def test_takes_no_query(query: bytes) -> None:
    with pytest.raises(BadInvocation, match="takes no query") as raised:
        http(query=query)
    assert raised.value.code == "invocation.query"


BROKEN = [
    ("not JSON", b"hello"),
    ("cut off", b'{"scope":'),
    ("more after it", b"{}{}"),
    ("a comma too many", b'{"scope":"nhn:a/b",}'),
    ("single quotes", b"{'scope':'nhn:a/b'}"),
    ("a form", b"scope=nhn%3Aa%2Fb"),
    ("not UTF-8", b'{"scope":"\xff\xfe"}'),
    ("NaN", b'{"request":{"json":NaN}}'),
    ("Infinity", b'{"request":{"json":Infinity}}'),
    ("-Infinity", b'{"request":{"json":-Infinity}}'),
    ("nested lists", b"[" * 100_000),
    ("nested objects", b'{"request":' * 50_000),
    ("deep nesting inside json", b'{"request":{"method":"POST","json":' + b"[" * 50_000 + b"]" * 50_000 + b"}}"),
    ("an integer of 5000 digits", b'{"request":{"query":{"a":' + b"9" * 5000 + b"}}}"),
    ("a negative integer of 5000 digits", b'{"request":{"json":-' + b"9" * 5000 + b"}}"),
]


@pytest.mark.parametrize("body", [body for _, body in BROKEN], ids=[name for name, _ in BROKEN])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    refusal = body_refusal_of(body)
    assert (refusal.code, "The body is not JSON" in str(refusal)) == ("invocation.body", True)


@pytest.mark.parametrize(
    "body",
    [
        b'{"scope":"nhn:a/b","scope":"nhn:c/d"}',
        b'{"scope":"nhn:a/b","sc\\u006fpe":"nhn:a/b"}',
        b'{"organization":{"parent":"999977774","parent":"999977774"}}',
        b'{"request":{"path":"a","path":"b"}}',
        b'{"request":{"query":{"a":"b","a":"c"}}}',
        b'{"request":{"headers":{"a":"b","a":"c"}}}',
        b'{"request":{"method":"POST","json":[{"a":{"b":1,"b":2}}]}}',
    ],
    ids=["at the top", "in another spelling", "organization", "request", "query", "headers", "json"],
)
def test_a_member_named_twice_is_refused_at_every_level(body: bytes) -> None:
    refusal = body_refusal_of(body)
    assert (refusal.code, "names a member twice" in str(refusal)) == ("invocation.body", True)


@pytest.mark.parametrize("filler", [b" ", b"x"], ids=["white space", "anything"])
def test_a_body_that_is_too_large_is_refused(filler: bytes) -> None:
    refusal = body_refusal_of(filler * (MAX_BODY_BYTES + 1))
    assert (refusal.code, "larger than 1 MiB" in str(refusal)) == ("invocation.body", True)


def test_a_body_of_just_the_most_is_taken() -> None:
    assert http(b"{}".ljust(MAX_BODY_BYTES)).request.url == SETTINGS.api_url


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf{}", "{}".encode("utf-16")], ids=["a BOM", "UTF-16"])
def test_json_in_another_unicode_form_is_read(body: bytes) -> None:
    assert http(body).request.url == SETTINGS.api_url


@pytest.mark.parametrize("members", [None, [], [{}], "x", 7, True], ids=repr)
def test_an_invocation_is_an_object(members: object) -> None:
    refusal = refusal_of(members)
    assert (refusal.code, "The invocation must be a JSON object" in str(refusal)) == ("invocation.member", True)


@pytest.mark.parametrize("name", ["organization", "request"])
@pytest.mark.parametrize("value", [None, [], "x", 7, True], ids=repr)
def test_a_member_that_is_an_object_is_one(name: str, value: object) -> None:
    refusal = refusal_of({name: value})
    assert (refusal.code, str(refusal)) == ("invocation.member", f"{name} must be a JSON object.")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"scopes": "x"}, "The invocation has an unknown member 'scopes'; it may have organization, scope, request."),
        ({"Scope": "x"}, "The invocation has an unknown member 'Scope'"),
        ({"": 1}, "The invocation has an unknown member ''"),
        (
            {"organization": {"orgnr": "1"}},
            "organization has an unknown member 'orgnr'; it may have parent, child, sfm_journal_id.",
        ),
        ({"request": {"url": "x"}}, "request has an unknown member 'url'; it may have method, path, query, headers, json."),
        ({"request": {"body": "x"}}, "request has an unknown member 'body'"),
    ],
    ids=["the invocation", "in another case", "empty", "organization", "request: url", "request: body"],
)
def test_an_unknown_member_is_named_with_those_that_are_known(members: dict[str, Any], words: str) -> None:
    refusal = refusal_of(members)
    assert (refusal.code, words in str(refusal)) == ("invocation.member", True)


def test_the_name_of_an_unknown_member_is_bounded() -> None:
    assert len(str(refusal_of({"x" * 10_000: 1}))) < 250


SURROGATES: list[tuple[str, dict[str, Any], str]] = [
    ("an unknown member", {"\ud800": 1}, "invocation.member"),
    ("an unknown member of organization", {"organization": {"\ud800": 1}}, "invocation.member"),
    ("an unknown member of request", {"request": {"\ud800": 1}}, "invocation.member"),
    ("parent", {"organization": {"parent": "\ud800"}}, "invocation.organization"),
    ("child", {"organization": {"child": "99997777\udfff"}}, "invocation.organization"),
    ("sfm_journal_id", {"organization": {"sfm_journal_id": "\ud800"}}, "invocation.organization"),
    ("scope", {"scope": "\ud800"}, "invocation.scope"),
    ("method", {"request": {"method": "\ud800"}}, "invocation.request"),
    ("path", {"request": {"path": "a/\ud800"}}, "invocation.request"),
    ("a name in query", {"request": {"query": {"\ud800": "a"}}}, "invocation.request"),
    ("a value in query", {"request": {"query": {"a": "\ud800"}}}, "invocation.request"),
    ("a list in query", {"request": {"query": {"a": ["\ud800"]}}}, "invocation.request"),
    ("a name in headers", {"request": {"headers": {"\ud800": "a"}}}, "invocation.request"),
    ("a value in headers", {"request": {"headers": {"a": "\ud800"}}}, "invocation.request"),
]


@pytest.mark.parametrize(("members", "code"), [pytest.param(*rest, id=name) for name, *rest in SURROGATES])
def test_a_lone_surrogate_is_the_caller_s_fault(members: dict[str, Any], code: str) -> None:
    assert body_refusal_of(json.dumps(members).encode()).code == code


def test_a_lone_surrogate_in_json_goes_to_the_api_as_it_came() -> None:
    request = http(b'{"request":{"method":"POST","json":{"\\ud800":"\\udfff"}}}').request
    assert request.body == b'{"\\ud800": "\\udfff"}'


def test_a_number_that_no_double_holds_is_refused() -> None:
    assert body_refusal_of(b'{"request":{"method":"POST","json":1e400}}').code == "invocation.request"


@pytest.mark.parametrize(
    ("value", "organization"),
    [
        pytest.param({"parent": "313745392"}, Organization("313745392"), id="another parent"),
        pytest.param({"child": "313745392"}, Organization(child="313745392"), id="another child"),
        pytest.param({"parent": "313745392", "child": "313325016"}, Organization("313745392", "313325016"), id="both"),
        pytest.param({"sfm_journal_id": JOURNAL}, Organization(sfm_journal_id=JOURNAL), id="another journal"),
        pytest.param({"parent": "313745392", "child": None}, Organization("313745392"), id="null: none"),
        pytest.param({}, Organization(), id="an empty object: no organization"),
    ],
)
def test_an_organization_replaces_the_default_one_whole(value: object, organization: Organization) -> None:
    assert parse({"organization": value}).organization == organization


@pytest.mark.parametrize("name", ["parent", "child"])
@pytest.mark.parametrize("value", ["", "99997777", "999 977 774", 999977774, True, ["999977774"], {}], ids=repr)
def test_an_organization_number_is_a_string_of_nine_digits(name: str, value: object) -> None:
    refusal = refusal_of({"organization": {name: value}})
    assert (refusal.code, str(refusal)) == ("invocation.organization", f"organization.{name} must be a string of nine digits.")


@pytest.mark.parametrize("value", ["", "x", JOURNAL.replace("-", ""), 7, [JOURNAL]], ids=repr)
def test_a_journal_id_is_a_uuid(value: object) -> None:
    refusal = refusal_of({"organization": {"sfm_journal_id": value}})
    assert (refusal.code, "organization.sfm_journal_id must be a UUID" in str(refusal)) == ("invocation.organization", True)


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        ("nhn:a/b", {"nhn:a/b"}),
        (" nhn:c/d  nhn:a/b ", {"nhn:a/b", "nhn:c/d"}),
        ("nhn:a/b nhn:a/b", {"nhn:a/b"}),
    ],
)
def test_a_scope_may_be_a_subset_of_the_setting(value: str, scopes: set[str]) -> None:
    assert parse({"scope": value}).scopes == scopes


@pytest.mark.parametrize(
    "value", ["", " ", "nhn:e/f", "nhn:a/b nhn:e/f", "NHN:A/B", "nhn:a", None, 7, ["nhn:a/b"], {"nhn:a/b": 1}], ids=repr
)
def test_any_other_scope_is_refused_with_those_that_may_be_asked_for(value: object) -> None:
    refusal = refusal_of({"scope": value})
    assert (refusal.code, "one or more of nhn:a/b nhn:c/d" in str(refusal)) == ("invocation.scope", True)


def test_a_request_is_confined_to_the_settings() -> None:
    request = parse(
        {"request": {"method": "POST", "path": "a", "query": {"b": "c"}, "headers": {"X-Own": "d"}, "json": 1}}
    ).request
    assert (request.method, request.url, request.headers["X-Own"], request.body) == (
        "POST",
        f"{SETTINGS.api_url}/a?b=c",
        "d",
        b"1",
    )


def test_a_method_that_the_settings_do_not_allow_is_refused() -> None:
    assert refusal_of({"request": {"method": "DELETE"}}).code == "invocation.request"


TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
TRACE_FIELD, SPAN_FIELD = "logging.googleapis.com/trace", "logging.googleapis.com/spanId"


def log_fields(project: str | None = "my-project", **headers: str) -> dict[str, str]:
    return read_log_fields(make_answer(200, **headers).headers, project)  # type: ignore[arg-type]


def test_a_request_that_tells_nothing_leaves_no_fields() -> None:
    assert log_fields() == {}


def test_reads_a_traceparent() -> None:
    assert log_fields(traceparent=TRACEPARENT) == {TRACE_FIELD: f"projects/my-project/traces/{TRACE}", SPAN_FIELD: SPAN}


def test_without_a_project_the_trace_stands_alone() -> None:
    assert log_fields(None, traceparent=TRACEPARENT)[TRACE_FIELD] == TRACE


@pytest.mark.parametrize(
    ("value", "span"),
    [
        (f"{TRACE}/74;o=1", "000000000000004a"),
        (f"{TRACE}/74", "000000000000004a"),
        (f"{TRACE.upper()}/18446744073709551615;o=0", "f" * 16),
        (TRACE, "0" * 16),
        (f"{TRACE};o=1", "0" * 16),
    ],
)
def test_reads_google_s_own_trace_header(value: str, span: str) -> None:
    assert log_fields(X_Cloud_Trace_Context=value) == {
        TRACE_FIELD: f"projects/my-project/traces/{TRACE}",
        SPAN_FIELD: span,
    }


def test_a_traceparent_wins_over_google_s_own_trace_header() -> None:
    assert log_fields(traceparent=TRACEPARENT, X_Cloud_Trace_Context=f"{'a' * 32}/1")[SPAN_FIELD] == SPAN


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f'"{TRACEPARENT}"',
        f"00-{'0' * 32}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
    ],
)
def test_a_traceparent_that_cannot_be_read_is_ignored(value: str) -> None:
    assert log_fields(traceparent=value) == {}


@pytest.mark.parametrize("value", ["", "x", f"{TRACE}/", f"{TRACE}/x", f"{TRACE[1:]}/1", f"{TRACE}/{'9' * 21}", f"{TRACE}/-1"])
def test_a_google_trace_that_cannot_be_read_is_ignored(value: str) -> None:
    assert log_fields(X_Cloud_Trace_Context=value) == {}


def test_reads_what_scheduler_and_platform_tell() -> None:
    headers = {
        "X_CloudScheduler_JobName": "nightly",
        "X_CloudScheduler_ScheduleTime": "2027-01-15T08:00:00Z",
        "Function_Execution_Id": "abc123",
    }
    assert log_fields(**headers) == {
        "scheduler_job": "nightly",
        "scheduler_time": "2027-01-15T08:00:00Z",
        "execution_id": "abc123",
    }


@pytest.mark.parametrize("value", ["", "a\nb", "\x1b[31m", "a\x00"])
def test_what_cannot_be_printed_is_ignored(value: str) -> None:
    assert log_fields(X_CloudScheduler_JobName=value) == {}


def test_what_is_told_is_bounded() -> None:
    assert log_fields(X_CloudScheduler_JobName="x" * 10_000) == {"scheduler_job": "x" * 200}
