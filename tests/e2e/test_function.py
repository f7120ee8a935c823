"""The deployed function: a process under functions-framework, with the stand-in as another."""

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


def test_fifty_cold_calls_make_two_token_requests(
    standin: tuple[Process, dict[str, str]], function: tuple[Process, str]
) -> None:
    before = len(standin[0].lines)
    with ThreadPoolExecutor(50) as pool:
        responses = list(pool.map(lambda _: call(function[1]), range(50)))
    assert [status for status, _ in responses] == [200] * 50
    standin[0].wait_for(lambda: sum(line["kind"] == "api" for line in standin[0].lines[before:]) == 50)
    kinds = [line["kind"] for line in standin[0].lines[before:]]
    assert (kinds.count("access"), kinds.count("metadata"), kinds.count("token")) == (1, 1, 2)


def test_every_line_of_output_is_json_with_a_severity(function: tuple[Process, str]) -> None:
    process, url = function
    call(url)
    _, problem = call(url, {"organization": "none"})
    process.wait_for(lambda: any(line.get("invocation") == problem["invocation"] for line in process.lines))
    assert all({"severity", "message", "time"} <= set(line) for line in process.lines)
    assert process.other_output == []


def test_execution_ids_of_the_host_duplicate_no_line(standin: tuple[Process, dict[str, str]]) -> None:
    process, url = start_function({**standin[1], "LOG_EXECUTION_ID": "true"})
    _, report = call(url)
    process.wait_for(lambda: any(line.get("invocation") == report["invocation"] for line in process.lines))
    process.stop()
    assert [line["message"] for line in process.lines] == ["The API responded with 200."]
    assert process.other_output == []


def test_a_scheduled_call_logs_its_job_and_its_trace(function: tuple[Process, str]) -> None:
    process, url = function
    headers = {
        "X-CloudScheduler-JobName": "nightly",
        "X-CloudScheduler-ScheduleTime": "2026-11-22T03:00:00Z",
        "X-Cloud-Trace-Context": "105445aa7843bc8bf206b12000100000/1;o=1",
    }
    with urllib.request.urlopen(urllib.request.Request(url, data=b"", headers=headers), timeout=30) as response:
        invocation = json.load(response)["invocation"]
    process.wait_for(lambda: any(line.get("invocation") == invocation for line in process.lines))
    line = next(line for line in process.lines if line.get("invocation") == invocation)
    assert (line["scheduler_job"], line["scheduler_time"]) == ("nightly", "2026-11-22T03:00:00Z")
    assert line["logging.googleapis.com/trace"] == "projects/stand-in/traces/105445aa7843bc8bf206b12000100000"
    assert line["logging.googleapis.com/spanId"] == "0000000000000001"


def test_a_bad_request_gets_problem_details(function: tuple[Process, str]) -> None:
    bad = urllib.request.Request(function[1], data=b"{"), urllib.request.Request(function[1], method="DELETE")
    for request, code in zip(bad, ("invocation.body", "invocation.method"), strict=True):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        with refused.value as response:
            assert response.headers["Content-Type"] == "application/problem+json"
            assert (response.code, json.load(response)["code"]) == (400, code)


def test_a_truncated_body_is_refused(function: tuple[Process, str]) -> None:
    host, port = function[1].removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 100\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b'"code": "invocation.body"' in response


@pytest.mark.parametrize("chunks", [b'{"fnr":"01017012345"}\r\n', b'5\r\n{"pat'], ids=["malformed", "truncated"])
def test_a_broken_chunked_body_is_refused_and_not_logged(function: tuple[Process, str], chunks: bytes) -> None:
    host, port = function[1].removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        connection.shutdown(socket.SHUT_WR)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b'"code": "invocation.body"' in response
    function[0].stop()  # whose last line may come after the response
    logged = json.dumps(function[0].lines) + "".join(function[0].other_output)
    assert "01017012345" not in logged
    assert "internal_error" not in logged


def test_wrong_settings_end_the_process_before_it_listens() -> None:
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


def test_a_call_in_flight_completes_before_the_process_ends(
    standin: tuple[Process, dict[str, str]], function: tuple[Process, str]
) -> None:
    process, url = function
    with ThreadPoolExecutor(1) as pool:
        before = len(standin[0].lines)
        response = pool.submit(call, url)
        standin[0].wait_for(lambda: len(standin[0].lines) > before)
        process.signal(signal.SIGTERM)
        assert response.result()[0] == 200


def test_the_exports_of_the_standin_configure_the_function(tmp_path: Path) -> None:
    standin = subprocess.Popen(
        [sys.executable, "-u", "-m", "standin", "--port-base=0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert standin.stdout is not None
        exports = [standin.stdout.readline() for _ in range(11)]
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
        _, output = standin.communicate(timeout=30)
    assert standin.returncode == 0
    assert "Traceback" not in output
    assert "Hello" not in output
    assert output.count("Sample API") >= 2


def test_bodies_that_are_half_sent_keep_nobody_out_for_long(standin: tuple[Process, dict[str, str]]) -> None:
    process, url = start_function({**standin[1], "THREADS": "2"})
    half_sent = []
    try:
        for _ in range(2):
            connection = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2].strip("/"))))
            connection.sendall(b"POST / HTTP/1.1\r\nHost: function\r\nContent-Length: 100\r\n\r\n{")
            half_sent.append(connection)
        assert call(url)[0] == 200
        assert [connection.recv(12) for connection in half_sent] == [b"HTTP/1.1 400"] * 2
    finally:
        for connection in half_sent:
            connection.close()
        process.stop()


def test_the_hosts_own_limit_is_the_deadline_if_it_is_shorter(standin: tuple[Process, dict[str, str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api_url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        process, url = start_function({**standin[1], "API_URL": api_url, "CLOUD_RUN_TIMEOUT_SECONDS": "2"})
        try:
            status, problem = call(url)
        finally:
            process.stop()
    assert (status, problem["code"]) == (504, "api.deadline_exceeded")
    assert "1.5 s deadline" in problem["detail"]
