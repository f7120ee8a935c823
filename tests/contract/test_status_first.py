"""The status and the headers of a response are judged first; its body and coding matter only where a body is needed."""

import json
from collections.abc import Callable

import pytest

from standin import StandIn, faults
from tests.support.deployment import Function, LambdaContext, every_host, made

GREETING = {"greeting": "hei"}
JSON = "application/json"
LABELLED = (("Content-Encoding", "gzip"),)
FIRST = {"metadata": 1, "token": 2, "api": 1}


@pytest.fixture
def free(standin: StandIn, deploy: Callable[..., Function]) -> Function:
    """Return a function that may use other methods."""
    return deploy(standin, API_METHODS="GET HEAD POST")


@pytest.mark.parametrize("status", [408, 421, 425, 429, 503])
@pytest.mark.parametrize("coding", ["none", "gzip, br"])
@pytest.mark.parametrize("kind", ["metadata", "token", "api"])
def test_a_transient_status_is_retried_whatever_its_coding(
    standin: StandIn, function: Function, kind: str, status: int, coding: str
) -> None:
    fault = faults.Status(status, b"busy", (("Content-Encoding", coding), ("Retry-After", "0")))
    (standin.api if kind == "api" else standin.helseid).fail_next(kind, fault)
    assert function.call().status_code == 200
    assert made(standin) == {**FIRST, kind: FIRST[kind] + 1}


@pytest.mark.parametrize("status", [408, 421, 425])
def test_a_post_that_was_given_up_is_sent_on_a_new_connection(standin: StandIn, free: Function, status: int) -> None:
    free.call()
    standin.reset_record()
    standin.api.fail_next("api", faults.Status(status))
    assert free.call({"request": {"method": "POST", "path": "orders", "json": 1}}).status_code == 200
    assert [exchange.connection for exchange in standin.exchanges("api")] == [1, 2]


@pytest.mark.parametrize("status", [408, 421, 425])
def test_a_status_that_lasts_is_unavailable(standin: StandIn, function: Function, status: int) -> None:
    standin.api.fail_always("api", faults.Status(status))
    response = function.call()
    assert (response.status_code, (response.json or {})["code"]) == (503, "api.unavailable.server_error")
    assert made(standin) == {**FIRST, "api": 3}


@pytest.mark.parametrize(
    ("status", "method"), [(204, "POST"), (200, "GET"), (200, "POST"), (205, "POST"), (200, "HEAD")], ids=str
)
def test_a_success_without_content_has_no_coding(standin: StandIn, free: Function, status: int, method: str) -> None:
    standin.api.fail_next("api", faults.Status(status, b"", LABELLED))
    report = free.call({"request": {"method": method}}).json or {}
    assert report["api"] == {"status": status, "body": None}
    assert made(standin) == FIRST


@pytest.mark.parametrize("coding", ["utf-8", "none", "aws-chunked", "identity", "identity, none", "UTF-8"])
def test_a_coding_that_is_none_is_read_as_plain(standin: StandIn, function: Function, coding: str) -> None:
    body = json.dumps(GREETING)
    standin.api.fail_next("api", faults.Status(200, body, (("Content-Encoding", coding),), JSON))
    assert (function.call().json or {})["api"]["body"] == GREETING


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, br"])
def test_any_other_coding_is_named(standin: StandIn, function: Function, coding: str) -> None:
    standin.api.fail_next("api", faults.Status(200, b"\x0b\x02\x80", (("Content-Encoding", coding),), JSON))
    problem = function.call().json or {}
    assert (problem["code"], coding in problem["detail"]) == ("api.invalid_response.http", True)


def test_a_refusal_whose_body_never_comes_keeps_its_status(standin: StandIn, function: Function) -> None:
    function.call()
    standin.reset_record()
    function.set_deadline(1)
    standin.api.fail_next("api", faults.Status(404, b"no", (("Content-Length", "100"),)))
    assert (function.call().json or {})["code"] == "api.refused.not_found"
    assert standin.count("api") == 1


def test_an_unchanged_resource_is_a_success_with_its_etag(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", faults.Status(304, b"", (("ETag", '"v7"'),)))
    response = function.call({"request": {"headers": {"If-None-Match": '"v7"'}}})
    assert (response.status_code, (response.json or {})["api"]) == (
        200,
        {"status": 304, "body": None, "headers": {"etag": '"v7"'}},
    )


def test_a_304_that_nobody_asked_for_is_no_success(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", faults.Status(304, b"", (("ETag", '"v7"'),)))
    problem = function.call().json or {}
    assert (problem["code"], problem["api"]["status"]) == ("api.refused.other", 304)


def test_a_challenge_with_an_empty_error_names_none(standin: StandIn, function: Function) -> None:
    standin.api.fail_always("api", faults.Status(403, b"", (("WWW-Authenticate", 'DPoP error=""'),)))
    assert (function.call().json or {})["detail"].startswith("The API responded with 403. ")


def test_a_refused_write_tells_the_etag(standin: StandIn, function: Function) -> None:
    standin.api.fail_next("api", faults.Status(412, b"", (("ETag", '"v8"'),)))
    assert (function.call().json or {})["api"]["headers"] == {"etag": '"v8"'}


@pytest.mark.parametrize("error", ["null", '""', "{}", "7"])
def test_an_error_beside_a_token_is_a_text_that_is_not_empty(standin: StandIn, function: Function, error: str) -> None:
    standin.helseid.override("token", {"error": json.loads(error)})
    assert function.call().status_code == 200


def test_proofs_of_another_algorithm_are_told_as_the_cause(standin: StandIn, function: Function) -> None:
    challenge = (("WWW-Authenticate", 'DPoP error="invalid_dpop_proof", algs="PS256 RS256"'),)
    standin.api.fail_next("api", faults.Status(401, b"", challenge))
    detail = (function.call().json or {})["detail"]
    assert detail.endswith("It takes no proofs signed with ES256, as all of the function's are: ask its operators.")


@pytest.mark.parametrize("charset", ["ISO-8859-1", "windows-1252", "utf-8", '"UTF-8"', "utf-16", "unknown"])
def test_the_charset_of_text_is_honoured(standin: StandIn, function: Function, charset: str) -> None:
    encoding = "utf-8" if charset == "unknown" else charset.strip('"')
    body = "æ ø å".encode(encoding)
    standin.api.fail_next("api", faults.Status(400, body, (), f"text/plain; charset={charset}"))
    assert (function.call().json or {})["api"]["body"] == "æ ø å"


@every_host
@pytest.mark.parametrize("status", [200, 404])
def test_json_that_nests_too_deep_is_no_json(standin: StandIn, function: Function, status: int) -> None:
    standin.api.fail_always("api", faults.Status(status, b"[" * 9994 + b"]" * 9994, (), JSON))
    code = "api.invalid_response.body" if status == 200 else "api.refused.not_found"
    assert (function.call().json or {})["code"] == code
    assert function.module.lambda_handler({}, LambdaContext())["code"] == code
