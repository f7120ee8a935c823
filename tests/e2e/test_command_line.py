"""The command line as a process, with the stand-in as another."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import Process, accepts, bare_environment, call, free_port, start_standin
from standin.environment import export_lines
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def standin_process() -> Iterator[Process]:
    process, _ = start_standin("--control")
    yield process
    process.stop()


@pytest.fixture(scope="module")
def settings(standin_process: Process) -> dict[str, str]:
    environment: dict[str, str] = standin_process.lines[0]["environment"]
    return environment


@pytest.fixture
def folder(tmp_path: Path, settings: dict[str, str]) -> Path:
    """A folder whose `.env` points at the stand-in."""
    (tmp_path / ".env").write_text(export_lines(settings))
    return tmp_path


def start(folder: Path, *arguments: str) -> Process:
    command = [sys.executable, "-m", "helseid_fn", *arguments]
    return Process("helseid-fn", command, {**bare_environment(), "PYTHONPATH": str(ROOT)}, folder)


def test_serve_serves_the_default_job_with_the_env_file(folder: Path) -> None:
    port = free_port()
    process = start(folder, "serve", f"--port={port}")
    process.wait_for(lambda: accepts(port))
    status, report = call(f"http://127.0.0.1:{port}/")
    process.signal(signal.SIGINT)
    process.wait()
    process.stop()
    assert (status, report["status"]) == (200, "ok")
    assert process.other_output[0] == f"Serving run of the default job on http://127.0.0.1:{port}/ until Ctrl-C.\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "rebound.example.no"),
        ("Origin", "https://page.example.no"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
    ],
)
def test_serve_refuses_a_page_of_the_web(folder: Path, name: str, value: str) -> None:
    port = free_port()
    process = start(folder, "serve", f"--port={port}")
    process.wait_for(lambda: accepts(port))
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/", b"", {name: value}))
    process.stop()
    with caught.value as refusal:
        assert refusal.code == 403


def test_serve_says_in_one_sentence_that_its_port_is_taken(folder: Path, settings: dict[str, str]) -> None:
    taken = settings["API_URL"].split(":")[2].partition("/")[0]
    command = [sys.executable, "-m", "helseid_fn", "serve", f"--port={taken}"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**bare_environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    told = f"Error: Port {taken} is in use. Stop the program that uses it, or choose another --port.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)


def call_api(folder: Path, *arguments: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "helseid_fn", "call", *arguments],
        cwd=folder,
        env={**bare_environment(), "PYTHONPATH": str(ROOT), **environment},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def notes_of(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the lines of standard error by their first word."""
    return {line[:12].strip(): line[12:] for line in ran.stderr.splitlines()}


def test_call_prints_the_body_alone_on_standard_output(folder: Path) -> None:
    ran = call_api(folder)
    assert (ran.returncode, json.loads(ran.stdout)["parentOrganizationNumber"]) == (0, "999977774")
    notes = notes_of(ran)
    assert list(notes) == ["token", "API", "time"]
    assert "for 999977774:999977776: nhn:test-public-samplecode/client-credentials" in notes["token"]


def test_call_shows_a_result_that_goes_to_the_log(folder: Path) -> None:
    ran = call_api(folder, RESULT_TO="log")
    (logged,) = [line.partition("result: ")[2] for line in ran.stderr.splitlines() if line.lstrip().startswith("result: ")]
    assert (ran.returncode, json.loads(logged)["parentOrganizationNumber"]) == (0, "999977774")


def test_a_repeated_call_shows_that_the_token_is_cached(folder: Path) -> None:
    lines = call_api(folder, "--repeat=3").stderr.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("token")] == ["new,", "cached,", "cached,"]


def test_the_environment_takes_precedence_over_the_env_file(folder: Path) -> None:
    body = json.loads(call_api(folder, HELSEID_CHILD_ORGANIZATION="999977775").stdout)
    assert body["childOrganizationNumber"] == "999977775"


def test_call_may_name_any_organization_method_and_header(folder: Path) -> None:
    options = ["--parent=313745392", "--method=PUT", "--path=æ/b", "--query=a=1", "--query=a= 2", "--header=nhn-x: 3"]
    ran = call_api(folder, *options, "--json=@-", typed='{"b": 4}', HELSEID_ORGANIZATIONS="")
    echo = json.loads(ran.stdout)
    assert (echo["method"], echo["query"], echo["json"]) == ("PUT", [["a", "1"], ["a", " 2"]], {"b": 4})
    assert ["nhn-x", "3"] in echo["headers"]
    assert " for 313745392: " in notes_of(ran)["token"]


def test_call_sends_any_file(folder: Path) -> None:
    (folder / "report.pdf").write_bytes(b"%PDF-1.7")
    ran = call_api(folder, "--path=x", "--header=content-type:application/pdf", "--content=@report.pdf")
    echo = json.loads(ran.stdout)
    assert (echo["method"], echo["body"]) == ("POST", "%PDF-1.7")
    assert ["content-type", "application/pdf"] in [[name.lower(), value] for name, value in echo["headers"]]


def test_call_prints_other_bytes_as_they_came(folder: Path, standin_process: Process) -> None:
    arguments = {"status": 200, "body": "%PDF-1.7", "content_type": "application/pdf"}
    fail_next(standin_process, party="api", fault="Status", arguments=arguments)
    assert call_api(folder).stdout == "%PDF-1.7"


def test_content_must_be_a_file(folder: Path) -> None:
    ran = call_api(folder, "--path=x", "--content=%PDF")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (2, "Error: --content must be @FILE, or @- for standard input.")


def test_call_prints_the_report_of_the_function_when_asked(folder: Path) -> None:
    report = json.loads(call_api(folder, "--output=json").stdout)
    assert (report["status"], report["api"]["status"], report["token"]["cached"]) == ("ok", 200, False)


def test_a_refusal_is_an_exit_code_and_its_cause_first(folder: Path) -> None:
    ran = call_api(folder, "--parent=123456789")
    assert (ran.returncode, ran.stdout) == (5, "")
    assert ran.stderr.splitlines()[0].startswith("Error: HelseID refused the token request: invalid_request (HID-1001")
    assert notes_of(ran)["code"] == "helseid.refused.invalid_request; helseid-fn doctor looks for the cause"
    assert "jti " in notes_of(ran)["for support"]


def test_call_prints_what_the_api_says_of_a_failure(folder: Path) -> None:
    ran = call_api(folder, "--scope=nhn:selvbetjening/client")
    assert ran.returncode == 5
    assert ran.stderr.startswith("Error: The API responded with 401 and invalid_token. ")
    assert json.loads(call_api(folder, "--scope=nhn:selvbetjening/client", "--output=json").stdout)["party"] == "API"


def fail_next(process: Process, **members: object) -> None:
    """Have the stand-in fail a request."""
    issuer = process.lines[0]["environment"]["HELSEID_ISSUER"]
    urllib.request.urlopen(f"{issuer}/__standin/fail-next", json.dumps(members).encode(), timeout=10).close()


def test_call_prints_why_the_api_rejects(folder: Path, standin_process: Process) -> None:
    challenge = ("WWW-Authenticate", 'DPoP error="insufficient_scope", error_description="journals need more"')
    fail_next(standin_process, party="api", fault="Status", arguments={"status": 403, "headers": [challenge]})
    assert notes_of(call_api(folder))["API says"] == "journals need more"


def test_repeated_calls_end_with_the_first_that_fails(folder: Path, standin_process: Process) -> None:
    fail_next(standin_process, party="api", fault="Status", arguments={"status": 404}, after=1)
    ran = call_api(folder, "--repeat=4")
    assert (ran.returncode, ran.stderr.count("token  "), ran.stderr.count("Error: ")) == (5, 1, 1)


def test_missing_settings_are_named_with_their_own_exit_code(tmp_path: Path) -> None:
    ran = call_api(tmp_path)
    first, *faults, last = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout, first) == (3, "", "Error: The settings are wrong:")
    names = ["HELSEID_ISSUER", "HELSEID_CLIENT_ID", "HELSEID_SCOPE", "HELSEID_KEY", "API_URL"]
    assert [fault.partition(" is missing ")[0].strip() for fault in faults] == names
    assert last == "There is no .env here. helseid-fn import writes one."


def test_call_warns_of_a_misspelt_setting(folder: Path) -> None:
    ran = call_api(folder, HELSEID_SFM_JOURNALID="4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11")
    assert ran.stderr.startswith("Warning: HELSEID_SFM_JOURNALID is not a setting and has no effect; ")


def test_output_that_fails_is_one_sentence(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "helseid_fn", "call"],
            cwd=folder,
            env={**bare_environment(), "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    told = "Error: The API was called, but standard output failed (No space left on device).\n"
    assert (ran.returncode, ran.stderr) == (1, told)


def test_bodies_are_utf_8_whatever_the_locale_says(folder: Path) -> None:
    ran = call_api(folder, "--method=post", "--path=x", "--json=@-", typed='{"name": "Čáhci"}', PYTHONIOENCODING="cp1252")
    assert (ran.returncode, json.loads(ran.stdout)["json"]) == (0, {"name": "Čáhci"})


def test_no_api_can_steer_the_terminal(folder: Path, standin_process: Process) -> None:
    fail_next(standin_process, party="api", fault="Status", arguments={"status": 200, "body": "a\x1b[2J\tb\x9b\u202ec\r\n"})
    ours, theirs = pty.openpty()
    environment = {**bare_environment(), "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-m", "helseid_fn", "call"], cwd=folder, env=environment, stdout=theirs, check=True, timeout=60
    )
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)
    assert told.strip() == "a\\x1b[2J\tb\\x9b\\u202ec"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--header=Authorization: x", "would let an invocation set authorization"),
        ("--header=x", "--header must be NAME:VALUE."),
        ("--json={", "--json is not JSON."),
        ("--json=@none", "none cannot be read (No such file or directory)."),
        ("--path=../x", "request.path must be a relative path below API_URL"),
        ("--scope=a,b", "--scope has a comma; separate scopes with spaces."),
        ("--parent=", "organization.parent must be a string of nine digits."),
        ("--method=", "request.method must be one of"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_sent(folder: Path, option: str, words: str) -> None:
    ran = call_api(folder, option, API_URL="http://127.0.0.1:9/", HELSEID_ISSUER="http://127.0.0.1:9")
    assert (ran.returncode, ran.stdout, words in ran.stderr) == (2, "", True)


def test_explain_shows_every_exchange_with_its_claims(folder: Path) -> None:
    told = call_api(folder, "--explain").stderr
    arrows = [line.split()[1:3] for line in told.splitlines() if line.startswith("  → ")]
    assert arrows == [["HelseID", "GET"], ["HelseID", "POST"], ["HelseID", "POST"], ["API", "GET"]]
    words = " ".join(told.split())
    assert "HelseID says use_dpop_nonce" in words
    for claim in ("typ client-authentication+jwt", "exp iat+5", "typ dpop+jwt", "htm POST", "typ at+jwt", "ath "):
        assert claim in words


def test_explain_shows_nothing_that_grants_access(folder: Path, standin_process: Process) -> None:
    shown = call_api(folder, "--explain", "--repeat=2").stderr
    assert not re.search(r"eyJ[\w-]+\.", shown)
    assert not [secret for secret in secrets_of(standin_process) if secret in shown]


def secrets_of(process: Process) -> list[str]:
    """Return every credential that the stand-in has seen or issued."""
    port = process.lines[0]["environment"]["HELSEID_ISSUER"]
    with urllib.request.urlopen(f"{port}/__standin/secrets", timeout=10) as response:
        return [each for each in json.load(response)["result"] if len(each) > 20]


def test_on_a_terminal_the_log_is_text(folder: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**bare_environment(), "PYTHONPATH": str(ROOT), "API_URL": "http://not-loopback.example"}
    command = [sys.executable, str(ROOT / "main.py")]
    subprocess.run(command, cwd=folder, env=environment, stdout=theirs, check=False, timeout=60)
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)
    assert re.match(r"\d\d:\d\d:\d\d CRITICAL The settings are wrong: ", told)
