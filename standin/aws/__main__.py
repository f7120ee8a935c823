"""Runs AWS Secrets Manager in a terminal, until Ctrl-C: `python -m standin.aws KEY_FILE INVOKE_URL`.

It stores the text of the file as one secret and prints JSON lines: first the environment for a function, then each request
of the function. When the secret is rotated, it posts the event of each step to the URL, in place of invoking Lambda.
"""

import argparse
import json
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from standin.aws.secrets_manager import SESSION_TOKEN, SecretsManager, emulate_lambda
from standin.aws.server import Environ, StartResponse

OPERATIONS = {"GetSecretValue", "DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage"}


class _LoggingSecretsManager(SecretsManager):
    """Prints each request as a JSON line, without the secret."""

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started_at, time_text = time.monotonic(), datetime.now(UTC).isoformat()
        statuses: list[str] = []
        operation = environ["HTTP_X_AMZ_TARGET"].rpartition(".")[2]

        def start_and_keep_status(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            statuses.append(status)
            return start_response(status, headers, exc_info)

        response = list(super()._serve(environ, start_and_keep_status))
        if operation in OPERATIONS:
            name = self.reads[-1]["SecretId"].rpartition(":")[2]
            milliseconds = round((time.monotonic() - started_at) * 1000, 1)
            event = {
                "kind": "secret",
                "party": "secrets_manager",
                "time": time_text,
                "method": operation,
                "target": name,
                "claims": {},
                "refusal": None,
            }
            print(json.dumps({**event, "status": int(statuses[0].split()[0]), "duration_ms": milliseconds}), flush=True)
        return response


def invoke(url: str, event: dict[str, Any]) -> bool:
    """Invoke the rotating function through this URL and return whether it succeeded."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data=json.dumps(event).encode()), timeout=60) as response:
        return bool(json.load(response))


def main() -> int:
    """Run until Ctrl-C or SIGTERM; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m standin.aws", description=__doc__)
    parser.add_argument("key_file", type=Path, help="the file with the text of the secret")
    parser.add_argument("invoke_url", help="the URL that receives each step of a rotation")
    arguments = parser.parse_args()
    try:
        secret = arguments.key_file.read_text()
    except OSError as error:
        parser.error(f"{arguments.key_file} cannot be read ({error.strerror})")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _LoggingSecretsManager() as manager, emulate_lambda(partial(invoke, arguments.invoke_url)):
        manager.operations = OPERATIONS
        arn = manager.client.create_secret(Name="helseid-key", SecretString=secret)["ARN"]
        environment = manager.environment(arn, AWS_SESSION_TOKEN=SESSION_TOKEN)
        print(json.dumps({"kind": "ready", "environment": environment}), flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
