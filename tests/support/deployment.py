"""The whole function in this process, called as its hosts call it, and the requests that it made."""

import base64
import dataclasses
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest
from flask import Flask
from werkzeug.wrappers import Response

from helseid_fn import App
from standin import Client, StandIn, public_jwk
from standin.jose import PRIVATE_MEMBERS

CLIENT_ID = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
PARENT, CHILD, OTHER_CHILD = "999977774", "999977776", "999977775"
OTHER_UNIT = {"organization": {"parent": PARENT, "child": OTHER_CHILD}}
"""An invocation for which no token is cached yet."""

ENTRY_POINTS = Path(__file__).with_name("entry_points.py")
options: dict[str, Any] = {}
"""What `entry_points.py` makes its App with, beside the environment."""

every_host = pytest.mark.parametrize("host", ["functions-framework", "Lambda"], indirect=True)
"""For tests of what the function promises on every host."""

every_algorithm = pytest.mark.parametrize("jwk", ["RS256", "PS256", "ES256"], indirect=True)
"""For tests whose claim depends on the algorithm of the client key; the others run with ES256."""

Result = TypeVar("Result")


def short_sleep(seconds: float) -> None:
    """Sleep for a twentieth of the requested time, so that pauses before retries cost a test little."""
    time.sleep(seconds / 20)


class Function:
    """One deployed function."""

    def __init__(self, flask: Flask, module: ModuleType) -> None:
        self.flask = flask
        self.module = module
        self.app: App = module.app

    def call(self, members: object = None, **options: Any) -> Response:
        """Invoke it: a bare GET, or a POST of these members."""
        method = "GET" if members is None else "POST"
        data = None if members is None else json.dumps(members)
        return self.flask.test_client().open("/", **{"method": method, "data": data, **options})

    def set_deadline(self, seconds: float) -> None:
        """Set the time limit of the next invocations."""
        self.app.settings = dataclasses.replace(self.app.settings, deadline_seconds=seconds)


class LambdaContext:
    """What Lambda passes with each invocation."""

    aws_request_id = "request-1"

    def __init__(self, left_seconds: float = 60) -> None:
        self._left_seconds = left_seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that Lambda leaves the invocation."""
        return round(self._left_seconds * 1000)


class FunctionOnLambda(Function):
    """The same function behind a Function URL of AWS Lambda (payload format 2.0)."""

    def call(self, members: object = None, **options: Any) -> Response:
        """Invoke it: a bare GET, or a POST of these members."""
        data = options.get("data", "" if members is None else json.dumps(members))
        payload = data.encode() if isinstance(data, str) else data
        headers = {name.lower(): value for name, value in dict(options.get("headers", {})).items()}
        event = {
            "version": "2.0",
            "rawQueryString": options.get("query_string", ""),
            "headers": headers,
            "requestContext": {"http": {"method": options.get("method", "GET" if members is None else "POST")}},
            "body": base64.b64encode(payload).decode(),
            "isBase64Encoded": True,
        }
        response = self.module.lambda_handler(event, LambdaContext())
        return Response(response["body"], response["statusCode"], response["headers"])


def client_of(jwk: Mapping[str, Any], **options: Any) -> Client:
    """Register the public half of a key."""
    return Client(**{"client_id": CLIENT_ID, "jwks": [public_jwk(dict(jwk))], **options})


def made(standin: StandIn) -> dict[str, int]:
    """Count the requests that arrived, by kind."""
    return dict(Counter(exchange.kind for exchange in standin.received))


def proofs(standin: StandIn, kind: str) -> list[dict[str, Any]]:
    """Read the claims of the proofs that came with the requests of a kind."""
    return [exchange.claims["proof"] for exchange in standin.exchanges(kind)]


def assertions(standin: StandIn) -> list[dict[str, Any]]:
    """Read the claims of the client assertions that arrived."""
    return [exchange.claims["assertion"] for exchange in standin.exchanges("token")]


def private_members(jwk: Mapping[str, Any]) -> list[str]:
    """List the values of a private JWK that must appear nowhere."""
    return [value for name, value in jwk.items() if name in PRIVATE_MEMBERS]


def fragments_of(secrets: Iterable[str], *jwks: Mapping[str, Any]) -> set[str]:
    """Cut secrets and private keys, also base64-encoded as a payload, into pieces; none may appear anywhere."""
    whole = {*secrets, *(member for jwk in jwks for member in private_members(jwk))}
    payloads = (base64.b64encode(json.dumps(jwk).encode()).decode() for jwk in jwks)
    cut = {text[start : start + 24] for text in (*whole, *payloads) for start in (len(text) // 2, len(text) - 24)}
    return whole | {piece for piece in cut if len(piece) == 24}


def log_lines(text: str) -> list[dict[str, Any]]:
    """Read standard output as the function's log: one JSON object on each line."""
    return [json.loads(line) for line in text.splitlines()]


def at_once(times: int, work: Callable[[], Result]) -> list[Result]:
    """Do the work in this many threads, which begin together."""
    barrier = threading.Barrier(times)

    def begin() -> Result:
        barrier.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(times) as pool:
        return [each.result(timeout=60) for each in [pool.submit(begin) for _ in range(times)]]
