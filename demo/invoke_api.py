"""Where Secrets Manager invokes the rotating function, as it would through Lambda's Invoke API."""

from __future__ import annotations

import json
from collections.abc import Iterable

from demo.lambda_runtime.function import LambdaFunction
from standin.aws.server import Environ, Server, StartResponse


class InvokeApi(Server):
    """Passes each posted event to the function, and responds with whether it succeeded; a context manager."""

    def __init__(self) -> None:
        super().__init__(self._invoke)
        self.function: LambdaFunction | None = None

    @property
    def url(self) -> str:
        """The URL that it listens at."""
        return f"http://127.0.0.1:{self.port}/"

    def is_counted(self, environ: Environ) -> bool:
        """Return False: no fault is counted here."""
        return not environ

    def _invoke(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        event = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        succeeded = self.function is not None and not self.function.invoke(event).failed
        body = json.dumps(succeeded).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]
