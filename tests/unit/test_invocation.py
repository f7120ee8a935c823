from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from helseid_fn.errors import InvalidInvocation
from helseid_fn.function.invocation import (
    Invocation,
    max_body_bytes,
    parse_cloud_event,
    parse_http,
    parse_invocation,
    parse_payload,
)
from helseid_fn.function.lambda_events import read_payload
from helseid_fn.function.lambda_http import read_http_request
from helseid_fn.function.pubsub import MESSAGE_PUBLISHED
from helseid_fn.oauth.organization import Organization
from helseid_fn.setting_table import EXAMPLES
from helseid_fn.settings import Settings
from tests.support.parts import make_settings

SETTINGS = make_settings(
    HELSEID_SCOPE="nhn:a/b nhn:c/d",
    API_MAX_MEGABYTES="1",
    HELSEID_ORGANIZATIONS="*",
    API_METHODS="GET POST",
    HELSEID_PARENT_ORGANIZATION="999977774",
    HELSEID_CHILD_ORGANIZATION="999977776",
    HELSEID_SFM_JOURNAL_ID=EXAMPLES["HELSEID_SFM_JOURNAL_ID"],
)
JOURNAL_ID = "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"
JOURNAL = "11111111-2222-3333-4444-555555555555"


def http(body: bytes = b"", method: str = "POST", query: bytes = b"", settings: Settings = SETTINGS) -> Invocation:
    return parse_http(method, query, body, settings)


def parse(members: Any) -> Invocation:
    return parse_invocation(members, SETTINGS)


def refusal_of(members: Any) -> InvalidInvocation:
    with pytest.raises(InvalidInvocation) as raised:
        parse(members)
    return raised.value


def body_refusal_of(body: bytes) -> InvalidInvocation:
    with pytest.raises(InvalidInvocation) as raised:
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
    with pytest.raises(InvalidInvocation, match="takes GET and POST") as raised:
        http(method=method)
    assert raised.value.code == "invocation.method"


@pytest.mark.parametrize("query", [b"a=b", b"x", b"scope=nhn:a/b"])
def test_takes_no_query(query: bytes) -> None:
    with pytest.raises(InvalidInvocation, match="takes no query") as raised:
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
    assert (refusal.code, "member twice" in str(refusal)) == ("invocation.body", True)


@pytest.mark.parametrize("filler", [b" ", b"x"], ids=["white space", "anything"])
def test_a_body_that_is_too_large_is_refused(filler: bytes) -> None:
    refusal = body_refusal_of(filler * (max_body_bytes(SETTINGS) + 1))
    assert (refusal.code, "larger than 1 MiB" in str(refusal)) == ("invocation.body", True)


def test_a_body_of_the_largest_size_is_taken() -> None:
    assert http(b"{}".ljust(max_body_bytes(SETTINGS))).request.url == SETTINGS.api_url


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
        ({"scopes": "x"}, "The invocation has an unknown member 'scopes'"),
        ({"Scope": "x"}, "The invocation has an unknown member 'Scope'"),
        ({"": 1}, "The invocation has an unknown member ''"),
        (
            {"organization": {"orgnr": "1"}},
            "organization has an unknown member 'orgnr'",
        ),
        ({"request": {"url": "x"}}, "request has an unknown member 'url'"),
        ({"request": {"body": "x"}}, "request has an unknown member 'body'"),
    ],
    ids=["the invocation", "in another case", "empty", "organization", "request: url", "request: body"],
)
def test_an_unknown_member_is_named_with_the_known_ones(members: dict[str, Any], words: str) -> None:
    refusal = refusal_of(members)
    told = refusal.caller_detail
    assert (refusal.code, words in told, "may have" in told) == ("invocation.member", True, True)


def test_the_name_of_an_unknown_member_is_not_for_the_log() -> None:
    refusal = refusal_of({"01017012345": 1})
    assert ("01017012345" in str(refusal), "01017012345" in refusal.caller_detail) == (False, True)


def test_the_name_of_an_unknown_member_is_bounded() -> None:
    assert len(refusal_of({"x" * 10_000: 1}).caller_detail) < 250


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
def test_a_lone_surrogate_is_refused(members: dict[str, Any], code: str) -> None:
    assert body_refusal_of(json.dumps(members).encode()).code == code


def test_a_lone_surrogate_in_json_is_sent_as_it_is() -> None:
    request = http(b'{"request":{"method":"POST","json":{"\\ud800":"\\udfff"}}}').request
    assert request.body == b'{"\\ud800": "\\udfff"}'


@pytest.mark.parametrize(
    "value",
    [b"1e400", b"9" * 5000, b"[" * 201 + b"]" * 201, b'{"a":' * 201 + b"1" + b"}" * 201],
    ids=["beyond a double", "5000 digits", "nested arrays", "nested objects"],
)
def test_json_that_nobody_could_send_on_is_refused(value: bytes) -> None:
    assert body_refusal_of(b'{"request":{"method":"POST","json":' + value + b"}}").code == "invocation.body"


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
def test_an_organization_replaces_the_whole_default(value: object, organization: Organization) -> None:
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
def test_any_other_scope_is_refused_with_the_allowed_ones(value: object) -> None:
    refusal = refusal_of({"scope": value})
    assert (refusal.code, "one or more of nhn:a/b nhn:c/d" in str(refusal)) == ("invocation.scope", True)


def test_a_request_is_confined_to_the_settings() -> None:
    request = parse(
        {"request": {"method": "POST", "path": "a", "query": {"b": "c"}, "headers": {"nhn-own": "d"}, "json": 1}}
    ).request
    assert (request.method, request.url, request.headers["nhn-own"], request.body) == (
        "POST",
        f"{SETTINGS.api_url}/a?b=c",
        "d",
        b"1",
    )


def test_a_method_that_the_settings_do_not_allow_is_refused() -> None:
    assert refusal_of({"request": {"method": "DELETE"}}).code == "invocation.request"


def parse_lambda_http(event: dict[str, Any]) -> Invocation:
    request = read_http_request(event)
    assert request is not None
    return parse_http(request.method, request.query.encode("utf-8", "surrogatepass"), request.read_body(), SETTINGS)


def parse_lambda_event(event: object) -> Invocation:
    return parse_payload(read_payload(event), SETTINGS)


OTHER = {"organization": {"child": "999977775"}}
CHANNELS = {
    "a Pub/Sub message": lambda payload: parse_cloud_event(
        MESSAGE_PUBLISHED, {"message": {"data": base64.b64encode(payload).decode(), "messageId": "1"}}, SETTINGS
    ),
    "an event with bytes": lambda payload: parse_cloud_event("any", payload, SETTINGS),
    "an event with text": lambda payload: parse_cloud_event("any", payload.decode(), SETTINGS),
    "Lambda over HTTP": lambda payload: parse_lambda_http(lambda_http(payload.decode())),
    "Lambda over HTTP in base64": lambda payload: parse_lambda_http(
        lambda_http(base64.b64encode(payload).decode(), isBase64Encoded=True)
    ),
}
through_every_channel = pytest.mark.parametrize("channel", CHANNELS.values(), ids=CHANNELS)


def lambda_http(body: str | None = None, *, method: str = "POST", query: str = "", **more: Any) -> dict[str, Any]:
    return {"version": "2.0", "rawQueryString": query, "requestContext": {"http": {"method": method}}, "body": body, **more}


@through_every_channel
def test_an_invocation_is_the_same_whatever_brings_it(channel: Any) -> None:
    assert channel(json.dumps(OTHER).encode()) == parse(OTHER)


@through_every_channel
def test_no_payload_is_the_default_call(channel: Any) -> None:
    assert channel(b"") == parse({})


@through_every_channel
@pytest.mark.parametrize("payload", [b"{", b"[]", b"nan", b'{"a": 1, "a": 2}', b'{"scope": "other"}'], ids=ascii)
def test_a_payload_that_is_no_invocation_is_refused(channel: Any, payload: bytes) -> None:
    with pytest.raises(InvalidInvocation):
        channel(payload)


@pytest.mark.parametrize(
    "data",
    [None, [], "x", {}, {"message": None}, {"message": "x"}, *({"message": {"data": each}} for each in ("%", {}, [], 0))],
    ids=ascii,
)
def test_a_pubsub_event_without_a_message_is_refused(data: object) -> None:
    with pytest.raises(InvalidInvocation):
        parse_cloud_event(MESSAGE_PUBLISHED, data, SETTINGS)


def test_an_event_of_another_type_is_the_invocation_itself() -> None:
    assert parse_cloud_event("com.example.run", OTHER, SETTINGS) == parse(OTHER)


@pytest.mark.parametrize("message", [{}, {"data": ""}, {"data": None}], ids=ascii)
def test_a_pubsub_message_without_data_is_the_default_call(message: dict[str, Any]) -> None:
    assert parse_cloud_event(MESSAGE_PUBLISHED, {"message": message}, SETTINGS) == parse({})


@pytest.mark.parametrize("event", [None, {}, "", " ", "{}"], ids=ascii)
def test_a_bare_invocation_of_lambda_is_the_default_call(event: object) -> None:
    assert parse_lambda_event(event) == parse({})


def test_an_eventbridge_event_has_the_invocation_as_detail() -> None:
    event = {"version": "0", "id": "1", "detail-type": "Run", "source": "me", "detail": OTHER}
    assert parse_lambda_event(event) == parse(OTHER)


@pytest.mark.parametrize("event", ["x", 7, {"unknown": 1}, {"detail-type": "Run", "detail": []}], ids=ascii)
def test_another_event_of_lambda_is_refused(event: object) -> None:
    with pytest.raises(InvalidInvocation):
        parse_lambda_event(event)


@pytest.mark.parametrize(
    "event",
    [
        lambda_http(method="PUT"),
        lambda_http(query="a=b"),
        lambda_http(query="\ud800"),
        lambda_http("%", isBase64Encoded=True),
        lambda_http("\ud800", isBase64Encoded=True),
        lambda_http("\ud800"),
        *(lambda_http(body=body) for body in ([], 0, False)),  # type: ignore[arg-type]
    ],
    ids=ascii,
)
def test_an_invalid_http_request_to_lambda_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidInvocation):
        parse_lambda_http(event)


def test_an_event_with_invalid_unicode_is_refused() -> None:
    with pytest.raises(InvalidInvocation):
        parse_cloud_event("any", "\ud800", SETTINGS)


CONFIGURED = {"HELSEID_PARENT_ORGANIZATION": "999977774", "HELSEID_CHILD_ORGANIZATION": "999977776"}


@pytest.mark.parametrize(
    ("settings", "organization", "allowed"),
    [
        pytest.param({}, {"parent": "999977774", "child": "999977776"}, True, id="the configured one"),
        pytest.param({}, {"parent": "999977774"}, False, id="its parent alone"),
        pytest.param({}, {"parent": "999977774", "child": "999977775"}, False, id="another child"),
        pytest.param({}, {"parent": "313745392"}, False, id="another parent"),
        pytest.param({}, {}, False, id="none"),
        pytest.param({"HELSEID_ORGANIZATIONS": "313745392"}, {"parent": "313745392"}, True, id="a listed parent"),
        pytest.param(
            {"HELSEID_ORGANIZATIONS": "313745392"}, {"parent": "313745392", "child": "999977775"}, True, id="any child of it"
        ),
        pytest.param({"HELSEID_ORGANIZATIONS": "313745392"}, {"child": "313745392"}, False, id="a listed parent as child"),
        pytest.param(
            {"HELSEID_ORGANIZATIONS": "313745392:999977775"},
            {"parent": "313745392", "child": "999977775"},
            True,
            id="a listed child",
        ),
        pytest.param({"HELSEID_ORGANIZATIONS": "313745392:999977775"}, {"parent": "313745392"}, False, id="its parent"),
        pytest.param({"HELSEID_ORGANIZATIONS": ":999977775"}, {"child": "999977775"}, True, id="a single-tenant child"),
        pytest.param({"HELSEID_ORGANIZATIONS": ":999977775"}, {}, False, id="a single-tenant parent"),
        pytest.param({"HELSEID_ORGANIZATIONS": "*"}, {"parent": "974557746"}, True, id="any"),
    ],
)
def test_only_allowed_organizations_may_be_named(
    settings: dict[str, str], organization: dict[str, str], *, allowed: bool
) -> None:
    body = json.dumps({"organization": organization}).encode()
    if allowed:
        assert http(body, settings=make_settings(**CONFIGURED, **settings)).organization == Organization(**organization)
    else:
        with pytest.raises(InvalidInvocation, match="HELSEID_ORGANIZATIONS"):
            http(body, settings=make_settings(**CONFIGURED, **settings))


def test_a_journal_id_is_one_whatever_its_case() -> None:
    organizations = [{"parent": "313745392", "sfm_journal_id": each} for each in (JOURNAL_ID.upper(), JOURNAL_ID)]
    assert len({parse({"organization": each}).organization for each in organizations}) == 1
