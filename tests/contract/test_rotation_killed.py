"""A rotation that is killed at any of its requests, before or after it was processed, is finished by the next one.

The rotation runs in another process, which SIGKILL ends. A complete rotation first shows at how many requests it can be killed.
Meanwhile the function that uses the key serves calls in this process, without a restart.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from helseid_fn import App
from helseid_fn.context import Context
from helseid_fn.errors import HelseidFnError
from helseid_fn.function.invocation import parse_invocation
from helseid_fn.settings import parse_settings
from standin import StandIn, make_jwk
from standin.aws.quick_clients import share_models
from tests.support.deployment import CLIENT_ID, OTHER_UNIT, PARENT, client_of, fragments_of, short_sleep
from tests.support.killing import Reaper, Runner, WatchedSecretsManager, When, side_by_side
from tests.support.rotating_function import PENDING, SECRET, SETTINGS

KILLED, WELL = -9, 0
UNITS = ({}, OTHER_UNIT, {"organization": {"parent": PARENT}})


@dataclass(frozen=True)
class Point:
    """Where a rotation is killed: the number of the request, and before or after it; without a number it is not killed."""

    at: int | None
    when: When = "before"


@dataclass
class Story:
    """What happened around one kill."""

    point: Point
    statuses: list[int]
    """How the killed rotation and the next one ended."""
    requests: int
    """How many requests the first one made."""
    calls: list[str]
    """The outcome of the calls before, between and after: `ok` or a code."""
    registered: list[int]
    """For each key that was registered, how often it was posted."""
    kept: bool
    """Whether the private half of each registered key could be read after the kill."""
    readable: list[str]
    """The private keys that can be read at the end, each once for every place."""
    expected: list[str]
    """The old key and the new one."""

    def complaint(self) -> str | None:
        """Return what is wrong, or None."""
        good = (
            self.statuses == [KILLED if self.point.at else WELL, WELL],
            set(self.calls) == {"ok"},
            self.registered == [1],
            self.kept,
            self.readable == self.expected,
        )
        return None if all(good) else repr(self)


class Caller:
    """The function whose key is replaced."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._app = App(parse_settings(environment), environ=environment, sleep=short_sleep)

    def call(self, members: object) -> str:
        """Call it, and return `ok` or the code of the failure."""
        try:
            invocation = parse_invocation(members, self._app.settings)
            self._app.api.call(invocation.request, invocation.organization, invocation.scopes, Context(25))
        except HelseidFnError as error:
            return error.code
        return "ok"


def play_on_google(runner: Runner, point: Point) -> Story:
    """Kill one rotation on Google Cloud, and let another finish."""
    jwk = make_jwk("ES256")
    with StandIn([client_of(jwk)], secret_manager=True) as standin:
        standin.secret_manager.add(SECRET, json.dumps(jwk))
        standin.secret_manager.create(PENDING)
        environment = {**standin.environment(SETTINGS["HELSEID_KEY"]), **SETTINGS}
        reaper = Reaper(point.at, point.when)
        reaper.watch(standin)
        caller = Caller(environment)

        def readable() -> list[str]:
            versions = [*standin.secret_manager.versions(SECRET), *standin.secret_manager.versions(PENDING)]
            return [(version.jwk or {})["kid"] for version in versions if version.state == "ENABLED"]

        calls = [caller.call(UNITS[0])]
        statuses = [runner.run(environment, reaper)]
        calls.append(caller.call(UNITS[1]))
        kept = {key.kid for key in standin.registered_keys(CLIENT_ID)} <= set(readable())
        requests, reaper.at = reaper.seen, None
        statuses.append(runner.run(environment, reaper))
        calls += [caller.call(unit) for unit in (UNITS[2], UNITS[0])]
        new = [key for key in standin.registered_keys(CLIENT_ID) if key.origin == "Api"]
        check_output(runner, standin, jwk)
        expected = [jwk["kid"], standin.signing_kids()[-1] or ""]
        return Story(point, statuses, requests, calls, [key.posted for key in new], kept, readable(), expected)


def play_on_aws(manager: WatchedSecretsManager, runner: Runner, point: Point) -> Story:
    """Kill one rotation on AWS, and let Secrets Manager repeat it from its first step, as it does."""
    jwk = make_jwk("ES256")
    with StandIn([client_of(jwk)]) as standin:
        arn = manager.add(json.dumps(jwk))
        client = manager.client
        version = manager.reserve(arn)
        environment = {**standin.environment(arn), **manager.environment(arn), "ROTATION_ALG": "ES256"}
        reaper = manager.reapers[arn] = Reaper(point.at, point.when)
        reaper.watch(standin)
        caller = Caller(environment)
        event = {"SecretId": arn, "ClientRequestToken": version}

        def readable() -> list[str]:
            """Look at the versions that have a text, the replaced one first; moto reserves one without."""
            found = {}
            for each, its_labels in manager.labels(arn).items():
                with suppress(client.exceptions.ResourceNotFoundException):
                    text = client.get_secret_value(SecretId=arn, VersionId=each)["SecretString"]
                    found["AWSPREVIOUS" not in its_labels, each] = json.loads(text)["kid"]
            return [found[place] for place in sorted(found)]

        calls = [caller.call(UNITS[0])]
        statuses = [runner.run(environment, reaper, event)]
        calls.append(caller.call(UNITS[1]))
        kept = {key.kid for key in standin.registered_keys(CLIENT_ID)} <= set(readable())
        requests, reaper.at = reaper.seen, None
        statuses.append(runner.run(environment, reaper, event))
        calls += [caller.call(unit) for unit in (UNITS[2], UNITS[0])]
        new = [key for key in standin.registered_keys(CLIENT_ID) if key.origin == "Api"]
        check_output(runner, standin, jwk)
        expected = [jwk["kid"], standin.signing_kids()[-1] or ""]
        return Story(point, statuses, requests, calls, [key.posted for key in new], kept, readable(), expected)


def check_output(runner: Runner, standin: StandIn, jwk: dict[str, Any]) -> None:
    """Search the rotations' output for secrets."""
    printed = runner.output.read_text()
    assert [piece for piece in fragments_of(standin.secrets(), jwk) if piece in printed] == []


Play = Callable[[Runner, Point], Story]


def check_every_point(folder: Path, play: Play, least_requests: int) -> None:
    """Run one rotation to its end, and kill others at each of its requests, before and after."""
    (alone,) = side_by_side(folder, [Point(None)], play)
    assert alone.complaint() is None
    assert alone.requests >= least_requests
    whens: tuple[When, When] = ("before", "after")
    stories = side_by_side(folder, [Point(at + 1, when) for at in range(alone.requests) for when in whens], play)
    assert [complaint for story in stories if (complaint := story.complaint())] == []


def test_a_killed_rotation_on_google_is_finished_by_the_next(tmp_path: Path) -> None:
    check_every_point(tmp_path, play_on_google, least_requests=17)


def test_a_killed_rotation_on_aws_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.session, "create_loader", botocore.session.create_loader)
    share_models()
    with WatchedSecretsManager() as manager:
        for name, value in manager.environment("").items():
            monkeypatch.setenv(name, value)
        check_every_point(tmp_path, partial(play_on_aws, manager), least_requests=25)
