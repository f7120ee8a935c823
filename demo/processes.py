"""The processes of the demo: each has its own environment, is read while it runs, and is stopped at the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0

stop_asked = threading.Event()
"""Set by Ctrl-C, and checked between steps, so that no process is started and then forgotten."""


class Process:
    """A process that prints JSON lines; its other output is kept to be shown if it fails."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], folder: Path = ROOT) -> None:
        """Start it in its own session, so that Ctrl-C reaches us first."""
        self.name = name
        self.lines: list[dict[str, Any]] = []
        self.other_output: list[str] = []
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.other_output.append(line)

    def wait_for(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Wait until `ready` returns true.

        Raises `RuntimeError` with the last output if the process ends or the time runs out, `KeyboardInterrupt` after Ctrl-C.
        """
        ends_at = time.monotonic() + seconds
        while not stop_asked.is_set():
            if ready():
                return
            if self._process.poll() is not None or time.monotonic() > ends_at:
                output = "".join(self.other_output[-20:]) + "".join(f"{line}\n" for line in self.lines[-5:])
                raise RuntimeError(f"{self.name} ended or did not respond in {seconds:g} s. Its last output:\n{output}")
            time.sleep(0.02)
        raise KeyboardInterrupt

    def wait(self, seconds: float = START_SECONDS) -> int:
        """Wait until it has ended and all its output is read, and return its exit status."""
        status = self._process.wait(timeout=seconds)
        self._reader.join(timeout=5)
        return status

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Stop it and everything that it started."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()


def start_standin(*options: str) -> tuple[Process, dict[str, str]]:
    """Start the stand-in, and return it with the environment of a function that uses it."""
    return _start_party("the stand-in", "standin", "--port-base=0", "--json-events=-", *options)


def start_secrets_manager(key_file: Path, invoke_url: str) -> tuple[Process, dict[str, str]]:
    """Start AWS's Secrets Manager (moto) with a key, and return it with the environment of a function that uses it.

    When it rotates the key, it posts each step to `invoke_url`.
    """
    return _start_party("Secrets Manager", "standin.aws", str(key_file), invoke_url)


def _start_party(name: str, module: str, *options: str) -> tuple[Process, dict[str, str]]:
    process = Process(name, [sys.executable, "-m", module, *options], bare_environment())
    try:
        process.wait_for(lambda: any(line.get("kind") == "ready" for line in process.lines))
    except BaseException:
        process.stop()
        raise
    return process, process.lines[0]["environment"]


def start_function(environment: Mapping[str, str], *options: str) -> tuple[Process, str]:
    """Start the function under functions-framework, and return it with its URL; the options replace `--target=run`."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("functions-framework")), *(options or ("--target=run",))]
    host = {"HOST": "127.0.0.1", "PORT": str(port)}
    process = Process("the function", command, {**bare_environment(), **environment, **host})
    try:
        process.wait_for(lambda: accepts(port))
    except BaseException:
        process.stop()
        raise
    return process, f"http://127.0.0.1:{port}/"


def call(url: str, body: object = None, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Call the function over HTTP, and return the status and the JSON of its response."""
    data = b"" if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=data, headers=dict(headers or {})), timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def bare_environment() -> dict[str, str]:
    """Return the few variables that every program needs; this machine's other settings and proxies are left out."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """Return a free port on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Return whether something listens on this port of loopback."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
