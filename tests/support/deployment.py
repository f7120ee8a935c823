"""The whole function in this process, called as functions-framework calls it, and what came of it."""

import base64
import dataclasses
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, TypeVar

import pytest
from flask import Flask
from werkzeug.wrappers import Response

from standin import Client, StandIn, public_jwk
from standin.jose import PRIVATE_MEMBERS

CLIENT_ID = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
PARENT, CHILD, OTHER_CHILD = "999977774", "999977776", "999977775"
OTHER_UNIT = {"organization": {"parent": PARENT, "child": OTHER_CHILD}}
"""An invocation for which no token is held yet."""

every_host = pytest.mark.parametrize("host", ["functions-framework", "Lambda"], indirect=True)
"""For tests of what the function promises wherever it runs."""

one_key = pytest.mark.parametrize("jwk", ["ES256"], indirect=True)
"""For tests in which the client key plays no part."""

Result = TypeVar("Result")


class Function:
    """One deployed function."""

    def __init__(self, app: Flask, module: ModuleType) -> None:
        self.app = app
        self.module = module

    def call(self, members: object = None, **options: Any) -> Response:
        """Invoke it: a bare GET, or a POST of these members."""
        method = "GET" if members is None else "POST"
        data = None if members is None else json.dumps(members)
        return self.app.test_client().open("/", **{"method": method, "data": data, **options})

    def set_deadline(self, seconds: float) -> None:
        """Give the coming invocations this much time."""
        settings = dataclasses.replace(vars(self.module)["SETTINGS"], deadline_seconds=seconds)
        vars(self.module)["SETTINGS"] = settings


class LambdaContext:
    """What Lambda hands over with each invocation."""

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
        answer = self.module.lambda_handler(event, LambdaContext())
        return Response(answer["body"], answer["statusCode"], answer["headers"])


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
    """List the texts of a private JWK that must turn up nowhere."""
    return [value for name, value in jwk.items() if name in PRIVATE_MEMBERS]


def fragments_of(secrets: Iterable[str], *jwks: Mapping[str, Any]) -> set[str]:
    """Cut secrets and private keys, also as a payload in base64, into pieces of which none may turn up anywhere."""
    whole = {*secrets, *(member for jwk in jwks for member in private_members(jwk))}
    payloads = (base64.b64encode(json.dumps(jwk).encode()).decode() for jwk in jwks)
    cut = {text[start : start + 24] for text in (*whole, *payloads) for start in (len(text) // 2, len(text) - 24)}
    return whole | {piece for piece in cut if len(piece) == 24}


def log_lines(text: str) -> list[dict[str, Any]]:
    """Read standard output as the function's log: one JSON object on each line."""
    return [json.loads(line) for line in text.splitlines()]


def at_once(times: int, work: Callable[[], Result]) -> list[Result]:
    """Do the work in as many threads, which begin together."""
    barrier = threading.Barrier(times)

    def begin() -> Result:
        barrier.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(times) as pool:
        return [each.result(timeout=60) for each in [pool.submit(begin) for _ in range(times)]]
