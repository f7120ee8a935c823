"""The short form of `make soak`."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def soaked() -> tuple[dict[str, Any], int, str]:
    """Return the figures, the exit status and the standard error of a thousand calls."""
    short = ["--calls", "1000", "--every", "40", "--lifetime", "3", "--organizations", "3"]
    command = [sys.executable, "-m", "tests.long.soak", *short]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    return json.loads(run.stdout), run.returncode, run.stderr


def test_a_thousand_calls_survive_every_happening(soaked: tuple[dict[str, Any], int, str]) -> None:
    figures, status, errors = soaked
    assert (figures["calls"], figures["faults"], status) == ({"ok": 1000}, [], 0)
    assert len(figures["happened"]) == 7
    assert "eyJ" not in errors


def test_every_token_request_has_a_reason(soaked: tuple[dict[str, Any], int, str]) -> None:
    figures, _, _ = soaked
    reasons = figures["tokens and refusals"]
    granted = sum(times for reason, times in reasons.items() if not reason.startswith("refused"))
    assert granted == figures["responses counted by the parties"]["token 200"]
    assert {"the first", "after a revocation"} <= set(reasons)
