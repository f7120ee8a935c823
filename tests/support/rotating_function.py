"""The rotating function on Google Cloud, beside the one whose key it replaces, on one clock that the test moves."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from helseid_fn.http.transport import Transport
from helseid_fn.rotation.google import GoogleRotation
from helseid_fn.rotation.wiring import wire_google_rotation
from helseid_fn.settings import Settings
from standin import StandIn
from standin.registered_keys import RegisteredKey
from tests.conftest import MovableClock
from tests.support.deployment import CLIENT_ID, Function, log_lines

SECRET = "projects/p/secrets/helseid-key"
PENDING = "projects/p/secrets/helseid-key-pending"
SETTINGS = {"HELSEID_KEY": f"{SECRET}/versions/latest", "HELSEID_PENDING_KEY": PENDING, "ROTATION_ALG": "ES256"}


class RotatingFunction:
    """Both functions and the store between them, to run and to look at."""

    def __init__(self, standin: StandIn, function: Function, clock: MovableClock, capsys: pytest.CaptureFixture[str]) -> None:
        self.standin = standin
        self.function = function
        self.pauses: list[float] = []
        """How long the rotation has slept; the clock has moved by as much."""
        self.told: list[str] = []
        """Everything that was answered and printed."""
        self._clock = clock
        self._capsys = capsys

    def wire(self, settings: Settings, _transport: Transport, _now: object) -> GoogleRotation:
        """Put the rotation together as `main` does, on this clock."""
        made = wire_google_rotation(settings, Transport(now=self._clock), self._clock)
        return dataclasses.replace(made, rotation=dataclasses.replace(made.rotation, sleep=self._sleep))

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._clock.move(seconds)

    def rotate(self, method: str = "POST") -> dict[str, Any]:
        """Start the rotating function over HTTP and return the members of its answer, `status` being the HTTP status."""
        body, status, _ = self.function.module.rotate(Request(EnvironBuilder(method=method).get_environ()))
        self.told.append(body)
        return {**json.loads(body), "status": status}

    def call(self, members: object = None) -> int:
        """Call the function whose key it is, and return the status."""
        answer = self.function.call(members)
        self.told.append(answer.get_data(as_text=True))
        return answer.status_code

    def line(self) -> dict[str, Any]:
        """Return the last line that was logged with an outcome."""
        return [line for line in log_lines(self.written()) if "outcome" in line][-1]

    def written(self) -> str:
        """Return what was printed since this was last asked for."""
        captured = self._capsys.readouterr()
        self.told += [captured.out, captured.err]
        return captured.out

    def new_keys(self) -> list[RegisteredKey]:
        """Return the keys that were registered in Selvbetjening by a program."""
        return [key for key in self.standin.registered_keys(CLIENT_ID) if key.origin == "Api"]

    def states(self, secret: str) -> list[str]:
        """Return the states of a secret's versions, the oldest first."""
        return [version.state for version in self.standin.secret_manager.versions(secret)]

    def readable_kids(self, secret: str) -> list[str]:
        """Return which private keys can be read in a secret, the oldest first."""
        enabled = [version for version in self.standin.secret_manager.versions(secret) if version.state == "ENABLED"]
        return [(version.jwk or {})["kid"] for version in enabled]


Deploy = Callable[..., RotatingFunction]
