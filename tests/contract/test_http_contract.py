"""What the function takes over HTTP, what reaches the API of it, and what comes back."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from standin import StandIn, faults
from tests.support.deployment import CLIENT_ID, Function, every_host, fragments_of, log_lines, made, one_key

pytestmark = [one_key, every_host]

JSON = "application/json"
COLD = {"metadata": 1, "token": 2, "api": 1}


@pytest.fixture
def free(standin: StandIn, deploy: Callable[..., Function]) -> Function:
    """Return a function that may call anything below the API with any method."""
    return deploy(standin, API_URL=standin.api_base, API_METHODS="GET,HEAD,POST,PUT,PATCH,DELETE")


def problem_of(function: Function, members: object = None, **options: Any) -> dict[str, Any]:
    problem = function.call(members, **options).json
    assert isinstance(problem, dict)
    return problem


def test_a_report_is_json_that_nobody_may_store(standin: StandIn, function: Function) -> None:
    answer = function.call()
    assert (answer.content_type, answer.headers["Cache-Control"]) == (JSON, "no-store")
    assert made(standin) == COLD


def test_a_problem_has_every_member_of_its_kind(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_always("token", faults.Status(400, json.dumps({"error": "invalid_grant"}), (), JSON))
    problem = problem_of(function)
    assert len(problem.pop("invocation")) == 36
    assert problem.pop("detail").endswith(".")
    assert problem == {
        "type": "urn:helseid-fn:problem:helseid.refused.invalid_grant",
        "title": "A party refused the request",
        "status": 502,
        "code": "helseid.refused.invalid_grant",
        "party": "HelseID",
        "retryable": False,
    }
    assert made(standin) == {"metadata": 1, "token": 1}


def test_a_problem_is_problem_json_that_nobody_may_store(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_always("metadata", faults.Status(404))
    answer = function.call()
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("application/problem+json", "no-store")
    assert made(standin) == {"metadata": 1}


@pytest.mark.parametrize(
    ("fault", "status", "retryable", "retry_after"),
    [
        (faults.Status(503), 503, True, "10"),
        (faults.Status(429, b"", (("Retry-After", "77"),)), 503, True, "77"),
        (faults.Status(403), 502, False, None),
    ],
    ids=["unreachable", "with the API's own time", "refused"],
)
def test_retry_after_goes_with_503_and_with_nothing_else(
    standin: StandIn, function: Function, fault: faults.Fault, status: int, *, retryable: bool, retry_after: str | None
) -> None:
    function.set_deadline(20)
    standin.api.fail_always("api", fault)
    answer = function.call()
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert (answer.json or {})["retryable"] is retryable
    assert standin.count("api") in {1, 3}


def test_two_invocations_have_two_ids(standin: StandIn, function: Function) -> None:
    answers = [function.call().json or {} for _ in range(2)]
    assert answers[0]["invocation"] != answers[1]["invocation"]
    assert made(standin) == {**COLD, "api": 2}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_another_method_than_get_and_post_reaches_nobody(standin: StandIn, function: Function, method: str) -> None:
    assert function.call(method=method).status_code in {400, 405}
    assert made(standin) == {}


BAD_BODIES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"hello", "body"),
    "half of JSON": (b'{"scope": ', "body"),
    "not UTF-8": (b'{"scope": "\xff"}', "body"),
    "a member twice": (b'{"scope": "a", "scope": "b"}', "body"),
    "NaN": (b'{"request": {"json": NaN}}', "body"),
    "too deep": (b"[" * 100_000, "body"),
    "too large": (b" " * (1024 * 1024 + 1), "body"),
    "an array": (b"[]", "member"),
    "a text": (b'"GET"', "member"),
    "null": (b"null", "member"),
    "an unknown member": (b'{"organisation": {}}', "member"),
    "an unknown member of the organization": (b'{"organization": {"orgnr": "999977774"}}', "member"),
    "an unknown member of the request": (b'{"request": {"url": "https://elsewhere.example"}}', "member"),
    "an organization of ten digits": (b'{"organization": {"parent": "9999777740"}}', "organization"),
    "an organization that is a number": (b'{"organization": {"parent": 999977774}}', "organization"),
    "an organization that is a text": (b'{"organization": "999977774"}', "member"),
    "a journal id that is none": (b'{"organization": {"parent": "999977774", "sfm_journal_id": "1"}}', "organization"),
    "an unknown scope": (b'{"scope": "openid"}', "scope"),
    "an empty scope": (b'{"scope": " "}', "scope"),
    "a scope that is a list": (b'{"scope": ["a"]}', "scope"),
    "a method that is not allowed": (b'{"request": {"method": "DELETE"}}', "request"),
    "a method in lower case": (b'{"request": {"method": "get"}}', "request"),
    "a body with a GET": (b'{"request": {"json": {}}}', "request"),
    "a query that is a text": (b'{"request": {"query": "a=b"}}', "request"),
    "a query of objects": (b'{"request": {"query": {"a": {}}}}', "request"),
    "a query of half a character": (b'{"request": {"query": {"a": "\\ud800"}}}', "request"),
    "headers that are a list": (b'{"request": {"headers": []}}', "request"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_wrong_body_is_named_and_reaches_nobody(standin: StandIn, function: Function, name: str) -> None:
    body, reason = BAD_BODIES[name]
    answer = function.call(method="POST", data=body)
    problem = answer.json or {}
    assert (answer.status_code, problem["code"], problem["party"]) == (400, f"invocation.{reason}", None)
    assert made(standin) == {}


@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
def test_an_empty_body_is_the_default_call(standin: StandIn, function: Function, body: bytes) -> None:
    assert function.call(method="POST", data=body).status_code == 200
    assert standin.exchanges("api")[0].target == "/machine-clients/greetings"
    assert made(standin) == COLD


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/x-www-form-urlencoded", ""])
def test_a_json_body_is_read_whatever_its_content_type(standin: StandIn, free: Function, content_type: str) -> None:
    assert free.call({"request": {"path": "greetings"}}, content_type=content_type).status_code == 200
    assert standin.exchanges("api")[0].target == "/machine-clients/greetings"
    assert made(standin) == COLD


def test_a_query_of_the_function_is_refused(standin: StandIn, function: Function) -> None:
    assert problem_of(function, query_string="path=greetings")["code"] == "invocation.query"
    assert made(standin) == {}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_allowed_method_reaches_the_api(standin: StandIn, free: Function, method: str) -> None:
    answer = free.call({"request": {"method": method, "path": "orders/7"}}).json or {}
    assert (answer["api"]["body"]["method"], answer["api"]["body"]["target"]) == (method, "/machine-clients/orders/7")
    assert made(standin) == COLD


def test_a_head_is_answered_without_a_body(standin: StandIn, free: Function) -> None:
    answer = free.call({"request": {"method": "HEAD", "path": "orders/7"}}).json or {}
    assert answer["api"] == {"status": 200, "body": None}
    assert [exchange.method for exchange in standin.exchanges("api")] == ["HEAD"]
    assert made(standin) == COLD


@pytest.mark.parametrize("value", [{"a": [1, "æøå", None]}, [], "text", 0, None, False])
def test_a_json_member_reaches_the_api_as_its_body(standin: StandIn, free: Function, value: object) -> None:
    free.call({"request": {"method": "POST", "path": "orders", "json": value}})
    exchange = standin.exchanges("api")[0]
    assert (json.loads(exchange.body), exchange.values("Content-Type")) == (value, [JSON])
    assert made(standin) == COLD


def test_a_content_type_of_the_callers_own_stands(standin: StandIn, free: Function) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    free.call({"request": {"method": "PATCH", "path": "orders", "json": {}, "headers": headers}})
    assert standin.exchanges("api")[0].values("Content-Type") == ["application/merge-patch+json"]
    assert made(standin) == COLD


def test_headers_of_the_callers_own_reach_the_api(standin: StandIn, free: Function) -> None:
    headers = {"nhn-event-id": "7c1", "Accept": "application/fhir+json"}
    free.call({"request": {"path": "orders", "headers": headers}})
    exchange = standin.exchanges("api")[0]
    assert (exchange.values("nhn-event-id"), exchange.values("Accept")) == (["7c1"], ["application/fhir+json"])
    assert made(standin) == COLD


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "AUTHORIZATION",
        "DPoP",
        "dpop",
        "Host",
        "host",
        "Content-Length",
        "Content_Length",
        "Transfer-Encoding",
        "Connection",
        "Proxy-Authorization",
        "proxy_authorization",
        "Expect",
        "Upgrade",
        "TE",
        "Accept-Encoding",
        "DPoP ",
        "Authorization:",
        "X-A\r\nDPoP",
        "",
    ],
)
def test_a_header_that_is_not_the_callers_to_set_reaches_nobody(standin: StandIn, free: Function, name: str) -> None:
    problem = problem_of(free, {"request": {"path": "orders", "headers": {name: "Bearer mine"}}})
    assert (problem["status"], problem["code"]) == (400, "invocation.request")
    assert made(standin) == {}


@pytest.mark.parametrize("value", ["a\r\nDPoP: b", "a\nb", "æ", "\x00", " a", 7, None, ["a"]])
def test_a_header_value_that_no_header_can_have_reaches_nobody(standin: StandIn, free: Function, value: object) -> None:
    problem = problem_of(free, {"request": {"path": "orders", "headers": {"X-Own": value}}})
    assert (problem["status"], problem["code"]) == (400, "invocation.request")
    assert made(standin) == {}


def test_the_api_receives_one_authorization_and_one_proof(standin: StandIn, free: Function) -> None:
    free.call({"request": {"path": "orders", "headers": {"X-Own": "1"}}})
    exchange = standin.exchanges("api")[0]
    assert [len(exchange.values(name)) for name in ("Authorization", "DPoP", "Host")] == [1, 1, 1]
    assert made(standin) == COLD


def test_the_callers_own_request_headers_do_not_reach_the_api(standin: StandIn, function: Function) -> None:
    function.call(headers={"Authorization": "Bearer of-the-caller", "Cookie": "a=b", "X-Forwarded-For": "10.0.0.1"})
    exchange = standin.exchanges("api")[0]
    assert exchange.values("Authorization")[0].startswith("DPoP ")
    assert [exchange.values(name) for name in ("Cookie", "X-Forwarded-For")] == [[], []]
    assert made(standin) == COLD


@pytest.mark.parametrize(
    "path",
    [
        "../status/200",
        "..",
        "a/../../b",
        "a/..",
        "./a",
        "/absolute",
        "//elsewhere.example/a",
        "https://elsewhere.example/a",
        "a//b",
        "%2e%2e/a",
        "%2E%2E/a",
        ".%2e/a",
        "%252e%252e/a",
        "%25252e%25252e/a",
        "a%2fb",
        "a%252fb",
        "a%5cb",
        "a\\..\\b",
        "..;x/a",
        "%2e%2e;x/a",
        "a?b=c",
        "a%3fb",
        "a#b",
        "a%23b",
        "a b",
        "a%00b",
        "a%0d%0ab",
        "a\r\nb",
        "å",
        "%zz",
        "@elsewhere.example",
        "",
        "a" * 2001,
        7,
        None,
    ],
)
def test_a_path_never_leaves_the_base(standin: StandIn, free: Function, path: object) -> None:
    """Either it is refused and reaches nobody, or what arrives is below the base, letter by letter."""
    answer = free.call({"request": {"path": path}})
    targets = [exchange.target for exchange in standin.exchanges("api")]
    if answer.status_code == 400:
        assert (answer.json or {})["code"] == "invocation.request"
        assert made(standin) == {}
    else:
        assert targets == ["/machine-clients" if path is None else f"/machine-clients/{path}"]
        assert path in (None, "@elsewhere.example")


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("orders", {}, "orders"),
        ("orders/", {}, "orders/"),
        ("orders/7/lines", {"a": "b"}, "orders/7/lines?a=b"),
        ("orders", {"n": 7, "list": ["x", "y"]}, "orders?n=7&list=x&list=y"),
        ("orders", {"q": "a b&c=d#e?/æ"}, "orders?q=a+b%26c%3Dd%23e%3F%2F%C3%A6"),
        ("a%20b/%C3%A6", {}, "a%20b/%C3%A6"),
        ("Patient/$validate", {}, "Patient/$validate"),
        ("a;version=1/b:c@d", {}, "a;version=1/b:c@d"),
    ],
)
def test_what_is_asked_for_arrives_letter_by_letter(
    standin: StandIn, free: Function, path: str, query: dict[str, Any], target: str
) -> None:
    assert free.call({"request": {"path": path, "query": query}}).status_code == 200
    assert standin.exchanges("api")[0].target == f"/machine-clients/{target}"
    assert made(standin) == COLD


def test_a_query_is_added_to_the_one_of_the_setting(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin, API_URL=f"{standin.api_base}/orders?tenant=1")
    function.call({"request": {"query": {"page": 2}}})
    assert standin.exchanges("api")[0].target == "/machine-clients/orders?tenant=1&page=2"
    assert made(standin) == COLD


def test_an_api_that_echoes_credentials_leaks_neither_token_nor_proof(
    standin: StandIn, free: Function, jwk: dict[str, Any]
) -> None:
    standin.api.settings.echo_credentials = True
    answer = free.call({"request": {"path": "echo"}})
    text = answer.get_data(as_text=True)
    assert "[elided]" in text
    assert not [piece for piece in fragments_of(standin.secrets(), jwk) if piece in text]
    assert answer.status_code == 200
    assert made(standin) == COLD


@pytest.mark.parametrize("status", [400, 404, 409, 500, 503])
def test_an_api_that_echoes_credentials_in_a_failure_leaks_neither(standin: StandIn, free: Function, status: int) -> None:
    standin.api.settings.echo_credentials = True
    text = free.call({"request": {"path": f"status/{status}"}}).get_data(as_text=True)
    assert "[elided]" in text
    assert not [piece for piece in fragments_of(standin.secrets()) if piece in text]
    assert standin.count("api") in {1, 3}


def test_an_api_that_echoes_an_earlier_tries_proof_leaks_it_neither(
    start_standin: Callable[..., StandIn], deploy: Callable[..., Function]
) -> None:
    standin = start_standin(api_nonce=True)
    function = deploy(standin, API_URL=f"{standin.api_base}/echo")
    standin.api.settings.echo_credentials = True
    text = function.call().get_data(as_text=True)
    assert not [piece for piece in fragments_of(standin.secrets()) if piece in text]
    assert made(standin) == {**COLD, "api": 2}


API_BODIES: dict[str, tuple[faults.Status, object]] = {
    "JSON": (faults.Status(200, '{"a": [1, 2.5, "å", null]}', (), JSON), {"a": [1, 2.5, "å", None]}),
    "JSON with a suffix": (faults.Status(201, '{"a": 1}', (), "application/fhir+json; charset=utf-8"), {"a": 1}),
    "JSON with a byte order mark": (faults.Status(200, b"\xef\xbb\xbf[1]", (), JSON), [1]),
    "a JSON text": (faults.Status(200, '"a"', (), JSON), "a"),
    "text": (faults.Status(200, "line one\nline to\u00e5", (), "text/plain; charset=utf-8"), "line one\nline to\u00e5"),
    "XML": (faults.Status(200, "<a/>", (), "application/xml"), "<a/>"),
    "nothing": (faults.Status(204, b"", (), ""), None),
    "an empty 200": (faults.Status(200, b"", (), JSON), None),
    "an empty 202": (faults.Status(202, b""), None),
}


@pytest.mark.parametrize("name", API_BODIES)
def test_a_body_of_the_api_is_told_as_json_text_or_nothing(standin: StandIn, function: Function, name: str) -> None:
    fault, body = API_BODIES[name]
    standin.api.fail_always("api", fault)
    answer = function.call()
    assert (answer.status_code, (answer.json or {})["api"]) == (200, {"status": fault.status, "body": body})
    assert made(standin) == COLD


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html>Sign in</html>", "text/html"),
        ('{"a": ', JSON),
        ("NaN", JSON),
        ("[" * 100_000, JSON),
        (b"\xff\xfe", "text/plain"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "image/png"),
    ],
    ids=["HTML", "broken JSON", "NaN", "too deep", "not UTF-8", "an image"],
)
def test_a_200_that_cannot_be_told_is_garbled(
    standin: StandIn, function: Function, body: bytes | str, content_type: str
) -> None:
    standin.api.fail_always("api", faults.Status(200, body, (), content_type))
    problem = problem_of(function)
    assert (problem["status"], problem["code"], problem["party"]) == (502, "api.garbled.body", "API")
    assert made(standin) == COLD


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "api.refused.other"),
        (401, "api.refused.unauthorized"),
        (403, "api.refused.forbidden"),
        (404, "api.refused.not_found"),
        (409, "api.refused.other"),
        (418, "api.refused.other"),
        (304, "api.refused.redirect"),
    ],
)
def test_a_refusal_of_the_api_keeps_its_status_and_body(standin: StandIn, function: Function, status: int, code: str) -> None:
    body = "" if status == 304 else '{"fault": "no"}'
    standin.api.fail_always("api", faults.Status(status, body, (), JSON))
    problem = problem_of(function)
    assert (problem["code"], problem["party"]) == (code, "API")
    assert problem["api"] == {"status": status, "body": json.loads(body) if body else None}
    assert made(standin) == COLD


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_api_that_is_down_has_its_status_and_body_told(standin: StandIn, function: Function, status: int) -> None:
    standin.api.fail_always("api", faults.Status(status, "Down for maintenance"))
    assert problem_of(function)["api"] == {"status": status, "body": "Down for maintenance"}
    assert made(standin) == {**COLD, "api": 3}


def test_a_refusal_in_html_is_told_as_the_text_it_is(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Status(404, "<html>Not here</html>", (), "text/html"))
    assert problem_of(function)["api"] == {"status": 404, "body": "<html>Not here</html>"}
    assert made(standin) == COLD


@pytest.mark.parametrize("kind", ["metadata", "token"])
def test_helseids_body_is_never_told(standin: StandIn, function: Function, kind: str) -> None:
    standin.helseid.fail_always(kind, faults.Status(503, "the words of a proxy"))
    problem = problem_of(function)
    assert "api" not in problem
    assert "words of a proxy" not in json.dumps(problem)
    assert standin.count(kind) == 3


SECRET_WORDS = "ThisIsASecretThatAnExceptionQuotes" + "xY7" * 15


@pytest.fixture
def crashing(function: Function, monkeypatch: pytest.MonkeyPatch) -> Function:
    """Return a function with a defect."""

    def crash(*_: object) -> None:
        raise RuntimeError(SECRET_WORDS)

    monkeypatch.setattr(function.module, "JOB", SimpleNamespace(run=crash))
    return function


def test_a_crash_is_answered_as_one_without_its_traceback(standin: StandIn, crashing: Function) -> None:
    answer = crashing.call()
    problem = answer.json or {}
    assert (answer.status_code, problem["code"], problem["party"]) == (500, "function.crashed", None)
    assert not [word for word in ("Traceback", "RuntimeError", SECRET_WORDS) if word in answer.get_data(as_text=True)]
    assert made(standin) == {}


def test_a_crash_is_one_entry(standin: StandIn, crashing: Function, capsys: pytest.CaptureFixture[str]) -> None:
    answer = crashing.call()
    written = capsys.readouterr()
    (line,) = log_lines(written.out)
    assert (line["severity"], line["code"]) == ("CRITICAL", "function.crashed")
    assert line["invocation"] == (answer.json or {})["invocation"]
    assert "RuntimeError" in line["stack_trace"]
    assert SECRET_WORDS not in written.out + written.err
    assert written.err == ""
    assert made(standin) == {}


def test_the_function_answers_after_a_crash(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin)
    job = function.module.JOB
    function.module.JOB = SimpleNamespace(run=lambda *_: 1 / 0)
    statuses = [function.call().status_code]
    function.module.JOB = job
    statuses.append(function.call().status_code)
    assert statuses == [500, 200]
    assert made(standin) == COLD


def test_the_client_id_is_the_only_name_that_helseid_gets(standin: StandIn, function: Function) -> None:
    function.call()
    assert {exchange.form["client_id"] for exchange in standin.exchanges("token")} == {CLIENT_ID}
    assert made(standin) == COLD
