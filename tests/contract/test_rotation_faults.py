"""After any failure of a rotation, the key in use works, the log says what to do, and the next run finishes with one key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from standin import StandIn, faults, secret_faults
from tests.support.deployment import OTHER_UNIT, made
from tests.support.faults.secrecy import debug_logs_written, enable_debug_logs, leaks
from tests.support.rotating_function import PENDING, SECRET, Deploy, RotatingFunction

Break = Callable[[StandIn], object]


def fail(kind: str, fault: faults.Fault) -> Break:
    return lambda standin: standin.selvbetjening.fail_always(kind, fault)


def fail_helseid(fault: faults.Fault, *, after: int) -> Break:
    return lambda standin: standin.helseid.fail_next("token", fault, times=9, after=after)


def fail_secret(kind: str, fault: secret_faults.SecretFault, *, after: int = 0) -> Break:
    return lambda standin: standin.secret_manager.fail_next(kind, fault, times=9, after=after)


def forget_scope(standin: StandIn) -> None:
    standin.selvbetjening.settings.scope = "nhn:selvbetjening/another"


def reject(status: int = 200, body: str = "", content_type: str = "application/json") -> faults.Fault:
    return faults.Status(status, body, content_type=content_type)


DENIED, DOWN, LOST = secret_faults.Fail("PERMISSION_DENIED"), secret_faults.Fail(), secret_faults.Fail(handled=True)

# What fails, the code, and whether it is retryable.
BREAKS: dict[str, tuple[Break, str, bool]] = {
    "it refuses the list": (fail("keys", faults.Problem(403)), "selvbetjening.refused.forbidden", False),
    "it refuses the key": (fail("register", faults.Problem(400)), "selvbetjening.refused.other", False),
    "it refuses the client": (forget_scope, "selvbetjening.refused.insufficient_scope", False),
    "it has no such path": (fail("register", faults.Status(404)), "selvbetjening.refused.not_found", False),
    "it is down": (lambda standin: standin.selvbetjening.stop(), "selvbetjening.unavailable.connect", True),
    "it has a failure": (fail("keys", faults.Status(503)), "selvbetjening.unavailable.server_error", True),
    "it cannot register": (fail("register", faults.Status(500)), "selvbetjening.unavailable.server_error", True),
    "it resets": (fail("register", faults.Reset()), "selvbetjening.unavailable.connection_lost", True),
    "it hangs": (fail("keys", faults.Hang()), "selvbetjening.deadline_exceeded", True),
    "it hangs at the key": (fail("register", faults.Hang()), "selvbetjening.deadline_exceeded", True),
    "it returns a web page": (fail("keys", reject(200, "<html>", "text/html")), "selvbetjening.invalid_response.body", False),
    "its list is none": (fail("keys", reject(200, '{"kid": "x"}')), "selvbetjening.invalid_response.body", False),
    "its list is of texts": (fail("keys", reject(200, '["x"]')), "selvbetjening.invalid_response.body", False),
    "it names no expiration": (fail("register", reject(200, "{}")), "selvbetjening.invalid_response.body", False),
    "its expiration is no date": (
        fail("register", reject(200, '{"expiration": "soon"}')),
        "selvbetjening.invalid_response.body",
        False,
    ),
    "it returns nothing": (fail("register", reject(204)), "selvbetjening.invalid_response.body", False),
    "HelseID is down": (fail_helseid(faults.Status(503), after=0), "helseid.unavailable.server_error", True),
    "HelseID goes down before the test": (fail_helseid(faults.Status(503), after=2), "helseid.unavailable.server_error", True),
    "the pending key cannot be stored": (fail_secret("add", DENIED), "secret_manager.refused.denied", False),
    "the store is down at the pending key": (fail_secret("add", DOWN), "secret_manager.unavailable.connect", True),
    "the pending key is stored, the response lost": (fail_secret("add", LOST), "secret_manager.unavailable.connect", True),
    "the new key cannot be promoted": (fail_secret("add", DENIED, after=1), "secret_manager.refused.denied", False),
    "the store is down at the promotion": (fail_secret("add", DOWN, after=1), "secret_manager.unavailable.connect", True),
    "the key is promoted, the response lost": (fail_secret("add", LOST, after=1), "secret_manager.unavailable.connect", True),
    "the pending key cannot be destroyed": (fail_secret("destroy", DENIED), "secret_manager.refused.denied", False),
    "the store is down at the tidying": (fail_secret("destroy", DOWN), "secret_manager.unavailable.connect", True),
    "the key cannot be read": (fail_secret("access", DOWN), "secret_manager.unavailable.connect", True),
    "the pending keys cannot be listed": (fail_secret("list", DENIED), "secret_manager.refused.denied", False),
    "the pending key cannot be read back": (fail_secret("access", DENIED, after=1), "secret_manager.refused.denied", False),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_failed_rotation_is_reported_and_the_next_one_finishes(
    deploy_rotation: Deploy, jwk: dict[str, Any], name: str
) -> None:
    go_wrong, code, retryable = BREAKS[name]
    rotation = deploy_rotation(DEADLINE_SECONDS="1" if "hangs" in name else "20")
    standin = rotation.standin
    go_wrong(standin)
    report = rotation.rotate()
    assert (report["code"], report["retryable"]) == (code, retryable)
    assert rotation.line()["message"] == report["detail"]
    repair(standin)
    assert rotation.call() == 200
    assert rotation.rotate()["rotation"] == "rotated"
    (new,) = rotation.new_keys()
    assert rotation.call(OTHER_UNIT) == 200
    assert standin.signing_kids()[-1] == new.kid
    assert rotation.readable_kids(SECRET) == [jwk["kid"], new.kid]
    assert set(rotation.states(PENDING)) == {"DESTROYED"}


def repair(standin: StandIn) -> None:
    for party in (standin.selvbetjening, standin.helseid, standin.secret_manager):
        party.clear_faults()
    standin.selvbetjening.start()
    standin.selvbetjening.settings.scope = "nhn:selvbetjening/client"


# Selvbetjening has registered the key, and its response is lost or cannot be read.
LOST_RESPONSES: dict[str, faults.Fault] = {
    "reset": faults.Reset(handled=True),
    "closed": faults.Close(handled=True),
    "cut short": faults.CutShort(),
    "503": faults.Status(503, handled=True),
    "a problem": faults.Problem(500, handled=True),
    "another response": faults.Status(200, "{}", content_type="application/json", handled=True),
}


@pytest.mark.parametrize("name", LOST_RESPONSES)
def test_a_key_registered_without_a_response_is_found(rotation: RotatingFunction, name: str) -> None:
    rotation.standin.selvbetjening.fail_next("register", LOST_RESPONSES[name])
    report = rotation.rotate()
    (new,) = rotation.new_keys()
    assert (report["rotation"], report["kid"], new.posted) == ("rotated", new.kid, 1)
    assert report["key_expires_in_days"] == 180
    assert rotation.standin.count("register") == 1
    assert "Registering the new key failed" in rotation.output[-1] + rotation.written()


@pytest.mark.parametrize("name", LOST_RESPONSES)
def test_without_a_list_a_token_proves_the_registration(rotation: RotatingFunction, name: str) -> None:
    rotation.standin.selvbetjening.fail_always("keys", faults.Status(404))
    rotation.standin.selvbetjening.fail_next("register", LOST_RESPONSES[name])
    report = rotation.rotate()
    (new,) = rotation.new_keys()
    assert (report["rotation"], report["kid"], new.posted) == ("rotated", new.kid, 1)
    assert "key_expires" not in report, "nothing says when"
    assert "key_expires" not in rotation.line()


@pytest.mark.parametrize("status", [404, 405])
def test_without_a_list_a_key_is_registered_all_the_same(rotation: RotatingFunction, status: int) -> None:
    rotation.standin.selvbetjening.fail_always("keys", faults.Status(status))
    report = rotation.rotate()
    assert (report["rotation"], report["key_expires_in_days"]) == ("rotated", 180)
    assert [key.posted for key in rotation.new_keys()] == [1]


def test_without_a_list_the_next_run_finds_the_key_by_trying_it(rotation: RotatingFunction) -> None:
    rotation.standin.selvbetjening.fail_always("keys", faults.Status(404))
    rotation.standin.secret_manager.fail_next("add", DOWN, after=1)
    assert rotation.rotate()["status"] == 503
    report = rotation.rotate()
    (new,) = rotation.new_keys()
    assert (report["rotation"], report["kid"]) == ("rotated", new.kid)


@pytest.mark.parametrize("status", [400, 415, 422])
def test_a_key_refused_as_an_object_is_sent_as_a_string(rotation: RotatingFunction, status: int) -> None:
    rotation.standin.selvbetjening.settings.body_form = "string"
    if status != 400:
        rotation.standin.selvbetjening.fail_next("register", faults.Problem(status))
    assert rotation.rotate()["rotation"] == "rotated"
    first, second = (exchange.json for exchange in rotation.standin.exchanges("register"))
    assert json.loads(second) == first
    assert [key.posted for key in rotation.new_keys()] == [1]


def test_a_key_refused_in_both_forms_is_reported_in_their_words(rotation: RotatingFunction) -> None:
    rotation.standin.selvbetjening.fail_always("register", faults.Problem(400, "The client may not have more than 3 keys."))
    report = rotation.rotate()
    assert "The client may not have more than 3 keys" in report["detail"]
    assert made(rotation.standin)["register"] == 2


def test_refusals_leave_one_pending_key(rotation: RotatingFunction) -> None:
    rotation.standin.selvbetjening.fail_always("register", faults.Problem(400))
    for _ in range(3):
        rotation.rotate()
    assert rotation.states(PENDING) == ["ENABLED"]


@pytest.mark.parametrize("kind", ["destroy", "disable"])
def test_a_version_that_is_retired_already_is_no_failure(rotation: RotatingFunction, clock: Any, kind: str) -> None:
    """The response to the first attempt was lost, and the second attempt is refused."""
    rotation.rotate()
    clock.move(3600 * (25 if kind == "disable" else 24 * 40))
    rotation.standin.secret_manager.fail_next(kind, LOST)
    assert rotation.rotate()["status"] == 200
    assert rotation.states(SECRET) == ["DISABLED" if kind == "disable" else "DESTROYED", "ENABLED"]


def test_slow_parties_are_waited_for(rotation: RotatingFunction) -> None:
    rotation.standin.selvbetjening.fail_next("register", faults.Slow(0.3))
    rotation.standin.secret_manager.fail_next("add", secret_faults.Slow(0.3), times=2)
    assert rotation.rotate()["rotation"] == "rotated"
    assert [key.posted for key in rotation.new_keys()] == [1]


@pytest.mark.parametrize(
    "name", ["none", "it refuses the key", "the new key cannot be promoted", "the store is down at the pending key", "it hangs"]
)
def test_no_library_logs_a_key_at_debug(
    deploy_rotation: Deploy, capsys: pytest.CaptureFixture[str], jwk: dict[str, Any], name: str
) -> None:
    rotation = deploy_rotation(DEADLINE_SECONDS="1" if name == "it hangs" else "20", LOG_LEVEL="DEBUG")
    BREAKS.get(name, (lambda _: None, "", False))[0](rotation.standin)
    with debug_logs_written():
        enable_debug_logs()
        reports = [json.dumps(rotation.rotate()) for _ in range(2)]
    written = capsys.readouterr()
    assert written.err != ""
    assert leaks(rotation.standin, [jwk], *reports, written.out, written.err) == []
