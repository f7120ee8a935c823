"""Calls the function very often from several threads while its parties change: `python -m tests.long.soak --calls 100000`.

The calls are for many organizations in turn, each with a token of its own. Fails unless every call succeeds, every token
request has a reason, no secret is written, and memory, threads and open files are at the end as they were after the first
tenth.
"""

import argparse
import base64
import gc
import itertools
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PARENT = "999977774"
ATTEMPTS = 3
"""How often a request is sent, at the most, when each attempt fails."""
MOST_GROWTH_BYTES = 12 * 1024 * 1024
LIBRARIES = ("", "urllib3", "helseid_fn", "grpc", "google", "google.auth", "google.api_core", "werkzeug")
_JWS = re.compile(r"eyJ[A-Za-z0-9_-]{9,}")
"""The start of a JSON object in base64url, as every JWS begins, and once in a while a random id."""


def list_invocations(organizations: int) -> list[dict[str, Any] | None]:
    """Return one for each of so many organizations: the default one, its parent alone, and other children of that."""
    children = [str(100_000_000 + number) for number in range(organizations - 2)]
    named = [{"organization": {"parent": PARENT, "child": child}} for child in (None, *children)]
    return [None, *named][:organizations]


def begins_json(text: str) -> bool:
    """Return whether base64url text begins with a JSON object's first name, and not by chance with its first two bytes."""
    return re.match(rb'{"[A-Za-z0-9_]+("|$)', base64.urlsafe_b64decode(text[:12])) is not None


class Watch:
    """Replaces standard output and error: searches everything that is written for secrets, and stores none of it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = re.compile("|".join(re.escape(each[:24]) for each in secrets))
        self.lines = 0
        self.leaks: list[str] = []

    def write(self, text: str) -> int:
        """Count a secret, by its first letters, and a line."""
        self.lines += text.count("\n")
        found = [*filter(begins_json, _JWS.findall(text)), *self._secrets.findall(text)]
        self.leaks += [each[:6] for each in found]
        return len(text)

    def isatty(self) -> bool:
        """Return that it is no terminal, so that the log is JSON."""
        return False

    def flush(self) -> None:
        """Do nothing."""


class Neighbours:
    """The parties, in a process of their own."""

    def __init__(self, lifetime_seconds: int) -> None:
        command = [sys.executable, "-m", "tests.long.soak.parties", str(lifetime_seconds)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.setup = self._read()

    def say(self, word: str) -> dict[str, Any]:
        """Trigger an event, or read the counts."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(word) + "\n")
        self._process.stdin.flush()
        return self._read()

    def stop(self) -> None:
        """Stop them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        members: dict[str, Any] = json.loads(self._process.stdout.readline())
        return members


@dataclass(frozen=True)
class Usage:
    """The memory, threads and open files of this process."""

    resident_bytes: int
    threads: int
    files: int

    @classmethod
    def now(cls) -> "Usage":
        """Measure, after a collection."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(pages * os.sysconf("SC_PAGE_SIZE"), threading.active_count(), len(list(Path("/proc/self/fd").iterdir())))


class Soak:
    """One run."""

    def __init__(self, calls: int, threads: int, every: int, organizations: int) -> None:
        self._calls, self.threads, self._every = calls, threads, every
        self.invocations = list_invocations(organizations)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._done = 0
        self.codes: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self.first: Usage | None = None
        """After a hundredth of the calls."""
        self.early: Usage | None = None
        """After a tenth."""

    def run(self, neighbours: Neighbours) -> None:
        """Make every call, and trigger an event at intervals."""
        import functions_framework  # noqa: PLC0415  # it reads the environment, which is set by now

        app: Any = functions_framework.create_app(  # type: ignore[no-untyped-call]
            "run", str(ROOT / "main.py")
        )
        for name in LIBRARIES:
            logging.getLogger(name).setLevel(logging.DEBUG)
        with ThreadPoolExecutor(self.threads) as pool:
            working = [pool.submit(self._call_on, app) for _ in range(self.threads)]
            self._conduct(neighbours, working)
            for each in working:
                each.result()

    def _call_on(self, app: Any) -> None:
        client = app.test_client()
        while (number := next(self._numbers)) <= self._calls:
            members = self.invocations[number % len(self.invocations)]
            response = client.get("/") if members is None else client.post("/", json=members)
            report = response.get_json()
            with self._lock:
                self._done += 1
                self.codes[report.get("code", report["status"])] += 1
                self.requests.update(report.get("requests", {}))

    def _conduct(self, neighbours: Neighbours, working: Sequence[Future[None]]) -> None:
        happenings = itertools.cycle(neighbours.setup["happenings"])
        due = self._every
        while not all(each.done() for each in working):
            if self._done >= due:
                happening = next(happenings)
                neighbours.say(happening)
                self.happened[happening] += 1
                due += self._every
            if self.first is None and self._done >= self._calls // 100:
                self.first = Usage.now()
            if self.early is None and self._done >= self._calls // 10:
                self.early = Usage.now()
            time.sleep(0.005)


def find_faults(soak: Soak, tally: dict[str, Any], watch: Watch, late: Usage, calls: int) -> list[str]:
    """Return what is wrong, in sentences."""
    early = soak.early or late
    faults = [f"{times} calls ended with {code}" for code, times in soak.codes.items() if code != "ok"]
    if soak.codes["ok"] != calls:
        faults.append(f"only {soak.codes['ok']} of {calls} calls succeeded")
    known = ("nonce", "the token was revoked", "the token has expired")
    for reason, times in tally["reasons"].items():
        if reason == "no reason" or (reason.startswith("refused") and not any(word in reason for word in known)):
            faults.append(f"{times} token requests or calls: {reason}")
    arrived = sum(times for kind, times in tally["counts"].items() if kind.startswith(("metadata", "token")))
    most_lost = soak.happened["a restart of HelseID"] * soak.threads * ATTEMPTS
    if not 0 <= soak.requests["helseid"] - arrived <= most_lost:
        faults.append(f"the function sent HelseID {soak.requests['helseid']} requests, of which {arrived} arrived")
    if watch.leaks:
        faults.append(f"secrets were written {len(watch.leaks)} times, beginning {sorted(set(watch.leaks))}")
    if late.resident_bytes - early.resident_bytes > MOST_GROWTH_BYTES:
        faults.append(f"memory grew from {early.resident_bytes >> 20} to {late.resident_bytes >> 20} MiB")
    if late.threads > early.threads or late.files > early.files + 8:
        faults.append(f"threads or files grew: {early} became {late}")
    return faults


def main() -> int:
    """Run, print the figures, and return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.long.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--organizations", type=int, default=100)
    parser.add_argument("--lifetime", type=int, default=5, help="of a token, in seconds")
    parser.add_argument("--every", type=int, default=250, help="calls between two happenings")
    arguments = parser.parse_args()
    neighbours = Neighbours(arguments.lifetime)
    os.environ.update(neighbours.setup["environment"], LOG_LEVEL="DEBUG")
    soak = Soak(arguments.calls, arguments.threads, arguments.every, arguments.organizations)
    out, begun_at = sys.stdout, time.monotonic()
    watch = Watch(neighbours.setup["secrets"])
    sys.stdout = sys.stderr = watch
    logging.getLogger().addHandler(logging.StreamHandler(watch))
    try:
        soak.run(neighbours)
        tally, late = neighbours.say("count"), Usage.now()
    finally:
        sys.stdout, sys.stderr = out, sys.__stderr__
        neighbours.stop()
    faults = find_faults(soak, tally, watch, late, arguments.calls)
    figures = {
        "calls": dict(soak.codes),
        "seconds": round(time.monotonic() - begun_at),
        "happened": dict(soak.happened),
        "requests counted by the function": dict(soak.requests),
        "responses counted by the parties": tally["counts"],
        "tokens and refusals": tally["reasons"],
        "MiB after a hundredth, after a tenth and late": [
            usage.resident_bytes >> 20 for usage in (soak.first or late, soak.early or late, late)
        ],
        "threads early and late": [usage.threads for usage in (soak.early or late, late)],
        "files early and late": [usage.files for usage in (soak.early or late, late)],
        "lines searched for secrets": watch.lines,
        "faults": faults,
    }
    print(json.dumps(figures, indent=2))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
