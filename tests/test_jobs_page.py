"""The programs of `docs/jobs.md` run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.support.parts import REQUIRED

PAGE = (ROOT / "docs" / "jobs.md").read_text()


def program(name: str) -> str:
    """Return one program of the page."""
    return re.search(rf"<!-- jobs: {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL).group(1)  # type: ignore[union-attr]  # it is there


def test_the_job_of_the_page_passes_its_test(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(program("a job"))
    (tmp_path / "test_main.py").write_text(program("a test"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_main.py"],
        cwd=tmp_path,
        env={**REQUIRED, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
