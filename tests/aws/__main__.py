"""Runs Secrets Manager for the walk-through: `python -m tests.aws KEY-FILE`, until it is told to end.

It holds the file's text as one secret and prints JSON lines: the environment that points a function at it, then each read.
"""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.aws.secrets_manager import SESSION_TOKEN, SecretsManager
from tests.aws.server import Environ, StartResponse


class _ToldSecretsManager(SecretsManager):
    """Tells of each read on standard output, as the stand-in does of its requests; never of the secret."""

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        begun_at = time.monotonic()
        told: list[str] = []
        reads = len(self.reads)

        def start_and_note(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            told.append(status)
            return start_response(status, headers, exc_info)

        answer = list(super()._serve(environ, start_and_note))
        if len(self.reads) > reads:
            name = self.reads[-1]["SecretId"].rpartition(":")[2]
            milliseconds = round((time.monotonic() - begun_at) * 1000, 1)
            event = {
                "kind": "read",
                "party": "secrets_manager",
                "method": "POST",
                "target": name,
                "claims": {},
                "refusal": None,
            }
            print(json.dumps({**event, "status": int(told[0].split()[0]), "duration_ms": milliseconds}), flush=True)
        return answer


def main() -> int:
    """Run until interrupted, then leave without a word."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _ToldSecretsManager() as manager:
        secret = Path(sys.argv[1]).read_text()
        arn = manager.client.create_secret(Name="helseid-key", SecretString=secret)["ARN"]
        environment = manager.environment(arn, AWS_SESSION_TOKEN=SESSION_TOKEN)
        print(json.dumps({"kind": "ready", "environment": environment}), flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
