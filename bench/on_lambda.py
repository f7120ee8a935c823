"""Cold starts under AWS's runtime interface client: from the start of the process to the result of the first invocation."""

from __future__ import annotations

import compileall
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from bench.batches import FUNCTIONS
from demo.lambda_runtime.function import lay_out
from demo.lambda_runtime.runtime_api import RuntimeApi
from demo.lambda_runtime.target import HERE
from infra.lambda_zip import build

NO_BYTECODE = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class OnLambda:
    """A function under AWS's runtime interface client, as a command in a folder."""

    command: list[str]
    folder: Path
    environment: Mapping[str, str]

    def start_cold(self) -> float:
        """Start it, invoke it once, stop it, and return the seconds from the start to the result."""
        with RuntimeApi() as api:
            invocation = api.offer({})
            environment = {**self.environment, "AWS_LAMBDA_RUNTIME_API": api.address}
            begun_at = time.perf_counter()
            process = subprocess.Popen(self.command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL)
            try:
                while not invocation.done.wait(1):
                    if process.poll() is not None:
                        raise RuntimeError(f"{self.command} ended")
                seconds = time.perf_counter() - begun_at
            finally:
                process.kill()
                process.wait()
        if invocation.failed or invocation.result["status"] != "ok":
            raise RuntimeError(str(invocation.result))
        return seconds


class LambdaHost:
    """Our archive unpacked, its peers, and the host's part of their environments.

    The usual stack has bytecode of the standard library, and of its libraries only if asked for: a package of unpacked wheels
    has none, and Lambda's folder is read-only, so nothing is kept of what is compiled.
    """

    def __init__(self, folder: Path, peers: Path) -> None:
        """Lay everything out in a folder, which is emptied first; `peers` is the virtual environment of the usual stack."""
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self._command, self._environment = lay_out(folder, build(HERE, folder), HERE, "main.lambda_handler")
        site_packages = next(peers.glob("lib/python*/site-packages"))
        self._libraries = shutil.copytree(site_packages, folder / "libraries", ignore=NO_BYTECODE)
        self._compiled = shutil.copytree(self._libraries, folder / "compiled")
        compileall.compile_dir(self._compiled, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        self._peers_command = [*self._command[:-1], "on_lambda.lambda_handler"]

    def ours(self, environment: Mapping[str, str]) -> OnLambda:
        """Return the function of the archive."""
        return OnLambda(self._command, self.folder / "task", {**self._environment, **environment})

    def empty(self) -> OnLambda:
        """Return a function that does nothing."""
        return OnLambda(self._peers_command, FUNCTIONS / "empty", self._environment)

    def usual(self, environment: Mapping[str, str], *, compiled: bool = False) -> OnLambda:
        """Return the usual function, with bytecode of its libraries if it is `compiled`."""
        path = f"{self.folder / 'runtime'}:{self._compiled if compiled else self._libraries}"
        own = {**self._environment, **environment, "PYTHONPATH": path}
        return OnLambda(self._peers_command, FUNCTIONS / "usual", own)
