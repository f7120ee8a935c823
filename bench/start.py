"""Cold starts under functions-framework: from the start of the process to the response to the first call."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.memory import resident_megabytes
from demo.processes import free_port

_REQUEST = b"POST / HTTP/1.1\r\nHost: function\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Start:
    """The cost of one cold start."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Served:
    """A function under the functions-framework of a virtual environment, in the folder of its `main.py`."""

    venv: Path
    folder: Path
    environment: Mapping[str, str]

    def start_cold(self) -> Start:
        """Start it, call it once, and stop it."""
        begun_at = time.perf_counter()
        with self.running() as (process, port):
            time_call(port)
            seconds = time.perf_counter() - begun_at
            return Start(seconds, resident_megabytes(process.pid))

    @contextmanager
    def running(self) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """Start it, wait until it listens, and stop it on exit."""
        command = [str(self.venv / "bin" / "functions-framework"), "--target=run"]
        with serve(command, self.folder, self.environment) as running:
            yield running


@contextmanager
def serve(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start functions-framework, wait until it listens, and stop it on exit; yield the process and the port."""
    port = free_port()
    environment = {**environment, "HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(process, port)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.001)
    raise RuntimeError(f"functions-framework ended with {process.returncode}")


def time_call(port: int) -> float:
    """Call the function once, and return the seconds until its response has come whole.

    Raises `RuntimeError` unless it is a 200.
    """
    begun_at = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_REQUEST)
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    seconds = time.perf_counter() - begun_at
    if not response.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(response.decode())
    return seconds
