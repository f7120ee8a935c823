"""`helseid-fn doctor` names the cause of each fault first, changes nothing and shows no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.processes import bare_environment
from helseid_fn.cli.doctor import network
from helseid_fn.cli.doctor.examination import examine
from helseid_fn.cli.doctor.finding import Finding, State, find_cause
from helseid_fn.cli.doctor.report import build_bundle, build_report, describe
from standin import StandIn
from tests.conftest import ROOT
from tests.support.deployment import fragments_of
from tests.support.doctor_faults import CLIENT_ID, FAULTS, Case, DoctorFault


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """A client in good order."""
    monkeypatch.setattr(network, "TIMEOUT_SECONDS", 1.0)
    with ExitStack() as running, StandIn() as standin:
        yield Case(tmp_path, standin, monkeypatch, running)


def findings_of(case: Case, *, calls_api: bool = True) -> list[Finding]:
    for name, value in case.settings.items():
        case.patch.setenv(name, value)
    return list(examine(os.environ, calls_api=calls_api, now=case.now))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_cause_of_a_fault_comes_first(fault: DoctorFault, case: Case) -> None:
    fault.make(case)
    findings = findings_of(case)
    cause = find_cause(findings)
    assert cause is not None
    told = f"{cause.finding} {cause.remedy}"
    assert (cause.code, fault.words in told) == (fault.code, True), "\n".join(map(describe, findings))


def test_there_are_fifty_faults_of_as_many_kinds() -> None:
    assert len({each.name for each in FAULTS}) == len(FAULTS) >= 50
    assert len({(each.code, each.words) for each in FAULTS}) >= len(FAULTS) - 1


def test_a_client_in_good_order_has_nothing_wrong(case: Case) -> None:
    case.settings["SELVBETJENING_URL"] = case.standin.selvbetjening.origin
    findings = findings_of(case)
    assert find_cause(findings) is None
    made = dict.fromkeys(each.check for each in findings if each.state is State.OK)
    assert list(made) == ["settings", "key", "dns", "tcp", "clock", "metadata", "token", "organization", "Selvbetjening", "API"]


def test_helsenettet_is_named_for_an_address_of_nhn(case: Case) -> None:
    next(each for each in FAULTS if "Helsenettet" in each.name).make(case)
    cause = find_cause(findings_of(case))
    assert cause is not None
    assert "reachable only from Helsenettet" in cause.remedy


def test_what_depends_on_a_failure_is_not_tried(case: Case) -> None:
    case.write_key("key")
    states = {each.check: each.state for each in findings_of(case)}
    assert (states["metadata"], states["token"]) == (State.OK, State.SKIPPED)
    assert (case.standin.count("token"), case.standin.count("api")) == (0, 0)


def test_no_api_leaves_the_api_alone(case: Case) -> None:
    findings = findings_of(case, calls_api=False)
    assert (findings[-1].check, findings[-1].state, case.standin.count("api")) == ("API", State.SKIPPED, 0)


def test_the_api_is_asked_with_get_alone(case: Case) -> None:
    findings_of(case)
    assert [exchange.method for exchange in case.standin.exchanges("api")] == ["GET"]


def test_the_api_is_asked_with_the_headers_of_every_call(case: Case) -> None:
    case.settings |= {"API_HEADERS": '{"api-version": "3"}', "API_CORRELATION_HEADER": "nhn-event-id"}
    findings_of(case)
    (exchange,) = case.standin.exchanges("api")
    assert (exchange.values("api-version"), len(exchange.values("nhn-event-id"))) == (["3"], 1)


def test_a_key_that_selvbetjening_lets_expire_is_worth_a_warning(case: Case) -> None:
    case.settings["SELVBETJENING_URL"] = case.standin.selvbetjening.origin
    case.standin.expire_key(case.jwk["kid"], 10 * 86400)
    cause = find_cause(findings_of(case))
    assert cause is not None
    assert (cause.state, cause.code) == (State.WARNING, "registration.exp")
    assert "helseid-fn key expires " in cause.remedy


def test_without_its_scope_selvbetjening_is_not_asked(case: Case) -> None:
    case.settings["SELVBETJENING_URL"] = case.standin.selvbetjening.origin
    case.register(scopes=["nhn:test-public-samplecode/client-credentials"])
    found = {each.check: each for each in findings_of(case)}["Selvbetjening"]
    assert (found.state, "does not have the scope nhn:selvbetjening/client" in found.finding) == (State.SKIPPED, True)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_fault_makes_it_show_a_secret(fault: DoctorFault, case: Case) -> None:
    fault.make(case)
    told = json.dumps([build_report(found := findings_of(case)), build_bundle(found, os.environ)])
    pieces = [*fragments_of([], case.jwk), *case.standin.secrets()]
    assert not [piece for piece in pieces if len(piece) > 12 and piece in told]


def test_a_bundle_hides_what_may_be_secret(case: Case) -> None:
    api_url = case.settings["API_URL"].replace("http", "HTTP")
    case.settings |= {"API_URL": f"{api_url}?code=hush", "HELSEID_SFM_JOURNAL_ID": "hush"}
    bundle = build_bundle(findings_of(case), os.environ)
    assert bundle["settings"]["HELSEID_CLIENT_ID"] == CLIENT_ID
    assert "hush" not in json.dumps(bundle)


def test_the_metadata_forges_no_line_of_the_report(case: Case) -> None:
    listed = {"token_endpoint_auth_signing_alg_values_supported": ["\x1b[2J\n✓ token\u202e"]}
    case.standin.helseid.override("metadata", listed)
    finding = next(each for each in findings_of(case) if each.code == "metadata.alg")
    assert finding.finding.endswith("It has  [2J ✓ token .")


def run(case: Case, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "helseid_fn", "doctor", *arguments],
        cwd=case.folder,
        env={**bare_environment(), "PYTHONPATH": str(ROOT), **case.settings, **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def test_the_command_prints_the_cause_before_everything(case: Case) -> None:
    case.write_key("key")
    ran = run(case)
    assert (ran.returncode, ran.stdout.startswith("The cause: The private key at HELSEID_KEY is not JSON.")) == (1, True)
    assert "✓ settings" in ran.stdout


def test_the_command_writes_utf_8_whatever_the_locale(case: Case) -> None:
    ran = run(case, PYTHONIOENCODING="cp1252")
    assert (ran.returncode, "✓ settings" in ran.stdout) == (0, True)


def test_the_command_ends_with_0_when_all_is_well(case: Case) -> None:
    ran = run(case)
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "Nothing is wrong between here and the API.")


def test_the_command_says_that_there_is_no_env_file(case: Case) -> None:
    del case.settings["API_URL"]
    told = run(case).stdout.splitlines()
    assert told[0].startswith("The cause: API_URL is missing ")
    assert told[1] == "There is no .env here. helseid-fn import writes one."


def test_a_stopped_server_of_this_machine_is_to_be_started(case: Case) -> None:
    case.standin.api.stop()
    cause = find_cause(findings_of(case))
    assert cause is not None
    assert (cause.code, "Start the server" in cause.remedy) == ("tcp.refused", True)


def test_the_command_prints_json_for_programs(case: Case) -> None:
    report = json.loads(run(case, "--json").stdout)
    assert (report["ok"], report["cause"]) == (True, None)
    assert {"check", "state", "finding", "remedy", "code", "explains"} == set(report["findings"][0])


def test_the_command_writes_a_bundle_for_its_owner(case: Case) -> None:
    run(case, "--bundle=bundle.json")
    bundle = json.loads((case.folder / "bundle.json").read_text())
    assert (bundle["ok"], bundle["settings"]["API_URL"]) == (True, case.settings["API_URL"])
    assert (case.folder / "bundle.json").stat().st_mode & 0o777 == 0o600
