"""The archive in use: unpacked, and run by AWS's runtime interface client against a Runtime API on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from demo.lambda_runtime.events import EVENTS, OTHER_CHILD, TRACE, eventbridge, http_event
from demo.lambda_runtime.function import LambdaFunction, start_lambda
from demo.lambda_runtime.runtime_api import Invocation
from demo.lambda_runtime.target import HERE
from infra import archive
from infra.interpreters import find_interpreter
from infra.lambda_zip import Target
from standin import Client, StandIn, faults, make_jwk, public_jwk
from standin.aws.secrets_manager import SESSION_TOKEN, SecretsManager

OTHER_PYTHONS = [each for each in archive.PYTHONS if each != HERE.python and find_interpreter(each)]
"""Lambda's Pythons that are installed here, besides the one that runs the tests."""

Start = Callable[..., LambdaFunction]

every_python = pytest.mark.parametrize("target", [HERE.python, *OTHER_PYTHONS], indirect=True)
"""For what depends on the archive's own libraries; the rest of the product is the same in each archive."""


@pytest.fixture(scope="module")
def key() -> dict[str, Any]:
    return make_jwk("PS256")


@pytest.fixture(scope="module")
def standin(key: dict[str, Any]) -> Iterator[StandIn]:
    client = Client(client_id="client", jwks=[public_jwk(key)], children=("999977776", "999977775"))
    with StandIn([client]) as standin:
        yield standin


@pytest.fixture(scope="module", params=[HERE.python])
def target(request: pytest.FixtureRequest) -> Target:
    """Return the target of the archive: for the Python of the tests; `every_python` adds the others."""
    return Target(HERE.arch, request.param)


@pytest.fixture(scope="module")
def start(
    standin: StandIn,
    key: dict[str, Any],
    target: Target,
    lambda_zip: Callable[[Target], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Start]:
    """Return a function that starts instances of the deployed function; all stop after the tests."""
    started: list[LambdaFunction] = []
    file = tmp_path_factory.mktemp("key") / "client.jwk"
    file.touch(0o600)
    file.write_text(json.dumps(key))

    def begin(handler: str = "main.lambda_handler", **settings: str) -> LambdaFunction:
        settings = {**standin.environment(f"file:{file}"), "DEADLINE_SECONDS": "5", "HELSEID_ORGANIZATIONS": "*", **settings}
        started.append(start_lambda(lambda_zip(target), target, settings, handler=handler))
        return started[-1]

    yield begin
    for each in started:
        each.stop()


@pytest.fixture(scope="module")
def function(start: Start) -> LambdaFunction:
    """Return the instance that tests share unless they need their own."""
    return start()


@pytest.fixture(autouse=True)
def healthy(standin: StandIn) -> Iterator[None]:
    yield
    standin.helseid.clear_faults()
    standin.api.clear_faults()


def response_of(invocation: Invocation) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of a response over HTTP."""
    assert not invocation.failed
    assert set(invocation.result) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert invocation.result["isBase64Encoded"] is False
    return invocation.result["statusCode"], json.loads(invocation.result["body"])


def line_of(function: LambdaFunction, invocation_id: str) -> dict[str, Any]:
    """Return the only line of an invocation."""
    function.process.wait_for(lambda: any(line.get("invocation") == invocation_id for line in function.lines))
    (line,) = (line for line in function.lines if line.get("invocation") == invocation_id)
    return line


@pytest.mark.parametrize("name", EVENTS)
def test_every_form_of_event_gets_a_report(function: LambdaFunction, name: str) -> None:
    event = EVENTS[name]
    invocation = function.invoke(event, trace=TRACE)
    assert not invocation.failed
    report = response_of(invocation)[1] if "requestContext" in event else invocation.result
    assert report["status"] == "ok"
    assert report["api"]["body"]["greeting"].startswith("Hello from the Sample API")
    if "requestContext" in event:
        assert invocation.result["headers"]["Content-Type"] == "application/json"
    child = "999977775" if "999977775" in json.dumps(event) or "base64" in name else "999977776"
    assert report["organization"]["child"] == child
    line = line_of(function, report["invocation"])
    assert (line["severity"], line["level"], line["outcome"]) == ("INFO", "INFO", "ok")
    assert (line["request_id"], line["xray_trace"]) == (invocation.id, "1-5759e988-bd862e3fe1be46a994272793")


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (http_event("DELETE"), "invocation.method"),
        (http_event("GET", query="a=b"), "invocation.query"),
        (http_event("POST", "{"), "invocation.body"),
        (http_event("POST", "?", is_base64=True), "invocation.body"),
        (http_event("POST", '{"organization": "none"}'), "invocation.member"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_over_http_gets_a_problem(function: LambdaFunction, event: dict[str, Any], code: str) -> None:
    invocation = function.invoke(event)
    status, problem = response_of(invocation)
    assert invocation.result["headers"]["Content-Type"] == "application/problem+json"
    assert (status, problem["status"], problem["code"], problem["retryable"]) == (400, 400, code, False)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"organization": "none"}, "invocation.member"),
        (eventbridge({"organization": "none"}), "invocation.member"),
        ("text", "invocation.body"),
        (7, "invocation.member"),
    ],
)
def test_bad_input_in_an_event_is_not_retried(function: LambdaFunction, event: object, code: str) -> None:
    invocation = function.invoke(event)
    assert not invocation.failed
    assert (invocation.result["code"], invocation.result["status"]) == (code, 400)
    assert line_of(function, invocation.result["invocation"])["severity"] == "ERROR"


@pytest.mark.parametrize("wrap", [lambda each: each, eventbridge], ids=["direct", "EventBridge"])
def test_a_permanent_failure_is_returned_and_logged(function: LambdaFunction, wrap: Callable[[object], object]) -> None:
    invocation = function.invoke(wrap({"organization": {"parent": "974557746"}}))
    assert not invocation.failed
    assert (invocation.result["code"], invocation.result["party"]) == ("helseid.refused.invalid_request", "HelseID")
    line = line_of(function, invocation.result["invocation"])
    assert (line["severity"], line["retryable"], line["code"]) == ("ERROR", False, "helseid.refused.invalid_request")


def test_a_transient_failure_of_an_event_is_raised(function: LambdaFunction, standin: StandIn) -> None:
    standin.api.fail_always("api", faults.Status(503))
    before = len(function.lines)
    invocation = function.invoke({})
    assert invocation.failed
    assert invocation.result["errorType"] == "Unavailable"
    function.process.wait_for(lambda: any("outcome" in line for line in function.lines[before:]))
    (line,) = (line for line in function.lines[before:] if "outcome" in line)
    assert (line["severity"], line["retryable"], line["code"]) == ("ERROR", True, "api.unavailable.server_error")
    assert invocation.result["errorMessage"] == line["message"]
    standin.api.clear_faults()
    assert function.invoke({}).result["status"] == "ok"


def test_a_transient_failure_over_http_is_a_response(function: LambdaFunction, standin: StandIn) -> None:
    standin.api.fail_always("api", faults.Status(503))
    invocation = function.invoke(http_event())
    status, problem = response_of(invocation)
    assert (status, problem["code"], problem["retryable"]) == (503, "api.unavailable.server_error", True)
    assert int(invocation.result["headers"]["Retry-After"]) > 0


def test_an_invocation_ends_before_lambdas_timeout(function: LambdaFunction, standin: StandIn) -> None:
    standin.api.fail_always("api", faults.Hang())
    status, problem = response_of(function.invoke(http_event(), seconds=1.5))
    assert (status, problem["code"]) == (504, "api.deadline_exceeded")
    assert line_of(function, problem["invocation"])["duration_ms"] < 1400


def test_text_that_utf_8_cannot_encode_is_returned(function: LambdaFunction, standin: StandIn) -> None:
    standin.api.fail_next("api", faults.Status(200, b'{"name": "cut \\ud83d"}', content_type="application/json"))
    assert function.invoke({}).result["api"]["body"] == {"name": "cut ?"}
    assert function.invoke({}).result["token"]["cached"] is True


@every_python
def test_fifty_invocations_share_one_token(start: Start, standin: StandIn) -> None:
    function = start()
    before = {kind: standin.count(kind) for kind in ("metadata", "token", "api")}
    reports = [function.invoke({}).result for _ in range(50)]
    assert [report["token"]["cached"] for report in reports] == [False] + [True] * 49
    requests = {kind: standin.count(kind) - count for kind, count in before.items()}
    # HelseID requires a nonce in its first response, so the token request is sent twice.
    assert requests == {"metadata": 1, "token": 2, "api": 50}


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_every_line_is_json_in_each_log_format(start: Start, log_format: str) -> None:
    function = start(AWS_LAMBDA_LOG_FORMAT=log_format, LOG_LEVEL="DEBUG", HELSEID_KYE="a slip")
    for event in ({}, {"organization": "none"}, http_event(), http_event("POST", "{")):
        result = function.invoke(event).result
        line_of(function, (json.loads(result["body"]) if "body" in result else result)["invocation"])
    assert {"severity", "level", "message", "time", "timestamp"} <= set.intersection(*map(set, function.lines))
    assert any("HELSEID_KYE is not a setting" in line["message"] for line in function.lines)
    assert len([line for line in function.lines if "outcome" in line]) == 4
    assert function.process.other_output == []


def test_a_raised_failure_is_json_in_json_format(start: Start, standin: StandIn) -> None:
    function = start(AWS_LAMBDA_LOG_FORMAT="JSON")
    standin.api.fail_always("api", faults.Status(503))
    assert function.invoke({}).failed
    function.process.wait_for(lambda: any("errorType" in line for line in function.lines))
    assert function.process.other_output == []


def test_wrong_settings_end_init_with_one_line(start: Start) -> None:
    function = start(HELSEID_ISSUER="https://issuer.example/", HELSEID_CLIENT_ID="", API_URL="ftp://api.example")
    assert function.process.wait(30) == 1
    (line,) = function.lines
    assert (line["severity"], line["level"], line["code"]) == ("CRITICAL", "FATAL", "settings.invalid")
    for name in ("HELSEID_ISSUER", "HELSEID_CLIENT_ID", "API_URL"):
        assert name in line["message"]
    assert function.process.other_output == []


def test_forked_workers_serve_with_a_token_each(start: Start, standin: StandIn) -> None:
    function = start(AWS_LAMBDA_MAX_CONCURRENCY="3")
    before = standin.count("metadata")
    with ThreadPoolExecutor(12) as pool:
        invocations = list(pool.map(lambda _: function.invoke({}), range(12)))
    assert [each.result["status"] for each in invocations] == ["ok"] * 12
    assert 1 <= standin.count("metadata") - before <= 3


def test_a_call_loads_no_framework_and_no_cloud_library(start: Start) -> None:
    function = start(handler="probe.handler")
    assert function.invoke({}).result["status"] == "ok"
    modules = function.invoke({"probe": "modules"}).result
    tops = {name.split(".")[0] for name in modules}
    assert {"main", "helseid_fn", "requests", "cryptography", "awslambdaric"} <= tops
    assert not tops & {"flask", "werkzeug", "functions_framework", "cloudevents", "grpc", "google", "google_crc32c", "pytest"}
    assert not tops & {"boto3", "botocore"}, "only an arn: address needs boto3"
    for name in ("main", "requests.sessions", "cryptography.hazmat.bindings._rust"):
        assert "/task/" in modules[name], "modules come from the archive"


@every_python
def test_the_archive_can_read_a_key_in_secrets_manager(start: Start, key: dict[str, Any]) -> None:
    with SecretsManager() as manager:
        arn = manager.add(json.dumps(key))
        function = start(handler="probe.handler", **manager.environment(arn, AWS_SESSION_TOKEN=SESSION_TOKEN))
        report = function.invoke({}).result
        assert (report["status"], report["requests"]["secret_store"]) == ("ok", 1)
        assert len(manager.reads) == 1
        modules = function.invoke({"probe": "modules"}).result
        assert "/task/" in modules["boto3"]
        manager.client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
        assert function.invoke(OTHER_CHILD).result["code"] == "secret_manager.refused.not_found"


def test_a_google_address_is_refused_with_its_reason(start: Start) -> None:
    function = start(HELSEID_KEY="projects/p/secrets/s/versions/latest")
    problem = function.invoke({}).result
    assert problem["code"] == "secret_manager.refused.bad_address"
    assert "requirements.txt" in problem["detail"]


def test_the_output_contains_no_secret(function: LambdaFunction, standin: StandIn) -> None:
    function.invoke({})
    printed = "".join(function.process.other_output) + json.dumps(function.lines)
    assert not [secret for secret in standin.secrets() if secret in printed]
