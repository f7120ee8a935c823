"""Runs Secrets Manager for the walk-through: `python -m standin.aws KEY-FILE INVOKE-URL`, until it is told to end.

It holds the file's text as one secret and prints JSON lines: the environment that points a function at it, then each request
that a function makes. When it rotates the secret, it posts each step's event to the URL, where Lambda is played.
"""

import json
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standin.aws.secrets_manager import SESSION_TOKEN, SecretsManager, play_lambda
from standin.aws.server import Environ, StartResponse

OPERATIONS = {"GetSecretValue", "DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage"}


class _ToldSecretsManager(SecretsManager):
    """Tells of each request on standard output, as the stand-in does of its own; never of the secret."""

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        begun_at, moment = time.monotonic(), datetime.now(UTC).isoformat()
        told: list[str] = []
        operation = environ["HTTP_X_AMZ_TARGET"].rpartition(".")[2]

        def start_and_note(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            told.append(status)
            return start_response(status, headers, exc_info)

        answer = list(super()._serve(environ, start_and_note))
        if operation in OPERATIONS:
            name = self.reads[-1]["SecretId"].rpartition(":")[2]
            milliseconds = round((time.monotonic() - begun_at) * 1000, 1)
            event = {
                "kind": "secret",
                "party": "secrets_manager",
                "time": moment,
                "method": operation,
                "target": name,
                "claims": {},
                "refusal": None,
            }
            print(json.dumps({**event, "status": int(told[0].split()[0]), "duration_ms": milliseconds}), flush=True)
        return answer


def invoke(event: dict[str, Any]) -> bool:
    """Hand an event to the function that rotates the secret."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(sys.argv[2], data=json.dumps(event).encode()), timeout=60) as answer:
        return bool(json.load(answer))


def main() -> int:
    """Run until interrupted, then leave without a word."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _ToldSecretsManager() as manager, play_lambda(invoke):
        manager.operations = OPERATIONS
        secret = Path(sys.argv[1]).read_text()
        arn = manager.client.create_secret(Name="helseid-key", SecretString=secret)["ARN"]
        environment = manager.environment(arn, AWS_SESSION_TOKEN=SESSION_TOKEN)
        print(json.dumps({"kind": "ready", "environment": environment}), flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
