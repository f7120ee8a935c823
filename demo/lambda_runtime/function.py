"""The unpacked archive as a process under AWS's runtime interface client, with an environment like Lambda's."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from demo.lambda_runtime.runtime_api import Invocation, RuntimeApi
from demo.processes import Process, bare_environment
from infra.archive import ROOT
from infra.interpreters import find_interpreter
from infra.lambda_zip import Target, fetch_wheels

CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""The client and its dependencies; Lambda keeps them in their own folder, apart from the function's."""
PROBES = Path(__file__).resolve().parent / "probes"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_SESSION_TOKEN": "made-up"}


class LambdaFunction:
    """One instance of the deployed function."""

    def __init__(self, process: Process, api: RuntimeApi, running: ExitStack) -> None:
        self.process = process
        self.api = api
        self._running = running

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines that it has logged."""
        return self.process.lines

    def invoke(self, event: object, *, seconds: float = 30.0, trace: str | None = None) -> Invocation:
        """Invoke it, and wait for the result.

        Raises `RuntimeError` with its last output if it ends first.
        """
        invocation = self.api.offer(event, seconds=seconds, trace=trace)
        if not invocation.done.wait(1):
            self.process.wait_for(invocation.done.is_set, seconds=seconds + 5)
        return invocation

    def stop(self) -> None:
        """Stop it and its Runtime API."""
        self._running.close()


def start_lambda(
    archive: Path, target: Target, settings: Mapping[str, str], *, handler: str = "main.lambda_handler"
) -> LambdaFunction:
    """Unpack an archive and start it on the Python that it was built for; `settings` override the host's variables."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command, environment = lay_out(folder, archive, target, handler)
        api = stack.enter_context(RuntimeApi())
        environment |= {"AWS_LAMBDA_RUNTIME_API": api.address, **settings}
        process = Process("the function", command, environment, folder / "task")
        stack.callback(process.stop)
        return LambdaFunction(process, api, stack.pop_all())


def lay_out(folder: Path, archive: Path, target: Target, handler: str) -> tuple[list[str], dict[str, str]]:
    """Unpack the archive and the client side by side, and return the client's command (run in `task`) and environment."""
    interpreter = find_interpreter(target.python)
    if interpreter is None:
        raise RuntimeError(f"No Python {target.python} was found on this machine. Install it, or choose another target.")
    shutil.unpack_archive(archive, folder / "task")
    for wheel in fetch_wheels(_client_pins(), target):
        shutil.unpack_archive(wheel, folder / "runtime", "zip")
    # No site packages, which could hide a library that the archive lacks. Lambda's folder is read-only: no bytecode is written.
    command = [str(interpreter), "-S", "-B", "-m", "awslambdaric", handler]
    return command, {**bare_environment(), **_host_environment(target, folder, handler)}


def _client_pins() -> str:
    lock = (ROOT / "requirements" / "standin-aws.txt").read_text()
    return "\n".join(
        match[0] for match in re.finditer(r"^([\w-]+)==.*(\n +--hash.*)+", lock, re.MULTILINE) if match[1] in CLIENT
    )


def _host_environment(target: Target, folder: Path, handler: str) -> dict[str, str]:
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{target.python}",
        "AWS_LAMBDA_FUNCTION_NAME": "helseid-fn",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/helseid-fn",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]0",
        "AWS_REGION": "eu-north-1",
        "AWS_DEFAULT_REGION": "eu-north-1",
        "LAMBDA_TASK_ROOT": str(folder / "task"),
        "_HANDLER": handler,
        "TZ": ":UTC",
        "PYTHONPATH": f"{folder / 'runtime'}:{PROBES}",
        **CREDENTIALS,
    }
