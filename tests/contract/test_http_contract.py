"""What the function accepts over HTTP, what it sends to the API, and what it returns."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from standin import StandIn, faults
from tests.support.deployment import OTHER_UNIT, Function, LambdaContext, every_host, fragments_of, log_lines, made

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


@every_host
def test_a_report_is_json_and_a_problem_is_problem_json(standin: StandIn, function: Function) -> None:
    standin.helseid.fail_next("token", faults.Status(400, json.dumps({"error": "invalid_grant"}), (), JSON))
    refused, done = function.call(), function.call(OTHER_UNIT)
    assert (refused.content_type, refused.headers["Cache-Control"]) == ("application/problem+json", "no-store")
    assert (done.content_type, done.headers["Cache-Control"]) == (JSON, "no-store")
    problem, report = refused.json or {}, done.json or {}
    assert len(problem["invocation"]) == 36
    assert problem.pop("invocation") != report["invocation"]
    assert problem.pop("detail").endswith(".")
    assert problem == {
        "type": "urn:helseid-fn:problem:helseid.refused.invalid_grant",
        "title": "A party refused the request",
        "status": 502,
        "code": "helseid.refused.invalid_grant",
        "party": "HelseID",
        "retryable": False,
    }
    assert made(standin) == {"metadata": 1, "token": 3, "api": 1}


@every_host
@pytest.mark.parametrize("methods", ["POST,DELETE", "DELETE", "POST"])
def test_a_bare_call_chooses_no_method_but_get(standin: StandIn, deploy: Callable[..., Function], methods: str) -> None:
    function = deploy(standin, API_METHODS=methods)
    for members in (None, {}, {"request": {"path": "orders"}}):
        assert problem_of(function, members)["code"] == "invocation.request"
    assert function.module.lambda_handler({}, LambdaContext())["status"] == 400
    assert standin.received == []


@every_host
@pytest.mark.parametrize(
    ("fault", "status", "retryable", "retry_after"),
    [
        (faults.Status(503), 503, True, "10"),
        (faults.Status(429, b"", (("Retry-After", "77"),)), 503, True, "77"),
        (faults.Status(403), 502, False, None),
    ],
    ids=["unavailable", "with the API's own time", "refused"],
)
def test_retry_after_goes_with_503_and_with_nothing_else(
    standin: StandIn, function: Function, fault: faults.Fault, status: int, *, retryable: bool, retry_after: str | None
) -> None:
    function.set_deadline(20)
    standin.api.fail_always("api", fault)
    response = function.call()
    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
    assert (response.json or {})["retryable"] is retryable
    assert standin.count("api") in {1, 3}


@every_host
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_another_method_than_get_and_post_causes_no_request(standin: StandIn, function: Function, method: str) -> None:
    assert function.call(method=method).status_code in {400, 405}
    assert made(standin) == {}


BAD_BODIES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"hello", "body"),
    "half of JSON": (b'{"scope": ', "body"),
    "not UTF-8": (b'{"scope": "\xff"}', "body"),
    "a member twice": (b'{"scope": "a", "scope": "b"}', "body"),
    "NaN": (b'{"request": {"json": NaN}}', "body"),
    "too deep": (b"[" * 100_000, "body"),
    "too large": (b" " * (14 * 1024 * 1024), "body"),
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


@every_host
@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_wrong_body_is_named_and_causes_no_request(standin: StandIn, function: Function, name: str) -> None:
    body, reason = BAD_BODIES[name]
    response = function.call(method="POST", data=body)
    problem = response.json or {}
    assert (response.status_code, problem["code"], problem["party"]) == (400, f"invocation.{reason}", None)
    assert made(standin) == {}


@every_host
@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
def test_an_empty_body_is_the_default_call(standin: StandIn, function: Function, body: bytes) -> None:
    assert function.call(method="POST", data=body).status_code == 200
    assert standin.exchanges("api")[0].target == "/machine-clients/greetings"
    assert made(standin) == COLD


@every_host
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/x-www-form-urlencoded", ""])
def test_a_json_body_is_read_whatever_its_content_type(standin: StandIn, free: Function, content_type: str) -> None:
    assert free.call({"request": {"path": "greetings"}}, content_type=content_type).status_code == 200
    assert standin.exchanges("api")[0].target == "/machine-clients/greetings"
    assert made(standin) == COLD


@every_host
def test_a_query_of_the_function_is_refused(standin: StandIn, function: Function) -> None:
    assert problem_of(function, query_string="path=greetings")["code"] == "invocation.query"
    assert made(standin) == {}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_allowed_method_reaches_the_api(standin: StandIn, free: Function, method: str) -> None:
    report = free.call({"request": {"method": method, "path": "orders/7"}}).json or {}
    assert (report["api"]["body"]["method"], report["api"]["body"]["target"]) == (method, "/machine-clients/orders/7")
    assert made(standin) == COLD


def test_a_head_gets_a_response_without_a_body(standin: StandIn, free: Function) -> None:
    report = free.call({"request": {"method": "HEAD", "path": "orders/7"}}).json or {}
    assert report["api"] == {"status": 200, "body": None}
    assert [exchange.method for exchange in standin.exchanges("api")] == ["HEAD"]
    assert made(standin) == COLD


@pytest.mark.parametrize("value", [{"a": [1, "æøå", None]}, [], "text", 0, None, False])
def test_a_json_member_reaches_the_api_as_its_body(standin: StandIn, free: Function, value: object) -> None:
    free.call({"request": {"method": "POST", "path": "orders", "json": value}})
    exchange = standin.exchanges("api")[0]
    assert (json.loads(exchange.body), exchange.values("Content-Type")) == (value, [JSON])
    assert made(standin) == COLD


def test_the_callers_content_type_is_kept(standin: StandIn, free: Function) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    free.call({"request": {"method": "PATCH", "path": "orders", "json": {}, "headers": headers}})
    assert standin.exchanges("api")[0].values("Content-Type") == ["application/merge-patch+json"]
    assert made(standin) == COLD


def test_headers_that_the_caller_may_set_reach_the_api(standin: StandIn, free: Function) -> None:
    headers = {"nhn-event-id": "7c1", "Accept": "application/fhir+json"}
    free.call({"request": {"path": "orders", "headers": headers}})
    exchange = standin.exchanges("api")[0]
    assert (exchange.values("nhn-event-id"), exchange.values("Accept")) == (["7c1"], ["application/fhir+json"])
    assert [len(exchange.values(name)) for name in ("Authorization", "DPoP", "Host")] == [1, 1, 1]
    assert made(standin) == COLD


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "DPoP",
        "host",
        "Content_Length",
        "Transfer-Encoding",
        "X-Own",
        "DPoP ",
        "nhn-a\r\nDPoP",
        "",
    ],
)
def test_a_header_that_the_caller_may_not_set_is_refused(standin: StandIn, free: Function, name: str) -> None:
    problem = problem_of(free, {"request": {"path": "orders", "headers": {name: "Bearer mine"}}})
    assert (problem["status"], problem["code"]) == (400, "invocation.request")
    assert made(standin) == {}


@pytest.mark.parametrize("value", ["a\r\nDPoP: b", "a\nb", "æ", "\x00", " a", 7, None, ["a"]])
def test_a_header_value_that_no_header_can_have_is_refused(standin: StandIn, free: Function, value: object) -> None:
    problem = problem_of(free, {"request": {"path": "orders", "headers": {"nhn-event-id": value}}})
    assert (problem["status"], problem["code"]) == (400, "invocation.request")
    assert made(standin) == {}


@every_host
def test_the_headers_of_the_invocation_do_not_reach_the_api(standin: StandIn, function: Function) -> None:
    function.call(headers={"Authorization": "Bearer of-the-caller", "Cookie": "a=b", "X-Forwarded-For": "10.0.0.1"})
    exchange = standin.exchanges("api")[0]
    assert exchange.values("Authorization")[0].startswith("DPoP ")
    assert [exchange.values(name) for name in ("Cookie", "X-Forwarded-For")] == [[], []]
    assert made(standin) == COLD


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "a/../../b",
        "./a",
        "/absolute",
        "//elsewhere.example/a",
        "https://elsewhere.example/a",
        "a//b",
        "%2e%2e/a",
        "%252e%252e/a",
        "a%2fb",
        "a\\..\\b",
        "..;x/a",
        "a?b=c",
        "a#b",
        "a\r\nb",
        "",
        "a" * 2001,
        7,
    ],
)
def test_a_path_that_could_leave_the_base_is_refused(standin: StandIn, free: Function, path: object) -> None:
    problem = problem_of(free, {"request": {"path": path}})
    assert (problem["status"], problem["code"]) == (400, "invocation.request")
    assert made(standin) == {}


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("orders", {}, "orders"),
        ("orders/", {}, "orders/"),
        ("orders/7/lines", {"a": "b"}, "orders/7/lines?a=b"),
        ("orders", {"n": 7, "list": ["x", "y"]}, "orders?n=7&list=x&list=y"),
        ("orders", {"q": "a b&c=d#e?/æ"}, "orders?q=a+b%26c%3Dd%23e%3F%2F%C3%A6"),
        ("a b/æ", {}, "a%20b/%C3%A6"),
        ("Patient/$validate", {}, "Patient/$validate"),
        ("@elsewhere.example/b:c", {}, "@elsewhere.example/b:c"),
    ],
)
def test_a_path_and_a_query_arrive_as_they_were_meant(
    standin: StandIn, free: Function, path: str, query: dict[str, Any], target: str
) -> None:
    assert free.call({"request": {"path": path, "query": query}}).status_code == 200
    assert standin.exchanges("api")[0].target == f"/machine-clients/{target}"
    assert made(standin) == COLD


def test_a_query_is_added_to_that_of_api_url(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin, API_URL=f"{standin.api_base}/orders?tenant=1")
    function.call({"request": {"query": {"page": 2}}})
    assert standin.exchanges("api")[0].target == "/machine-clients/orders?tenant=1&page=2"
    assert made(standin) == COLD


@every_host
def test_an_api_that_echoes_credentials_leaks_none(standin: StandIn, free: Function, jwk: dict[str, Any]) -> None:
    standin.api.settings.echo_credentials = True
    response = free.call({"request": {"path": "echo"}})
    text = response.get_data(as_text=True)
    assert "[redacted]" in text
    assert not [piece for piece in fragments_of(standin.secrets(), jwk) if piece in text]
    assert response.status_code == 200
    assert made(standin) == COLD


@pytest.mark.parametrize("status", [400, 404, 409, 500, 503])
def test_a_failure_that_echoes_credentials_leaks_none(standin: StandIn, free: Function, status: int) -> None:
    standin.api.settings.echo_credentials = True
    text = free.call({"request": {"path": f"status/{status}"}}).get_data(as_text=True)
    assert "[redacted]" in text
    assert not [piece for piece in fragments_of(standin.secrets()) if piece in text]
    assert standin.count("api") in {1, 3}


def test_an_echo_of_an_earlier_proof_leaks_none(start_standin: Callable[..., StandIn], deploy: Callable[..., Function]) -> None:
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
    "nothing": (faults.Status(204, b"", (), ""), None),
    "an empty 200": (faults.Status(200, b"", (), JSON), None),
    "an empty 202": (faults.Status(202, b""), None),
}


@pytest.mark.parametrize("name", API_BODIES)
def test_a_body_of_the_api_becomes_json_or_null(standin: StandIn, function: Function, name: str) -> None:
    fault, body = API_BODIES[name]
    standin.api.fail_always("api", fault)
    response = function.call()
    assert (response.status_code, (response.json or {})["api"]) == (200, {"status": fault.status, "body": body})
    assert made(standin) == COLD


def test_text_of_the_api_comes_with_its_type(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Status(200, "line one\nline to\u00e5", (), "text/plain; charset=utf-8"))
    expected = {"status": 200, "body": "line one\nline to\u00e5", "headers": {"content-type": "text/plain; charset=utf-8"}}
    assert (function.call().json or {})["api"] == expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<html>Sign in</html>", "text/html"),
        ('{"a": ', JSON),
        ("NaN", JSON),
        ("[" * 100_000, JSON),
    ],
    ids=["HTML", "broken JSON", "NaN", "too deep"],
)
def test_a_200_that_cannot_be_shown_is_invalid(
    standin: StandIn, function: Function, body: bytes | str, content_type: str
) -> None:
    standin.api.fail_always("api", faults.Status(200, body, (), content_type))
    problem = problem_of(function)
    assert (problem["status"], problem["code"], problem["party"]) == (502, "api.invalid_response.body", "API")
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
    ],
)
def test_a_refusal_of_the_api_keeps_its_status_and_body(standin: StandIn, function: Function, status: int, code: str) -> None:
    body = '{"fault": "no"}'
    standin.api.fail_always("api", faults.Status(status, body, (), JSON))
    problem = problem_of(function)
    assert (problem["code"], problem["party"]) == (code, "API")
    assert problem["api"] == {"status": status, "body": json.loads(body) if body else None}
    assert made(standin) == COLD


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_status_and_body_of_an_api_that_is_down_are_shown(standin: StandIn, function: Function, status: int) -> None:
    standin.api.fail_always("api", faults.Status(status, "Down for maintenance"))
    assert problem_of(function)["api"] == {"status": status, "body": "Down for maintenance"}
    assert made(standin) == {**COLD, "api": 3}


def test_a_refusal_in_html_is_shown_as_text(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Status(404, "<html>Not here</html>", (), "text/html"))
    api = problem_of(function)["api"]
    assert api == {"status": 404, "body": "<html>Not here</html>", "headers": {"content-type": "text/html"}}
    assert made(standin) == COLD


@pytest.mark.parametrize("kind", ["metadata", "token"])
def test_a_helseid_body_is_never_shown(standin: StandIn, function: Function, kind: str) -> None:
    standin.helseid.fail_always(kind, faults.Status(503, "the words of a proxy"))
    problem = problem_of(function)
    assert "api" not in problem
    assert "words of a proxy" not in json.dumps(problem)
    assert standin.count(kind) == 3


SECRET_WORDS = "ThisIsASecretThatAnExceptionQuotes" + "xY7" * 15


@every_host
def test_a_crash_is_one_log_line_and_a_problem_without_traceback(
    standin: StandIn, function: Function, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*_: object, **_options: object) -> None:
        raise RuntimeError(SECRET_WORDS)

    with monkeypatch.context() as patch:
        patch.setattr(function.app.api, "exchange", crash)
        response = function.call()
    problem, text = response.json or {}, response.get_data(as_text=True)
    assert (response.status_code, problem["code"], problem["party"]) == (500, "function.internal_error", None)
    assert not [word for word in ("Traceback", "RuntimeError", SECRET_WORDS) if word in text]
    written = capsys.readouterr()
    (line,) = log_lines(written.out)
    assert (line["severity"], line["code"]) == ("CRITICAL", "function.internal_error")
    assert line["invocation"] == problem["invocation"]
    assert "RuntimeError" in line["stack_trace"]
    assert SECRET_WORDS not in written.out + written.err
    assert written.err == ""
    assert made(standin) == {}
    assert function.call().status_code == 200, "the next invocation is served"
