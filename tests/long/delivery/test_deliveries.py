"""The short form of `make deliveries`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from tests.conftest import ROOT

KILLS = 8
EVENTS = 2000


def run(*arguments: str) -> dict[str, Any]:
    """Return the figures."""
    command = [sys.executable, "-m", "tests.long.delivery", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            printed, _ = process.communicate(timeout=500)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it started, should it not have ended
    figures: dict[str, Any] = json.loads(printed)
    assert process.returncode == (1 if any(figures[cloud]["faults"] for cloud in ("google", "aws")) else 0)
    return figures


def test_a_job_killed_in_any_step_loses_nothing() -> None:
    figures = run("kills", "--kills", str(KILLS))
    for cloud in ("google", "aws"):
        found = figures[cloud]
        assert found["faults"] == []
        assert found["kills"] == dict.fromkeys(("fetch", "deliver", "advance", "acknowledge"), KILLS)
        assert found["acknowledged"] == KILLS + 1
        assert found["uploads"] > found["events"]


def test_overlapping_runs_that_fail_follow_a_register() -> None:
    figures = run("register", f"--events={EVENTS}", "--page=50", "--page-seconds=0.02", "--deadline=3")
    for cloud in ("google", "aws"):
        found = figures[cloud]
        assert found["faults"] == []
        assert found["events"] >= EVENTS
        assert found["runs"]["delivery.refused.overtaken"] > 0
