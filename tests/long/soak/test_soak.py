"""The short form of `make soak`."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.long.soak.__main__ import begins_json


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


def test_tokens_are_requested_for_several_reasons(soaked: tuple[dict[str, Any], int, str]) -> None:
    figures, _, _ = soaked
    assert {"the first", "after a revocation"} <= set(figures["tokens and refusals"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("eyJhbGciOiJFUzI1NiJ9", True), ("eyJhIjoxMjM0fQ", True), ("eyJski8vLy8vLy8v", False), ("eyJzKo8vLy8vLy8v", False)],
    ids=["a header", "an object", "a random id", "another random id"],
)
def test_a_jws_is_told_from_a_random_id(text: str, *, expected: bool) -> None:
    assert begins_json(text) is expected
