"""`make demo` and `make demo-aws` as a person runs them: they succeed, print no secret and leave no process."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PR_SET_CHILD_SUBREAPER = 36
SECRET = r"eyJ|[A-Za-z0-9_-]{44,}"  # a token or a proof, a signature or a key
MEANWHILE = r"meanwhile +[1-9]\d* calls, all returned 200"


@pytest.fixture(autouse=True)
def adopt_orphans() -> Iterator[None]:
    """Adopt orphaned grandchildren, so that a test sees them."""
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0)


def children() -> list[str]:
    """Return the command lines of this process's children."""
    ids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [Path(f"/proc/{each}/cmdline").read_text().replace("\0", " ") for each in ids]


def start_demo(*cloud: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "demo", *cloud],
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if name != "VERBOSE"}, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_demo(*cloud: str, **environment: str) -> str:
    """Run the demo to its end, check what every form of it must print, and return its output."""
    before = children()
    demo = start_demo(*cloud, **environment)
    out, err = demo.communicate(timeout=120)
    assert (demo.returncode, err) == (0, "")
    assert out.count("Hello from the Sample API") == 4
    assert "helseid.refused.invalid_request" in out
    assert re.search(MEANWHILE, out)
    assert re.search(r"function → results +\d+ bytes of ", out)
    assert not re.search(SECRET, out)
    assert children() == before
    summary = out.partition("\nSummary\n")[2].splitlines()
    assert [line[:5] for line in summary[:7]] == [f"  {number}. " for number in range(1, 8)]
    assert [line.partition(" ")[0] for line in summary[7:]] == ["", "Next:"]
    return out


def test_the_demo_succeeds_without_a_secret_or_an_orphan() -> None:
    assert "assertion  " not in run_demo()


def test_the_verbose_demo_prints_claims_but_no_secret() -> None:
    out = run_demo(VERBOSE="1")
    for claims in (
        r"assertion +alg PS256, kid ",
        r"proof +key .{7}, jti .{7}, htm POST, htu http",
        r"token +aud .*, bound to key ",
    ):
        assert re.search(claims, out)


def test_the_aws_demo_succeeds_without_a_secret_or_an_orphan() -> None:
    out = run_demo("aws")
    first, second = re.split(r"^6\. .*$", out, flags=re.MULTILINE)
    assert (first.count("GetSecretValue"), second.split("\n7. ")[1].count("GetSecretValue")) == (3, 1)
    steps = re.findall(r"AWS +→ rotation +(\w+)", second)
    assert steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]


@pytest.mark.parametrize(("cloud", "stop"), [("google", signal.SIGINT), ("google", signal.SIGTERM), ("aws", signal.SIGINT)])
def test_an_interrupted_demo_leaves_no_process(cloud: str, stop: signal.Signals) -> None:
    before = children()
    demo = start_demo(cloud)
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("1. "):
            break
    demo.send_signal(stop)
    out, err = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert "Traceback" not in out + err
    assert children() == before


def test_a_demo_interrupted_at_once_leaves_no_process() -> None:
    before = children()
    demo = start_demo()
    while len(children()) == len(before) or not started_children(demo.pid):
        time.sleep(0.01)
    demo.send_signal(signal.SIGINT)
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert "Traceback" not in err
    assert children() == before


def started_children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
