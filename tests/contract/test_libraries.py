"""Published programs read the stand-in's FHIR server with this library's tokens, each in a process of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from standin import SAMPLE_SCOPE, StandIn, faults
from standin.fhir import PATIENT_COUNT
from tests.conftest import ROOT
from tests.support.clients.installing import HERE, install_python
from tests.support.deployment import CHILD, CLIENT_ID, PARENT, client_of

PROGRAMS = ("loading_with_dlt.py", "searching_with_fhirpy.py", "searching_with_fhirclient.py")
EVERYBODY = [f"synthetic-{number}" for number in range(1, PATIENT_COUNT + 1)]


def run(program: str, standin: StandIn, key_file: Path, folder: Path) -> list[str]:
    """Run a program, and return the ids of the patients that it printed."""
    client = {"issuer": standin.issuer, "client_id": CLIENT_ID, "key": f"file:{key_file}", "scopes": [SAMPLE_SCOPE]}
    given = {"client": client, "organization": {"parent": PARENT, "child": CHILD}, "fhir_base": standin.fhir_base}
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    command = [install_python(), HERE / program]
    done = subprocess.run(
        command, input=json.dumps(given), cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    printed: list[str] = json.loads(done.stdout.splitlines()[-1])
    return printed


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_published_program_reads_three_pages(program: str, jwk: dict[str, Any], key_file: Path, tmp_path: Path) -> None:
    with StandIn([client_of(jwk)], api_nonce=True) as standin:
        assert run(program, standin, key_file, tmp_path) == EVERYBODY
        assert (standin.count("metadata"), standin.count("token"), standin.count("api")) == (1, 2, 4)


def test_dlts_own_repetition_of_a_request_succeeds(standin: StandIn, key_file: Path, tmp_path: Path) -> None:
    standin.api.fail_next("api", faults.Status(503, handled=True), after=1)
    assert run("loading_with_dlt.py", standin, key_file, tmp_path) == EVERYBODY
    assert standin.count("token") == 2
