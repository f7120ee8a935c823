from __future__ import annotations

import base64
from typing import Any

import pytest

from helseid_fn.api.request import ApiRequest, parse_api_request
from helseid_fn.api.url import MAX_PATH_LENGTH
from helseid_fn.errors import InvalidInvocation
from helseid_fn.http.caller_headers import OWN_HEADERS
from tests.support.parts import make_settings

BASE = "https://api.example.no/base"
ALL_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


MAX_BODY_BYTES = 1000
CALLER_HEADERS = ("accept", "content-type", "nhn-*", "x-*")


def parse(base: str = BASE, methods: frozenset[str] = ALL_METHODS, **members: Any) -> ApiRequest:
    return parse_api_request(members, base, methods, CALLER_HEADERS, MAX_BODY_BYTES)


def refusal_of(**members: Any) -> InvalidInvocation:
    with pytest.raises(InvalidInvocation) as raised:
        parse(**members)
    assert raised.value.code == "invocation.request"
    return raised.value


def test_no_member_is_the_default_call() -> None:
    assert parse() == ApiRequest("GET", BASE, {}, None)


TRAVERSALS = [
    "..",
    ".",
    "./",
    "../",
    "../x",
    "a/..",
    "a/../",
    "a/../../x",
    "a/./b",
    "./a",
    "/",
    "/x",
    "//",
    "//evil.example/x",
    "a//b",
    "a//",
    "https://evil.example/x",
    "\\x",
    "..\\x",
    "a\\..\\x",
    "%2e%2e",
    "%2E%2E/x",
    "%2e.",
    ".%2e/x",
    "%2e",
    "a/%2e%2e/x",
    "%252e%252e",
    "%25252e%25252e/x",
    "%2%65%2%65",
    "%25%32%65%25%32%65",
    "%%32%65%%32%65",
    "..%2fx",
    "..%2Fx",
    "a%2f..%2fx",
    "%2fx",
    "%2f%2fevil.example",
    "..%252fx",
    "..%5cx",
    "%5c..%5cx",
    "..%255cx",
    "..;",
    "..;/x",
    "..;a=b/x",
    ";/x",
    "a/..;/x",
    "..%3b/x",
    "%2e%2e%3b/x",
    "..%253bx",
    ".;a/x",
    "..%00",
    "..%00/x",
    "a%00",
    "..%0d%0a",
    "a%0d%0aX:%20y",
    "a\r\nX: y",
    "..%09/x",
    "a%7f",
    "%c2%85",
    "..%c2%a0/x",
    "a%e2%80%a8b",
    "..?x",
    "a?x=1",
    "a%3fx",
    "a#x",
    "a%23x",
    "a%253fx",
    "%u002e%u002e/x",
    "..%u2215x",
    "a%",
    "%c0%ae%c0%ae/x",
    "..%ff/x",
    "..%20/x",
    "%20../x",
    ".../x",
    "%EF%BC%8E%EF%BC%8E/x",
    "a%EF%BC%8Fb",
    "%E2%80%A5/x",
    "%2525252525252e/x",
    "a%2",
    "a%zz",
    "a\tb",
    "\x00",
    "\uff0e\uff0e/x",
    "a|b",
    'a"b',
    "a<b",
    "{a}",
    "a\ud800",
    "a;v=1/b",
    "100%25",
    "a%20b",
    "%C3%A6",
    " ",
    "a/ /b",
    ". .",
    "a/.. /b",
    "a\u2024b",
    "a\u2215b",
    "a\u0308",
]


@pytest.mark.parametrize("path", TRAVERSALS, ids=[ascii(path)[:40] for path in TRAVERSALS])
def test_a_path_never_leaves_the_base(path: str) -> None:
    assert "request.path must be a relative path below API_URL" in str(refusal_of(path=path))


@pytest.mark.parametrize("path", [7, True, [], ["a"], {}, "", "a" * (MAX_PATH_LENGTH + 1)], ids=lambda path: repr(path)[:20])
def test_a_path_is_a_string_of_bounded_length(path: object) -> None:
    assert "request.path must be a string" in str(refusal_of(path=path))


PATHS = [
    "a",
    "a/b/c",
    "a/b/",
    "...a",
    "a..b",
    "..a",
    "a..",
    ".well-known/x",
    "a.b",
    "a:b",
    "a@b",
    "a=b&c",
    "a+b",
    "a,b",
    "(a)",
    "$count",
    "*",
    "~a",
    "-_.!~*'()",
    "a" * MAX_PATH_LENGTH,
]


@pytest.mark.parametrize("path", PATHS, ids=[path[:40] for path in PATHS])
def test_a_path_is_put_below_the_base(path: str) -> None:
    assert parse(path=path).url == f"{BASE}/{path}"


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("a b/c", "a%20b/c"),
        ("æ/ø", "%C3%A6/%C3%B8"),
        ("\uff21", "%EF%BC%A1"),
        ("٣", "%D9%A3"),
    ],
    ids=ascii,
)
def test_a_path_is_encoded_here(path: str, encoded: str) -> None:
    assert parse(path=path).url == f"{BASE}/{encoded}"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.example.no", "https://api.example.no/a/b"),
        ("https://api.example.no/", "https://api.example.no/a/b"),
        ("https://api.example.no/base", "https://api.example.no/base/a/b"),
        ("https://api.example.no/base/", "https://api.example.no/base/a/b"),
        ("https://api.example.no:8443/base?v=2", "https://api.example.no:8443/base/a/b?v=2"),
    ],
)
def test_a_path_is_joined_with_one_slash(base: str, url: str) -> None:
    assert parse(base, path="a/b").url == url


@pytest.mark.parametrize("base", ["https://api.example.no", "https://api.example.no/", "https://api.example.no/base/?v=2"])
def test_without_a_path_the_base_is_called_as_it_is(base: str) -> None:
    assert parse(base).url == base


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, ""),
        ({"a": "b"}, "?a=b"),
        ({"a": "b", "c": 1}, "?a=b&c=1"),
        ({"a": ["b", 2]}, "?a=b&a=2"),
        ({"a": []}, ""),
        ({"a": ""}, "?a="),
        ({"a": "b&c=d"}, "?a=b%26c%3Dd"),
        ({"a b": "c d"}, "?a+b=c+d"),
        ({"a": "#?/"}, "?a=%23%3F%2F"),
        ({"æ": "ø\r\n"}, "?%C3%A6=%C3%B8%0D%0A"),
        ({"a": -1}, "?a=-1"),
    ],
    ids=str,
)
def test_a_query_is_encoded(query: dict[str, Any], text: str) -> None:
    assert parse(query=query).url == BASE + text


def test_a_query_is_added_to_the_base_s_own() -> None:
    assert parse(f"{BASE}?v=2", query={"a": "b"}).url == f"{BASE}?v=2&a=b"
    with pytest.raises(InvalidInvocation, match=r"API_URL fixes"):
        parse(f"{BASE}?v=", query={"v": "3"})


@pytest.mark.parametrize(
    "query",
    [None, "a=b", [], ["a"], {"a": None}, {"a": True}, {"a": 1.5}, {"a": {}}, {"a": [["b"]]}, {"a": [None]}, {"a": [True]}],
    ids=repr,
)
def test_a_query_has_strings_and_whole_numbers(query: object) -> None:
    assert "request.query must be an object of strings, whole numbers, or lists of them" in str(refusal_of(query=query))


@pytest.mark.parametrize("query", [{"a": "\ud800"}, {"\ud800": "a"}, {"a": ["b", "\udfff"]}], ids=ascii)
def test_a_lone_surrogate_in_a_query_is_refused(query: dict[str, Any]) -> None:
    assert "not valid Unicode" in str(refusal_of(query=query))


@pytest.mark.parametrize("method", sorted(ALL_METHODS))
def test_takes_an_allowed_method(method: str) -> None:
    assert parse(method=method).method == method


@pytest.mark.parametrize(
    "method", ["POST", "get", "TRACE", "CONNECT", "GET ", "", "GET\r\nX: y", None, 7, ["GET"], {}], ids=repr
)
def test_a_refused_method_lists_the_allowed_ones(method: object) -> None:
    with pytest.raises(InvalidInvocation, match=r"request\.method must be one of GET, HEAD.* API_METHODS"):
        parse(methods=frozenset({"GET", "HEAD"}), method=method)


def test_the_default_method_is_get() -> None:
    assert parse(methods=frozenset({"GET", "POST"})).method == "GET"


@pytest.mark.parametrize("methods", ["POST", "POST DELETE", "HEAD"])
def test_no_other_method_is_chosen_for_the_caller(methods: str) -> None:
    with pytest.raises(InvalidInvocation, match=r"request\.method is missing"):
        parse(methods=frozenset(methods.split()))


@pytest.mark.parametrize(
    ("method", "idempotent"),
    [("GET", True), ("HEAD", True), ("PUT", True), ("DELETE", True), ("POST", False), ("PATCH", False)],
)
def test_knows_which_methods_are_idempotent(method: str, *, idempotent: bool) -> None:
    assert parse(method=method).is_idempotent is idempotent


@pytest.mark.parametrize("name", sorted((*OWN_HEADERS, "cookie", "nhn", "accept-language", "x", "", "X_Own")))
@pytest.mark.parametrize(
    "spell",
    [str, str.upper, str.title, lambda name: name.replace("-", "_"), lambda name: name.upper().replace("-", "_")],
    ids=["small", "capitals", "title", "underscores", "capitals and underscores"],
)
def test_a_header_that_is_not_listed_is_refused(name: str, spell: Any) -> None:
    assert "API_CALLER_HEADERS lists" in str(refusal_of(headers={spell(name): "x"}))


@pytest.mark.parametrize(
    "headers",
    [
        {"nhn-event-id": "4a5f8d0e"},
        {"Accept": "application/fhir+json;version=1"},
        {"X-Empty": ""},
        {"X-Tab": "a\tb c"},
        {"Content-Type": "application/json-patch+json"},
        {"X-Own_Own": "~"},
        {"NHN-": "a"},
    ],
    ids=str,
)
def test_takes_the_caller_s_own_headers(headers: dict[str, str]) -> None:
    assert parse(headers=headers).headers == headers


@pytest.mark.parametrize(
    "name", ["x- b", "x-:", "x-\r\nX", "x-\n", "x-æ", "x-\x00", "x-(a)", "x-/b", "x-\ud800", " x-a"], ids=ascii
)
def test_a_name_that_no_header_can_have_is_refused(name: str) -> None:
    assert "request.headers must not set" in refusal_of(headers={name: "x"}).caller_detail


@pytest.mark.parametrize(
    "value",
    ["a\r\nX-Evil: 1", "a\n", "\ra", "a\x00", " a", "a ", "\t", " ", "æ", "\ud800", "a\x7f", None, 7, True, ["a"], {}],
    ids=ascii,
)
def test_a_value_that_no_header_can_have_is_refused(value: object) -> None:
    assert (
        "request.headers.X-Own must be a string of visible ASCII characters"
        in refusal_of(headers={"X-Own": value}).caller_detail
    )


def test_a_wrong_value_is_not_shown() -> None:
    assert "HUSH" not in str(refusal_of(headers={"X-Own": "HUSH\n"}))


@pytest.mark.parametrize("headers", [None, "a: b", [], [["a", "b"]], 7], ids=repr)
def test_headers_are_an_object(headers: object) -> None:
    assert "request.headers must be an object of strings" in str(refusal_of(headers=headers))


def test_a_header_in_two_spellings_is_refused() -> None:
    assert "names a header twice" in str(refusal_of(headers={"X-Own": "a", "x-own": "b"}))


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({}, b"{}"),
        ({"a": [1, None]}, b'{"a": [1, null]}'),
        (None, b"null"),
        ("æ", b'"\\u00e6"'),
        ("\ud800", b'"\\ud800"'),
        (0, b"0"),
    ],
    ids=ascii,
)
def test_json_becomes_the_body(value: object, body: bytes) -> None:
    assert parse(method="POST", json=value).body == body


def test_a_body_is_json_unless_the_caller_says_otherwise() -> None:
    assert parse(method="POST", json={}).headers == {"Content-Type": "application/json"}


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_the_caller_may_say_which_json_it_is(name: str) -> None:
    assert parse(method="PATCH", json={}, headers={name: "application/fhir+json"}).headers == {name: "application/fhir+json"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_has_no_body(method: str) -> None:
    assert f"A {method} has no body" in str(refusal_of(method=method, json={}))


@pytest.mark.parametrize("value", [float("inf"), float("nan"), {"a": [float("-inf")]}], ids=repr)
def test_a_number_that_json_cannot_have_is_refused(value: object) -> None:
    assert "request.json has a number too large" in str(refusal_of(method="POST", json=value))


OCTETS = {"headers": {"content-type": "application/pdf"}, "method": "POST"}


@pytest.mark.parametrize("octets", [b"", b"%PDF\x00\xff", bytes(range(256))], ids=len)
def test_content_becomes_the_body(octets: bytes) -> None:
    request = parse(**OCTETS, content=base64.b64encode(octets).decode())
    assert (request.body, request.headers) == (octets, {"content-type": "application/pdf"})


@pytest.mark.parametrize("content", ["a", "YQ", "YQ==\n", "Y-_=", "æ", None, 7, ["YQ=="]], ids=ascii)
def test_content_that_is_not_base64_is_refused(content: object) -> None:
    assert "request.content must be text in base64" in str(refusal_of(**OCTETS, content=content))


def test_content_needs_its_type() -> None:
    assert "Name its content-type in request.headers" in str(refusal_of(method="POST", content="YQ=="))


def test_a_body_is_json_or_content() -> None:
    assert "not both" in str(refusal_of(**OCTETS, content="YQ==", json={}))


def test_content_of_a_read_is_refused() -> None:
    assert "Leave request.content out" in str(refusal_of(**OCTETS | {"method": "GET"}, content="YQ=="))


def test_content_is_bounded_as_it_is_sent() -> None:
    largest = base64.b64encode(bytes(MAX_BODY_BYTES)).decode()
    assert len(parse(**OCTETS, content=largest).body or b"") == MAX_BODY_BYTES
    assert "API_MAX_MEGABYTES" in str(refusal_of(**OCTETS, content=base64.b64encode(bytes(MAX_BODY_BYTES + 1)).decode()))


def test_a_prefix_does_not_cover_a_fixed_header() -> None:
    with pytest.raises(InvalidInvocation, match="API_HEADERS fixes it"):
        parse_api_request(
            {"headers": {"NHN-A": "b"}}, BASE, ALL_METHODS, CALLER_HEADERS, MAX_BODY_BYTES, fixed_headers={"nhn-a": "a"}
        )


def test_a_listed_name_covers_a_fixed_header() -> None:
    members = {"headers": {"Accept": "b"}}
    request = parse_api_request(members, BASE, ALL_METHODS, CALLER_HEADERS, MAX_BODY_BYTES, fixed_headers={"accept": "a"})
    assert request.headers == {"Accept": "b"}


def test_the_caller_s_headers_are_copied() -> None:
    headers = {"X-Own": "a"}
    request = parse(headers=headers)
    headers["X-Own"] = "b"
    assert request.headers == {"X-Own": "a"}


def test_a_request_does_not_show_its_body() -> None:
    assert "HUSH" not in repr(parse(method="POST", json="HUSH"))


def test_a_body_larger_than_the_limit_is_refused() -> None:
    assert len(parse(method="POST", json="x" * (MAX_BODY_BYTES - 2)).body or b"") == MAX_BODY_BYTES
    assert "API_MAX_MEGABYTES" in str(refusal_of(method="POST", json="x" * (MAX_BODY_BYTES - 1)))


@pytest.mark.parametrize(
    "name",
    ["fnr", "FNR", "fnr[]", "fnr[0]", "Fnr.x", "fnr:x", "fnr;x", " fnr", "fnr ", "%66nr", "%2566nr", "fn%72[]", "[fnr]", ""],
)
def test_a_parameter_that_the_url_fixes_may_not_be_named_again(name: str) -> None:
    with pytest.raises(InvalidInvocation, match="API_URL fixes"):
        parse(f"{BASE}?fnr=1", query={name: "2"})


@pytest.mark.parametrize("name", ["fnr2", "xfnr", "x[fnr]", "fn"])
def test_another_parameter_may_be_named(name: str) -> None:
    assert parse(f"{BASE}?fnr=1", query={name: "2"}).url.startswith(f"{BASE}?fnr=1&")


@pytest.mark.parametrize(
    "query",
    [{"a": "x" * 16 * 1024}, {"x" * 16 * 1024: "a"}, {"a": ["x" * 1000] * 17}, {str(n): "x" * 1000 for n in range(17)}],
    ids=["value", "name", "list", "many"],
)
def test_a_query_is_bounded(query: dict[str, Any]) -> None:
    assert "longer than 16 KiB" in str(refusal_of(query=query))


@pytest.mark.parametrize(
    "headers",
    [{f"x-{n}": "a" for n in range(101)}, {"x-a": "a" * 32 * 1024}, {f"x-{n}": "a" * 1000 for n in range(33)}],
    ids=["many", "a long one", "long in all"],
)
def test_headers_are_bounded(headers: dict[str, str]) -> None:
    assert "over 100 headers or 32 KiB" in str(refusal_of(headers=headers))


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-For", "Forwarded", "X-ARR-ClientCert", "X-MS-CLIENT-PRINCIPAL", "X-Client-Cert", "Cookie", "X-Real-IP"],
)
def test_a_header_that_fronts_trust_is_not_the_caller_s_to_set(name: str) -> None:
    with pytest.raises(InvalidInvocation):
        parse_api_request({"headers": {name: "a"}}, BASE, ALL_METHODS, make_settings().api_caller_headers, MAX_BODY_BYTES)
