"""Hosts may start many instances from one snapshot of the initialized function, as Lambda does with SnapStart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from helseid_fn.setting_table import EXAMPLES
from tests.deployment.workspace import ROOT
from tests.support.deployment import Function
from tests.support.snapshot import COPIES, find_held


def test_a_snapshot_holds_no_token_key_nonce_or_generator(function: Function) -> None:
    assert find_held([function.app, function.module.lambda_handler, function.module.rotate_lambda]) == set()


def test_what_an_invocation_leaves_would_be_found(function: Function) -> None:
    assert function.call().status_code == 200
    assert find_held(function.app) == {"token", "key", "nonce"}


def test_copies_of_a_snapshot_make_different_keys_and_ids() -> None:
    one, other = copies("before")
    assert one["pid"] == other["pid"] == 1
    assert one["key"] != other["key"]
    assert one["jti"] != other["jti"]


def test_a_key_at_import_would_repeat_in_each_copy() -> None:
    one, other = copies("after a key was made")
    assert one["key"] == other["key"]


def copies(when: str) -> list[dict[str, Any]]:
    """Return what two copies of the initialized function made."""
    settings = {name: example for name, example in EXAMPLES.items() if not name.endswith("CA_BUNDLE")}
    command = [sys.executable, "-c", COPIES, when]
    ended = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    if "NoNamespaces" in ended.stderr and "CI" not in os.environ:
        pytest.skip("This machine makes no PID namespaces, so a copy would see that it is one.")
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]
