from __future__ import annotations

import io
import json
import subprocess
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from helseid_fn.api.job import Job, Report
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.errors import Party, Refused, Unreachable
from helseid_fn.function.invocation import Invocation
from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.token_response import Token
from tests.conftest import ROOT
from tests.support.parts import NOW, REQUIRED, make_answer

LoadMain = Callable[[dict[str, str]], types.ModuleType]

NO_NETWORK = """
import socket

def fail(*_arguments, **_options):
    raise AssertionError("reached for the network at import")

socket.socket.connect = socket.socket.bind = socket.getaddrinfo = socket.create_connection = fail
import main
"""


def run_python(program: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.fixture(scope="module")
def deployed_without_settings() -> subprocess.CompletedProcess[str]:
    return run_python("import main", {})


def test_a_deployment_without_settings_dies(deployed_without_settings: subprocess.CompletedProcess[str]) -> None:
    assert deployed_without_settings.returncode == 1


def test_a_deployment_without_settings_says_so_before_it_dies(
    deployed_without_settings: subprocess.CompletedProcess[str],
) -> None:
    (line,) = deployed_without_settings.stdout.splitlines()
    entry = json.loads(line)
    assert (entry["severity"], entry["code"], [name for name in REQUIRED if f"{name} is missing" not in entry["message"]]) == (
        "CRITICAL",
        "settings.invalid",
        [],
    )


def test_a_deployment_without_settings_says_nothing_else(
    deployed_without_settings: subprocess.CompletedProcess[str],
) -> None:
    assert deployed_without_settings.stderr == ""


def test_each_fault_is_a_field_of_the_line(deployed_without_settings: subprocess.CompletedProcess[str]) -> None:
    faults = json.loads(deployed_without_settings.stdout)["faults"]
    assert [fault.split(" ")[0] for fault in faults] == list(REQUIRED)


def test_importing_main_reaches_no_network() -> None:
    done = run_python(NO_NETWORK, REQUIRED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_misspelt_setting_is_warned_about(load_main: LoadMain, capsys: pytest.CaptureFixture[str]) -> None:
    load_main({**REQUIRED, "HELSEID_SCOPES": "HUSH"})
    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert (entry["severity"], entry["message"]) == (
        "WARNING",
        "HELSEID_SCOPES is not a setting and has no effect; check its spelling.",
    )


def make_request(body: bytes = b"", method: str = "POST", query: bytes = b"", **headers: str) -> Any:
    """Make what is used of Flask's request."""
    return types.SimpleNamespace(
        method=method,
        query_string=query,
        headers=make_answer(200, **headers).headers,
        stream=io.BytesIO(body),
        content_length=len(body),
    )


class FakeJob(Job):
    """Does what the test says instead of the job."""

    __slots__ = ("outcome",)

    def run(self, invocation: Invocation, deadline: Deadline, journal: Journal) -> Report:
        del invocation, deadline
        with journal.request(Party.API):
            pass
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


TOKEN = Token("HUSH", generate_proof_key(), frozenset({"nhn:a/b"}), 600, NOW, None, "x", "y")

Run = Callable[..., tuple[Any, int, dict[str, Any]]]


@pytest.fixture
def run(load_main: LoadMain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs `main.run` with a job's outcome; it gives the answer, its status and the one log line."""
    main = load_main(REQUIRED)

    def run(outcome: Any, request: Any = None) -> tuple[Any, int, dict[str, Any]]:
        job = FakeJob(None, None)  # type: ignore[arg-type]
        object.__setattr__(job, "outcome", outcome)
        monkeypatch.setattr(main, "JOB", job)
        body, status, _headers = main.run(request or make_request())
        (line,) = capsys.readouterr().out.splitlines()
        return json.loads(body), status, json.loads(line)

    return run


def test_a_success_is_one_line_at_info(run: Run) -> None:
    answer, status, line = run(Report(200, {}, TOKEN))
    assert (status, answer["status"], line["severity"], line["outcome"]) == (200, "ok", "INFO", "ok")


def test_a_refusal_is_one_line_at_error(run: Run) -> None:
    answer, status, line = run(Refused(Party.API, "forbidden", "No."))
    assert (status, answer["code"], line["severity"], line["message"]) == (502, "api.refused.forbidden", "ERROR", "No.")


@pytest.mark.parametrize(
    "error",
    [Refused(Party.API, "forbidden", "No."), Unreachable(Party.HELSEID, "dns", "Gone.")],
    ids=["refused", "unreachable"],
)
def test_a_failure_s_line_tells_what_it_means(run: Run, error: Refused | Unreachable) -> None:
    line = run(error)[2]
    assert [line[name] for name in ("outcome", "code", "party", "retryable")] == [
        "failed",
        error.code,
        error.party.value if error.party else None,
        error.retryable,
    ]


@pytest.mark.parametrize("outcome", [Report(200, {}, TOKEN), Refused(Party.API, "forbidden", "No."), RuntimeError("x")])
def test_the_line_and_the_answer_bear_one_id(run: Run, outcome: object) -> None:
    answer, _, line = run(outcome)
    assert answer["invocation"] == line["invocation"]


@pytest.mark.parametrize("outcome", [Report(200, {}, TOKEN), Refused(Party.API, "forbidden", "No."), RuntimeError("x")])
def test_the_line_tells_what_was_done(run: Run, outcome: object) -> None:
    assert run(outcome)[2]["requests"] == {"secret_store": 0, "helseid": 0, "api": 1}


def test_every_invocation_has_an_id_of_its_own(run: Run) -> None:
    assert run(Report(200, {}, TOKEN))[0]["invocation"] != run(Report(200, {}, TOKEN))[0]["invocation"]


def test_a_crash_is_one_entry(run: Run) -> None:
    _, _, line = run(RuntimeError("as it never should"))
    assert (line["severity"], "RuntimeError: as it never should" in line["stack_trace"]) == ("CRITICAL", True)


def test_a_crash_answers_without_its_own_text(run: Run) -> None:
    answer, status, _ = run(RuntimeError("HUSH"))
    assert (status, answer["code"], "HUSH" in json.dumps(answer)) == (500, "function.crashed", False)


def test_a_bad_invocation_asks_nobody(run: Run) -> None:
    answer, status, line = run(RuntimeError("not reached"), make_request(b"{"))
    assert (status, answer["code"], line["requests"]["api"]) == (400, "invocation.body", 0)


def test_the_line_names_the_organization_that_was_asked_for(run: Run) -> None:
    request = make_request(b'{"organization":{"parent":"999977774"}}')
    assert run(Report(200, {}, TOKEN), request)[2]["organization"] == {"parent": "999977774", "child": None}


def test_the_line_belongs_to_the_caller_s_trace(run: Run) -> None:
    request = make_request(traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    assert run(Report(200, {}, TOKEN), request)[2]["logging.googleapis.com/trace"] == f"projects/my-project/traces/{'a' * 32}"


def test_a_body_that_was_cut_short_is_not_taken_for_a_whole_one(run: Run) -> None:
    request = make_request(b"{}")
    request.content_length = 100
    assert run(RuntimeError("not reached"), request)[0]["code"] == "invocation.body"


def test_no_token_is_in_answer_or_line(run: Run) -> None:
    assert "HUSH" not in json.dumps(run(Report(200, {}, TOKEN)))
