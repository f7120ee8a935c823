"""Jobs over real sockets: what is delivered, under which name, and what the platform is told."""

from __future__ import annotations

import base64
import errno
import json
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from helseid_fn import ApiResponse, App, InvalidResponse, Job, Refused, Unavailable
from helseid_fn.context import Context
from helseid_fn.delivery import file
from helseid_fn.delivery.result import Receipt, Result
from helseid_fn.error_codes import Party
from helseid_fn.function import log
from helseid_fn.function.job_failed import JobFailed
from helseid_fn.settings import parse_settings
from standin import StandIn, faults
from tests.support.deployment import Function

Start = Callable[..., App]

MESSAGE = {
    "Records": [{"eventSource": "aws:sqs", "messageId": "m-1", "body": "{}", "attributes": {"ApproximateReceiveCount": "2"}}]
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Return the folder where results go."""
    return tmp_path / "results"


@pytest.fixture
def start(standin: StandIn, key_file: Path, results: Path) -> Start:
    """Return a function that starts an App whose results go to the folder."""

    def start(**settings: str) -> App:
        environ = {**standin.environment(f"file:{key_file}"), "RESULT_TO": f"file:{results}", **settings}
        log.configure("INFO")
        return App(parse_settings({name: value for name, value in environ.items() if value}), environ=environ)

    return start


def invoke(app: App, event: Any, request_id: str = "r-1") -> Any:
    """Invoke the function as Lambda does."""
    context: Any = types.SimpleNamespace(aws_request_id=request_id, get_remaining_time_in_millis=lambda: 30_000)
    return app.lambda_handler(event, context)


def call(app: App, body: object = None, headers: Mapping[str, str] | None = None, path: str = "/", method: str = "POST") -> Any:
    """Call the function over HTTP, through a function URL."""
    response = invoke(app, http(body, headers, path, method))
    text = response["body"]
    return response["statusCode"], json.loads(base64.b64decode(text) if response["isBase64Encoded"] else text)


def http(body: object = None, headers: Mapping[str, str] | None = None, path: str = "/", method: str = "POST") -> Any:
    """Return the event of a function URL."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in (headers or {}).items()},
        "requestContext": {"http": {"method": method}, "stage": "$default"},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_s_response_is_delivered_byte_for_byte(start: Start, results: Path, standin: StandIn) -> None:
    invoke(start(), MESSAGE)
    assert (results / "m-1").read_bytes() == standin.exchanges("api")[-1].response_body


def test_a_repeated_event_overwrites_its_result(start: Start, results: Path) -> None:
    app = start()
    invoke(app, MESSAGE)
    invoke(app, MESSAGE)
    assert names(results) == ["m-1"]


def test_a_result_says_which_run_it_is_of(start: Start) -> None:
    class Recorder:
        def __init__(self) -> None:
            self.runs: list[str] = []

        def deliver(self, result: Result, ctx: Context) -> Receipt:
            del ctx
            self.runs.append(result.run)
            return Receipt("nowhere", 0, "")

    app, place = start(), Recorder()
    app.runner.places.results = place
    for event, request_id in ((MESSAGE, "r-1"), (MESSAGE, "r-2"), ({}, "r-3")):
        invoke(app, event, request_id)
    assert place.runs == ["m-1", "m-1", "r-3"]


def test_lambda_s_request_id_names_a_direct_result(start: Start, results: Path) -> None:
    invoke(start(), {}, request_id="the-request")
    assert names(results) == ["the-request"]


def test_a_caller_over_http_gets_the_response(start: Start, results: Path) -> None:
    status, report = call(start(), {})
    assert (status, "body" in report["api"], results.exists()) == (200, True, False)


def test_a_caller_may_ask_for_delivery(start: Start, results: Path) -> None:
    _, report = call(start(), {"deliver": True})
    (name,) = names(results)
    assert report["api"] == {"status": 200}
    assert report["delivered"] == {
        "results": 1,
        "bytes": (results / name).stat().st_size,
        "last": f"file:{results / name}",
    }


def test_delivery_needs_a_place(start: Start) -> None:
    status, problem = call(start(RESULT_TO=""), {"deliver": True})
    assert (status, problem["code"]) == (400, "invocation.member")


def test_an_undelivered_result_is_not_acknowledged(start: Start, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    app = start()
    with monkeypatch.context() as patch:
        patch.setattr("helseid_fn.delivery.file.write_file", fail)
        with pytest.raises(Unavailable) as raised:
            invoke(app, MESSAGE)
    assert raised.value.party is Party.DELIVERY
    invoke(app, MESSAGE)
    assert names(results) == ["m-1"]


def test_an_event_waits_until_its_place_is_mended(start: Start, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "m-1").mkdir(parents=True)
    app = start()
    with pytest.raises(Refused):
        invoke(app, MESSAGE)
    assert [line["code"] for line in lines(capsys)] == ["delivery.refused.not_found"]
    (results / "m-1").rmdir()
    invoke(app, MESSAGE)
    assert names(results) == ["m-1"]


def test_a_result_too_large_for_its_place_ends_the_event(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    app = start(RESULT_TO="log")
    app.job(lambda job: job.deliver("x" * 300_000, name="a"))
    assert invoke(app, MESSAGE) == {"batchItemFailures": []}
    assert lines(capsys)[-1]["code"] == "delivery.refused.too_large"


@pytest.mark.parametrize(("method", "failed"), [("POST", []), ("PUT", ["m-1"])])
def test_a_post_is_not_repeated_for_its_delivery(
    start: Start, standin: StandIn, monkeypatch: pytest.MonkeyPatch, method: str, failed: list[str]
) -> None:
    def fill_the_disk(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(file, "write_file", fill_the_disk)
    record = {**MESSAGE["Records"][0], "body": json.dumps({"request": {"method": method, "path": "echo", "json": {}}})}
    other = {**record, "messageId": "m-2", "body": '{"deliver": false}'}
    app = start(API_METHODS="GET POST PUT", API_URL=standin.api_base)
    assert [each["itemIdentifier"] for each in invoke(app, {"Records": [record, other]})["batchItemFailures"]] == failed
    assert standin.count("api") == 2


def test_a_post_that_is_not_delivered_says_so(start: Start, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_the_disk(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(file, "write_file", fill_the_disk)
    app = start(API_METHODS="POST", API_URL=standin.api_base)
    problem = invoke(app, {"request": {"method": "POST", "path": "echo", "json": {}}})
    assert (problem["code"], problem["status"], problem["retryable"]) == ("delivery.unavailable.connect", 502, False)
    assert problem["detail"].startswith("The API has processed the request, but its response was not delivered")


def test_each_item_of_a_pipe_has_its_own_result(start: Start, results: Path) -> None:
    invoke(start(), [{}, {}, {}], request_id="r-1")
    assert names(results) == ["r-1/1", "r-1/2", "r-1/3"]


def test_on_lambda_no_caller_names_its_result_as_a_schedule(start: Start, results: Path) -> None:
    schedule = {"X-CloudScheduler-JobName": "nightly", "X-CloudScheduler-ScheduleTime": "2026-11-28T02:00:00Z"}
    call(start(), {"deliver": True}, schedule)
    assert names(results) == ["r-1"]


class Keeper:
    """Keeps results as they are delivered."""

    def __init__(self, kept: list[Result]) -> None:
        self._kept = kept

    def deliver(self, result: Result, _: object) -> Receipt:
        self._kept.append(result)
        return Receipt("", 0, "")


@pytest.mark.parametrize("sent", ["text/plain; name=\xe6", "x/" + "y" * 300])
def test_a_type_that_no_place_takes_is_left_out(start: Start, monkeypatch: pytest.MonkeyPatch, sent: str) -> None:
    app = start()
    delivered: list[Result] = []
    monkeypatch.setattr(app.runner.places, "results", Keeper(delivered))
    app.job(lambda job: job.deliver(ApiResponse(200, {"Content-Type": sent}, b"", "")) and None)
    invoke(app, {})
    assert delivered[0].content_type == "application/octet-stream"


def test_the_line_says_what_started_it(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(start(), MESSAGE)
    (line,) = lines(capsys)
    assert (line["trigger"], line["tries"], line["message_id"]) == ("event", "2", "m-1")


def test_a_job_s_value_goes_to_caller_and_line(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    app = start()
    app.job(lambda job: {"units": len(job.input)})
    _, report = call(app, {"input": [1, 2]})
    (line,) = lines(capsys)
    assert report["result"] == line["result"] == {"units": 2}


def test_a_job_s_own_exception_is_tried_again_unseen(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(job: Job) -> None:
        raise KeyError(job.input)

    app = start()
    app.job(fail)
    with pytest.raises(JobFailed):
        invoke(app, {"input": "Ola Nordmann"})
    line = lines(capsys)[0]
    assert (line["code"], line["severity"], line["retryable"]) == ("job.failed", "ERROR", True)
    assert "KeyError" in line["stack_trace"]
    assert "Nordmann" not in json.dumps(line)


@pytest.mark.parametrize("returned", [object(), float("nan")])
def test_what_json_cannot_be_fails_the_job(start: Start, returned: object) -> None:
    app = start()
    app.job(lambda _job: returned)
    status, problem = call(app, {})
    assert (status, problem["code"]) == (500, "job.failed")


def test_the_default_job_takes_no_input(start: Start) -> None:
    status, problem = call(start(), {"input": 1})
    assert (status, problem["code"]) == (400, "invocation.member")


def test_a_refusal_in_a_job_keeps_its_class(start: Start, standin: StandIn) -> None:
    app = start(API_URL=standin.api_base)
    app.job(lambda job: job.api.get("status/404").json())
    status, problem = call(app, {})
    assert (status, problem["code"]) == (502, "api.refused.not_found")


def test_an_error_can_be_delivered(start: Start, standin: StandIn, results: Path) -> None:
    def set_aside(job: Job) -> None:
        try:
            job.api.get("status/404")
        except Refused as refusal:
            job.deliver(refusal, name="refused/1")

    app = start(API_URL=standin.api_base)
    app.job(set_aside)
    invoke(app, {})
    assert json.loads((results / "refused" / "1").read_text())["code"] == "api.refused.not_found"


def test_the_cursor_goes_on_where_it_stood(start: Start) -> None:
    def count(job: Job) -> int:
        job.cursor.advance((job.cursor.value or 0) + 1)
        value: int = job.cursor.value
        return value

    app = start()
    app.job(count)
    assert [invoke(app, {})["result"] for _ in range(3)] == [1, 2, 3]


def test_an_overtaken_run_is_a_warning(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    app = start()

    def overtaken(job: Job) -> None:
        assert job.cursor.value is None
        app.job(lambda other: other.cursor.advance(5))
        invoke(app, {})
        job.cursor.advance(1)

    app.job(overtaken)
    problem = invoke(app, {})
    assert (problem["code"], problem["retryable"]) == ("delivery.refused.overtaken", False)
    assert [(line["severity"], line["outcome"]) for line in lines(capsys)] == [("INFO", "ok"), ("WARNING", "overtaken")]


def test_each_organization_has_its_own_cursor(start: Start, results: Path) -> None:
    app = start(HELSEID_ORGANIZATIONS="*")
    app.job(lambda job: job.cursor.advance(1))
    invoke(app, {})
    invoke(app, {"organization": {"parent": "999977774"}})
    assert len([name for name in names(results) if name.startswith("cursor") and name.endswith(".json")]) == 2


def test_an_unreadable_cursor_stops_the_job(start: Start, results: Path) -> None:
    results.mkdir()
    (results / "cursor.json").write_text("{")
    app = start()
    app.job(lambda job: job.cursor.value)
    with pytest.raises(InvalidResponse, match=f"{results}/cursor.json") as raised:
        invoke(app, {})
    assert raised.value.code == "delivery.invalid_response.cursor"


def test_a_stream_that_breaks_off_is_tried_again(start: Start, standin: StandIn, results: Path) -> None:
    app = start()
    invoke(app, {})  # with the token there, the next request is the call
    standin.api.fail_next("api", faults.CutShort())
    with pytest.raises(Exception, match="closed the connection") as raised:
        invoke(app, {}, request_id="broken")
    assert getattr(raised.value, "party", None) is Party.API
    assert "broken" not in names(results)


def test_any_path_passes_through(start: Start, standin: StandIn) -> None:
    app = start(API_URL=standin.api_base)
    app.pass_through(lambda job: job.api.send(job.request, allow=range(400, 600)))
    status, _ = call(app, path="/status/404", method="GET")
    assert status == 404
    assert standin.exchanges("api")[-1].target.endswith("/status/404")


def test_a_path_that_passes_through_is_decoded_once(standin: StandIn, deploy: Callable[..., Function]) -> None:
    function = deploy(standin, API_URL=standin.api_base)
    function.app.pass_through(lambda job: job.api.send(job.request))
    client = function.flask.test_client()
    assert client.get("/echo/a%2541").status_code == 400, "an encoded percent sign is no A"
    assert client.get("/echo/a%20b").status_code == 200
    assert [each.target.rpartition("/")[2] for each in standin.exchanges("api")] == ["a%20b"]


def test_a_header_with_control_characters_is_left_out(start: Start) -> None:
    app = start()
    headers = {"ETag": '"a\x00b"', "Location": "/x\x1b[31m", "X-Request-Id": "r\xe9"}
    app.pass_through(lambda _job: ApiResponse(200, CaseInsensitiveDict(headers), b"{}", ""))
    returned = invoke(app, http({}, method="GET"))["headers"]
    assert returned == {"cache-control": "no-store", "x-request-id": "r\xe9"}


def test_a_header_that_is_not_listed_stays_behind(start: Start, standin: StandIn) -> None:
    app = start()
    app.pass_through(lambda job: job.api.send(job.request))
    call(app, headers={"nhn-event-id": "e-1", "x-forwarded-for": "10.0.0.1"}, method="GET")
    headers = {name.lower() for name, _ in standin.exchanges("api")[-1].headers}
    assert {"nhn-event-id", "x-forwarded-for"} & headers == {"nhn-event-id"}


def test_a_fixed_header_of_the_caller_s_stays_behind(start: Start, standin: StandIn) -> None:
    app = start(API_HEADERS='{"nhn-source-system": "Ours"}')
    app.pass_through(lambda job: job.api.send(job.request))
    call(app, headers={"nhn-source-system": "Theirs"}, method="GET")
    assert standin.exchanges("api")[-1].values("nhn-source-system") == ["Ours"]


def test_an_echoed_token_does_not_pass_through(start: Start, standin: StandIn) -> None:
    app = start(API_URL=standin.api_base)
    app.pass_through(lambda job: job.api.send(job.request))
    standin.api.settings.echo_credentials = True
    status, echo = call(app, path="/echo", method="GET")
    token = next(value for name, value in standin.exchanges("api")[-1].headers if name.lower() == "authorization")
    assert (status, token.removeprefix("DPoP ") in json.dumps(echo)) == (200, False)


def test_a_method_that_is_not_allowed_is_refused(start: Start) -> None:
    app = start()
    app.pass_through(lambda job: job.api.send(job.request))
    status, problem = call(app, method="DELETE")
    assert (status, problem["code"]) == (400, "invocation.request")
