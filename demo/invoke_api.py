"""Where Secrets Manager invokes the function that rotates its secret, as it would by Lambda."""

from __future__ import annotations

import json
from collections.abc import Iterable

from demo.lambda_runtime.function import LambdaFunction
from standin.aws.server import Environ, Server, StartResponse, answer


class InvokeApi(Server):
    """Hands each event that is posted to it to the function, and answers whether that went well; a context manager."""

    def __init__(self) -> None:
        super().__init__(self._invoke)
        self.function: LambdaFunction | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/"

    def is_counted(self, environ: Environ) -> bool:
        """Count nothing."""
        return not environ

    def _invoke(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        event = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        well = self.function is not None and not self.function.invoke(event).failed
        return answer(200, well)(environ, start_response)
