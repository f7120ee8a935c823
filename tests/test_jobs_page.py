"""The programs of `docs/jobs.md` run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from helseid_fn.delivery.log import MAX_LOGGED_BYTES
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "jobs.md").read_text()


def program(name: str) -> str:
    """Return one program of the page."""
    return re.search(rf"<!-- jobs: {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL).group(1)  # type: ignore[union-attr]  # it is there


def run_test(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run a test of the page's job with no setting in the environment, as a newcomer does."""
    (folder / "main.py").write_text(program("a job"))
    (folder / "test_main.py").write_text(test)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_main.py"],
        cwd=folder,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_job_of_the_page_passes_its_test(tmp_path: Path) -> None:
    done = run_test(tmp_path, program("a test"))
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_request_without_a_reply_is_named(tmp_path: Path) -> None:
    done = run_test(tmp_path, program("a test").replace('"GET greetings"', '"GET greeting"'))
    assert "The job called GET 'greetings', and api has no reply for it. It has 'GET greeting'." in done.stdout


def test_the_largest_result_of_the_log_is_told() -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| `log` |"))
    assert row.endswith(f"| {MAX_LOGGED_BYTES // 1024} KiB |")
