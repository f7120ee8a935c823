"""AWS's runtime interface emulator, which acts as Lambda: it starts, times and kills the function's process."""

from __future__ import annotations

import json
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from demo.lambda_runtime.function import lay_out
from demo.processes import Process, accepts, free_port
from infra.lambda_zip import Target, fetch_wheels

# The emulator is one program inside AWS SAM's wheel, which is unpacked and never installed.
PINS = "aws-sam-cli==1.170.0 --hash=sha256:24ebaf5ecba38dc1758089968cb89ab61e124b84e92a344fc7a2771a47f4d0bf\n"


class Emulator:
    """One deployed function with its timeout; `url` is where it is invoked."""

    def __init__(self, process: Process, url: str, running: ExitStack) -> None:
        self.process = process
        self._url = url
        self._running = running

    def invoke(self, event: object) -> tuple[int, Any]:
        """Invoke it, and return the status and the response, as text if it is not JSON."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(self._url, data=json.dumps(event).encode()), timeout=60) as response:
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def stop(self) -> None:
        """Stop it and the function's process."""
        self._running.close()


def start_emulator(
    archive: Path, target: Target, settings: Mapping[str, str], *, timeout_seconds: int, handler: str = "main.lambda_handler"
) -> Emulator:
    """Start the emulator with an unpacked archive; the first invocation starts the function's process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command, environment = lay_out(folder, archive, target, handler)
        port, runtime_port = free_port(), free_port()
        addresses = [
            f"--runtime-interface-emulator-address=127.0.0.1:{port}",
            f"--runtime-api-address=127.0.0.1:{runtime_port}",
        ]
        environment |= {"AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_seconds), **settings}
        emulator = _unpack_emulator(folder, target)
        process = Process("the emulator", [str(emulator), *addresses, *command], environment, folder / "task")
        stack.callback(process.stop)
        process.wait_for(lambda: accepts(port))
        return Emulator(process, f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations", stack.pop_all())


def _unpack_emulator(folder: Path, target: Target) -> Path:
    (wheel,) = fetch_wheels(PINS, target)
    with zipfile.ZipFile(wheel) as file:
        (member,) = (name for name in file.namelist() if name.endswith(f"/aws-lambda-rie-{target.arch}"))
        program = folder / "aws-lambda-rie"
        program.write_bytes(file.read(member))
    program.chmod(0o700)
    return program
