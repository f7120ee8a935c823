"""The deployed thing: the function as a process under functions-framework, the stand-in as another."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demo.processes import Process, call, start_function, start_standin

ROOT = Path(__file__).resolve().parent.parent.parent
FUNCTIONS_FRAMEWORK = str(Path(sys.executable).with_name("functions-framework"))


@pytest.fixture(scope="module")
def standin() -> Iterator[tuple[Process, dict[str, str]]]:
    process, environment = start_standin()
    yield process, environment
    process.stop()


@pytest.fixture
def function(standin: tuple[Process, dict[str, str]]) -> Iterator[tuple[Process, str]]:
    process, url = start_function({**standin[1], "LOG_LEVEL": "DEBUG"})
    yield process, url
    process.stop()


def test_fifty_cold_calls_at_once_cost_two_token_requests(
    standin: tuple[Process, dict[str, str]], function: tuple[Process, str]
) -> None:
    before = len(standin[0].lines)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: call(function[1]), range(50)))
    assert [status for status, _ in answers] == [200] * 50
    standin[0].wait_for(lambda: sum(line["kind"] == "api" for line in standin[0].lines[before:]) == 50)
    kinds = [line["kind"] for line in standin[0].lines[before:]]
    assert (kinds.count("access"), kinds.count("metadata"), kinds.count("token")) == (1, 1, 2)


def test_every_line_on_standard_output_is_json_with_a_severity(function: tuple[Process, str]) -> None:
    process, url = function
    call(url)
    _, problem = call(url, {"organization": "none"})
    process.wait_for(lambda: any(line.get("invocation") == problem["invocation"] for line in process.lines))
    assert all({"severity", "message", "time"} <= set(line) for line in process.lines)
    assert process.said == []


def test_a_host_that_adds_its_execution_ids_writes_each_line_once(standin: tuple[Process, dict[str, str]]) -> None:
    process, url = start_function({**standin[1], "LOG_EXECUTION_ID": "true"})
    _, report = call(url)
    process.wait_for(lambda: any(line.get("invocation") == report["invocation"] for line in process.lines))
    process.stop()
    assert [line["message"] for line in process.lines] == ["The API answered 200."]
    assert process.said == []


def test_a_scheduled_call_is_logged_with_its_job_and_trace(function: tuple[Process, str]) -> None:
    process, url = function
    headers = {
        "X-CloudScheduler-JobName": "nightly",
        "X-CloudScheduler-ScheduleTime": "2026-11-22T03:00:00Z",
        "X-Cloud-Trace-Context": "105445aa7843bc8bf206b12000100000/1;o=1",
    }
    with urllib.request.urlopen(urllib.request.Request(url, data=b"", headers=headers), timeout=30) as answer:
        invocation = json.load(answer)["invocation"]
    process.wait_for(lambda: any(line.get("invocation") == invocation for line in process.lines))
    line = next(line for line in process.lines if line.get("invocation") == invocation)
    assert (line["scheduler_job"], line["scheduler_time"]) == ("nightly", "2026-11-22T03:00:00Z")
    assert line["logging.googleapis.com/trace"] == "projects/stand-in/traces/105445aa7843bc8bf206b12000100000"
    assert line["logging.googleapis.com/spanId"] == "0000000000000001"


def test_a_problem_reaches_the_caller_as_problem_details(function: tuple[Process, str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(function[1], data=b"{"), timeout=30)
    with refused.value as answer:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.load(answer)["code"] == "invocation.body"


def test_a_body_that_was_cut_short_does_not_pass_for_a_whole_one(function: tuple[Process, str]) -> None:
    host, port = function[1].removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 100\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b'"code": "invocation.body"' in answer


def test_a_method_that_is_not_taken_is_a_problem_too(function: tuple[Process, str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(function[1], method="DELETE"), timeout=30)
    with refused.value as answer:
        assert (answer.code, json.load(answer)["code"]) == (400, "invocation.method")


def test_a_wrong_deployment_says_so_and_ends_before_the_port_opens() -> None:
    environment = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": "1", "HELSEID_ISSUER": "https://issuer.example/"}
    ended = subprocess.run(
        [FUNCTIONS_FRAMEWORK, "--target=run"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    (line,) = ended.stdout.splitlines()
    entry = json.loads(line)
    assert (entry["severity"], entry["code"]) == ("CRITICAL", "settings.invalid")
    for name in ("HELSEID_ISSUER", "HELSEID_CLIENT_ID", "HELSEID_SCOPE", "HELSEID_KEY", "API_URL"):
        assert name in entry["message"]


def test_a_call_in_flight_is_answered_before_the_process_ends(
    standin: tuple[Process, dict[str, str]], function: tuple[Process, str]
) -> None:
    process, url = function
    with ThreadPoolExecutor(1) as pool:
        before = len(standin[0].lines)
        answer = pool.submit(call, url)
        standin[0].wait_for(lambda: len(standin[0].lines) > before)
        process.signal(signal.SIGTERM)
        assert answer.result()[0] == 200


def test_the_two_terminals_of_the_readme_work_as_it_says(tmp_path: Path) -> None:
    """The exports of `make standin`, pasted into a shell, make functions-framework work."""
    standin = subprocess.Popen(
        [sys.executable, "-u", "-m", "standin"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert standin.stdout is not None
        exports = [standin.stdout.readline() for _ in range(10)]
        assert all(line.startswith("export ") for line in exports)
        (tmp_path / "exports").write_text("".join(exports))
        shown = subprocess.run(["sh", "-c", f". {tmp_path}/exports; env"], capture_output=True, text=True, check=True).stdout
        environment = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        function, url = start_function(environment)
        try:
            assert call(url)[0] == 200
            assert call(url, {"organization": {"parent": "999977774"}})[0] == 200
        finally:
            function.stop()
    finally:
        standin.send_signal(signal.SIGINT)
        _, told = standin.communicate(timeout=30)
    assert standin.returncode == 0
    assert "Traceback" not in told
    assert "Hello" not in told
    assert told.count("Sample API") >= 2
