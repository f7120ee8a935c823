"""`make audit` compares what a deployment installs with PyPI's database of known vulnerabilities."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(sys.prefix) / "audit" / "bin" / "pip-audit"
LOCKS = ("requirements.txt", "requirements/aws.txt")
"""What is deployed, on Google Cloud and on AWS."""


def judge(report: dict[str, Any] | None) -> tuple[int, list[str]]:
    """Return the exit code and what to print for pip-audit's report; None is no report, because pip-audit broke off.

    A pin that the database does not have is listed as skipped, and pip-audit still finds nothing wrong. So an index without
    the database, such as a mirror, must not pass for a clean audit.
    """
    if report is None:
        return 0, ["SKIPPED: pip-audit broke off; nothing was audited."]
    pins = report["dependencies"]
    unknown = [pin["name"] for pin in pins if "skip_reason" in pin]
    if len(unknown) == len(pins):
        return 0, ["SKIPPED: the database of known vulnerabilities cannot be reached; nothing was audited."]
    found = [
        f"{pin['name']} {pin['version']}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'no release yet'}"
        for pin in pins
        for each in pin.get("vulns", ())
    ]
    if unknown:
        found.append(f"Not in the database, so not audited: {', '.join(unknown)}.")
    return (1, found) if found else (0, [f"{len(pins)} pins have no known vulnerability."])


def main() -> int:
    """Audit, print the outcome, and return 1 when a pin has a known vulnerability."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        options = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json", f"--output={output}"]
        command = [str(PROGRAM), *options, *(f"--requirement={lock}" for lock in LOCKS)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        report = json.loads(output.read_text()) if output.exists() else None
    code, lines = judge(report)
    if report is None:
        lines += ended.stderr.splitlines()[-1:]
    for line in lines:
        mark = "::warning::" if line.startswith("SKIPPED") and "GITHUB_ACTIONS" in os.environ else ""  # shown on the run's page
        print(f"{mark}{line}")
    return code


if __name__ == "__main__":
    sys.exit(main())
