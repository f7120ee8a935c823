"""The rotating function on Google Cloud and the function that uses the key, on one clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from standin import StandIn
from standin.registered_keys import RegisteredKey
from tests.support.deployment import CLIENT_ID, Function, log_lines

SECRET = "projects/p/secrets/helseid-key"
PENDING = "projects/p/secrets/helseid-key-pending"
SETTINGS = {"HELSEID_KEY": f"{SECRET}/versions/latest", "HELSEID_PENDING_KEY": PENDING, "ROTATION_ALG": "ES256"}


class RotatingFunction:
    """Both functions and the store between them, to run and to look at."""

    def __init__(self, standin: StandIn, function: Function, pauses: list[float], capsys: pytest.CaptureFixture[str]) -> None:
        self.standin = standin
        self.function = function
        self.pauses = pauses
        """How long the function has slept, in seconds; the clock has moved by as much."""
        self.output: list[str] = []
        """Every response and everything that was printed."""
        self._capsys = capsys

    def rotate(self, method: str = "POST", path: str = "/") -> dict[str, Any]:
        """Start the rotating function over HTTP; return the members of its response, with the HTTP status as `status`."""
        body, status, _ = self.function.module.rotate(Request(EnvironBuilder(path, method=method).get_environ()))
        self.output.append(body)
        return {**json.loads(body), "status": status}

    def call(self, members: object = None) -> int:
        """Call the function that uses the key, and return the status."""
        response = self.function.call(members)
        self.output.append(response.get_data(as_text=True))
        return response.status_code

    def line(self) -> dict[str, Any]:
        """Return the last line that was logged with an outcome."""
        return [line for line in log_lines(self.written()) if "outcome" in line][-1]

    def written(self) -> str:
        """Return what was printed since the last call of this."""
        captured = self._capsys.readouterr()
        self.output += [captured.out, captured.err]
        return captured.out

    def new_keys(self) -> list[RegisteredKey]:
        """Return the keys that were registered in Selvbetjening by a program."""
        return [key for key in self.standin.registered_keys(CLIENT_ID) if key.origin == "Api"]

    def states(self, secret: str) -> list[str]:
        """Return the states of a secret's versions, the oldest first."""
        return [version.state for version in self.standin.secret_manager.versions(secret)]

    def readable_kids(self, secret: str) -> list[str]:
        """Return the private keys that can be read from a secret, the oldest first."""
        enabled = [version for version in self.standin.secret_manager.versions(secret) if version.state == "ENABLED"]
        return [(version.jwk or {})["kid"] for version in enabled]


Deploy = Callable[..., RotatingFunction]
