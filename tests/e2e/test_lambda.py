"""The archive in operation: unpacked, and run by AWS's own runtime interface client against a Runtime API on loopback."""

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
from infra.interpreters import find_interpreter
from infra.lambda_zip import Target
from standin import Client, StandIn, faults, make_jwk, public_jwk
from standin.aws.secrets_manager import SESSION_TOKEN, SecretsManager

# The Python of the tests is always among them; of the others, those that run here.
PYTHONS = [HERE.python, *(each for each in ("3.12", "3.13") if each != HERE.python and find_interpreter(each))]

Start = Callable[..., LambdaFunction]


@pytest.fixture(scope="module")
def key() -> dict[str, Any]:
    return make_jwk("PS256")


@pytest.fixture(scope="module")
def standin(key: dict[str, Any]) -> Iterator[StandIn]:
    client = Client(client_id="client", jwks=[public_jwk(key)], children=("999977776", "999977775"))
    with StandIn([client]) as standin:
        yield standin


@pytest.fixture(scope="module", params=PYTHONS)
def target(request: pytest.FixtureRequest) -> Target:
    return Target(HERE.arch, request.param)


@pytest.fixture(scope="module")
def start(
    standin: StandIn,
    key: dict[str, Any],
    target: Target,
    lambda_zip: Callable[[Target], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Start]:
    """Return a function that starts an instance of the deployed function; whatever it started ends with the tests."""
    started: list[LambdaFunction] = []
    file = tmp_path_factory.mktemp("key") / "client.jwk"
    file.write_text(json.dumps(key))

    def begin(handler: str = "main.lambda_handler", **settings: str) -> LambdaFunction:
        settings = {**standin.environment(f"file:{file}"), "DEADLINE_SECONDS": "5", **settings}
        started.append(start_lambda(lambda_zip(target), target, settings, handler=handler))
        return started[-1]

    yield begin
    for each in started:
        each.stop()


@pytest.fixture(scope="module")
def function(start: Start) -> LambdaFunction:
    """Return an instance that serves all tests which do not need one of their own."""
    return start()


@pytest.fixture(autouse=True)
def healthy(standin: StandIn) -> Iterator[None]:
    yield
    standin.helseid.clear_faults()
    standin.api.clear_faults()


def answer_of(invocation: Invocation) -> tuple[int, dict[str, Any]]:
    """Return the status and the members of an answer over HTTP."""
    assert not invocation.failed
    assert set(invocation.answer) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert invocation.answer["isBase64Encoded"] is False
    return invocation.answer["statusCode"], json.loads(invocation.answer["body"])


def line_of(function: LambdaFunction, invocation_id: str) -> dict[str, Any]:
    """Return the one line that an invocation logs."""
    function.process.wait_for(lambda: any(line.get("invocation") == invocation_id for line in function.lines))
    (line,) = (line for line in function.lines if line.get("invocation") == invocation_id)
    return line


@pytest.mark.parametrize("name", EVENTS)
def test_every_shape_of_event_is_answered(function: LambdaFunction, name: str) -> None:
    event = EVENTS[name]
    invocation = function.invoke(event, trace=TRACE)
    assert not invocation.failed
    report = answer_of(invocation)[1] if "requestContext" in event else invocation.answer
    assert report["status"] == "ok"
    assert report["api"]["body"]["greeting"].startswith("Hello from the Sample API")
    child = "999977775" if "999977775" in json.dumps(event) or "base64" in name else "999977776"
    assert report["organization"]["child"] == child
    line = line_of(function, report["invocation"])
    assert (line["severity"], line["level"], line["outcome"]) == ("INFO", "INFO", "ok")
    assert (line["request_id"], line["xray_trace"]) == (invocation.id, "1-5759e988-bd862e3fe1be46a994272793")


def test_over_http_the_answer_has_the_status_and_headers_of_the_contract(function: LambdaFunction) -> None:
    good = function.invoke(http_event()).answer
    assert (good["statusCode"], good["headers"]["Content-Type"]) == (200, "application/json")
    bad = function.invoke(http_event("POST", "{")).answer
    assert (bad["statusCode"], bad["headers"]["Content-Type"]) == (400, "application/problem+json")


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
def test_bad_input_over_http_is_a_problem_with_its_code(function: LambdaFunction, event: dict[str, Any], code: str) -> None:
    status, problem = answer_of(function.invoke(event))
    assert (status, problem["status"], problem["code"], problem["retryable"]) == (400, 400, code, False)


@pytest.mark.parametrize("event", [{"organization": "none"}, eventbridge({"organization": "none"}), "text", [1], 7])
def test_bad_input_in_an_event_is_a_problem_and_is_not_tried_again(function: LambdaFunction, event: object) -> None:
    invocation = function.invoke(event)
    assert not invocation.failed
    assert (invocation.answer["code"], invocation.answer["status"]) == ("invocation.member", 400)
    assert line_of(function, invocation.answer["invocation"])["severity"] == "ERROR"


@pytest.mark.parametrize("wrap", [lambda each: each, eventbridge], ids=["direct", "EventBridge"])
def test_a_permanent_failure_is_returned_and_logged_at_error(
    function: LambdaFunction, wrap: Callable[[object], object]
) -> None:
    invocation = function.invoke(wrap({"organization": {"parent": "974557746"}}))
    assert not invocation.failed
    assert (invocation.answer["code"], invocation.answer["party"]) == ("helseid.refused.invalid_request", "HelseID")
    line = line_of(function, invocation.answer["invocation"])
    assert (line["severity"], line["retryable"], line["code"]) == ("ERROR", False, "helseid.refused.invalid_request")


def test_a_failure_that_may_pass_is_raised_so_that_lambda_tries_again(function: LambdaFunction, standin: StandIn) -> None:
    standin.api.fail_always("api", faults.Status(503))
    before = len(function.lines)
    invocation = function.invoke({})
    assert invocation.failed
    assert invocation.answer["errorType"] == "Unreachable"
    function.process.wait_for(lambda: any("outcome" in line for line in function.lines[before:]))
    (line,) = (line for line in function.lines[before:] if "outcome" in line)
    assert (line["severity"], line["retryable"], line["code"]) == ("ERROR", True, "api.unreachable.server_error")
    assert invocation.answer["errorMessage"] == line["message"]
    standin.api.clear_faults()
    assert function.invoke({}).answer["status"] == "ok"


def test_over_http_a_failure_that_may_pass_is_an_answer(function: LambdaFunction, standin: StandIn) -> None:
    standin.api.fail_always("api", faults.Status(503))
    invocation = function.invoke(http_event())
    status, problem = answer_of(invocation)
    assert (status, problem["code"], problem["retryable"]) == (503, "api.unreachable.server_error", True)
    assert int(invocation.answer["headers"]["Retry-After"]) > 0


def test_an_invocation_ends_within_the_time_that_lambda_leaves_it(function: LambdaFunction, standin: StandIn) -> None:
    standin.api.fail_always("api", faults.Hang())
    status, problem = answer_of(function.invoke(http_event(), seconds=1.5))
    assert (status, problem["code"]) == (504, "api.deadline_exceeded")
    assert line_of(function, problem["invocation"])["duration_ms"] < 1400


def test_an_api_s_text_that_utf_8_cannot_hold_does_not_end_the_instance(function: LambdaFunction, standin: StandIn) -> None:
    standin.api.fail_next("api", faults.Status(200, b'{"name": "cut \\ud83d"}', content_type="application/json"))
    assert function.invoke({}).answer["api"]["body"] == {"name": "cut ?"}
    assert function.invoke({}).answer["token"]["held"] is True


def test_fifty_invocations_share_one_token(start: Start, standin: StandIn) -> None:
    function = start()
    before = {kind: standin.count(kind) for kind in ("metadata", "token", "api")}
    answers = [function.invoke({}).answer for _ in range(50)]
    assert [answer["token"]["held"] for answer in answers] == [False] + [True] * 49
    made = {kind: standin.count(kind) - count for kind, count in before.items()}
    # HelseID asks the first token request of a process for a nonce, so that it is sent twice.
    assert made == {"metadata": 1, "token": 2, "api": 50}


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_every_line_is_json_with_severity_and_level_whatever_format_lambda_is_set_to(start: Start, log_format: str) -> None:
    function = start(AWS_LAMBDA_LOG_FORMAT=log_format, LOG_LEVEL="DEBUG", HELSEID_KYE="a slip")
    for event in ({}, {"organization": "none"}, http_event(), http_event("POST", "{")):
        answer = function.invoke(event).answer
        line_of(function, (json.loads(answer["body"]) if "body" in answer else answer)["invocation"])
    assert {"severity", "level", "message", "time", "timestamp"} <= set.intersection(*map(set, function.lines))
    assert any("HELSEID_KYE is not a setting" in line["message"] for line in function.lines)
    assert len([line for line in function.lines if "outcome" in line]) == 4
    assert function.process.said == []


def test_in_json_format_even_a_raised_failure_leaves_no_line_that_is_not_json(start: Start, standin: StandIn) -> None:
    function = start(AWS_LAMBDA_LOG_FORMAT="JSON")
    standin.api.fail_always("api", faults.Status(503))
    assert function.invoke({}).failed
    function.process.wait_for(lambda: any("errorType" in line for line in function.lines))
    assert function.process.said == []


def test_wrong_settings_end_it_at_init_with_one_line_that_names_them_all(start: Start) -> None:
    function = start(HELSEID_ISSUER="https://issuer.example/", HELSEID_CLIENT_ID="", API_URL="ftp://api.example")
    assert function.process.wait(30) == 1
    (line,) = function.lines
    assert (line["severity"], line["level"], line["code"]) == ("CRITICAL", "FATAL", "settings.invalid")
    for name in ("HELSEID_ISSUER", "HELSEID_CLIENT_ID", "API_URL"):
        assert name in line["message"]
    assert function.process.said == []


def test_workers_that_lambda_forks_serve_side_by_side_with_a_token_each(start: Start, standin: StandIn) -> None:
    function = start(AWS_LAMBDA_MAX_CONCURRENCY="3")
    before = standin.count("metadata")
    with ThreadPoolExecutor(12) as pool:
        invocations = list(pool.map(lambda _: function.invoke({}), range(12)))
    assert [each.answer["status"] for each in invocations] == ["ok"] * 12
    assert 1 <= standin.count("metadata") - before <= 3


def test_nothing_of_google_or_a_web_framework_is_loaded_even_after_a_call(start: Start) -> None:
    function = start(handler="probe.handler")
    assert function.invoke({}).answer["status"] == "ok"
    modules = function.invoke({"probe": "modules"}).answer
    tops = {name.split(".")[0] for name in modules}
    assert {"main", "helseid_fn", "requests", "cryptography", "awslambdaric"} <= tops
    assert not tops & {"flask", "werkzeug", "functions_framework", "cloudevents", "grpc", "google", "google_crc32c", "pytest"}
    assert not tops & {"boto3", "botocore"}, "only an arn: address needs them"
    for name in ("main", "requests.sessions", "cryptography.hazmat.bindings._rust"):
        assert "/task/" in modules[name], "what is loaded is what the archive holds"


def test_the_key_is_read_from_secrets_manager_with_what_the_archive_holds(start: Start, key: dict[str, Any]) -> None:
    with SecretsManager() as manager:
        arn = manager.add(json.dumps(key))
        function = start(handler="probe.handler", **manager.environment(arn, AWS_SESSION_TOKEN=SESSION_TOKEN))
        report = function.invoke({}).answer
        assert (report["status"], report["requests"]["secret_store"]) == ("ok", 1)
        assert len(manager.reads) == 1
        modules = function.invoke({"probe": "modules"}).answer
        assert "/task/" in modules["boto3"]
        manager.client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
        assert function.invoke(OTHER_CHILD).answer["code"] == "secret_manager.refused.not_found"


def test_an_address_that_the_archive_cannot_read_is_refused_with_the_reason(start: Start) -> None:
    function = start(HELSEID_KEY="projects/p/secrets/s/versions/latest")
    problem = function.invoke({}).answer
    assert problem["code"] == "secret_manager.refused.bad_address"
    assert "requirements.txt" in problem["detail"]


def test_no_secret_is_in_what_it_prints(function: LambdaFunction, standin: StandIn) -> None:
    function.invoke({})
    printed = "".join(function.process.said) + json.dumps(function.lines)
    assert not [secret for secret in standin.secrets() if secret in printed]
