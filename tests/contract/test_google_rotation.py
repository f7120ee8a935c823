"""The key's rotation on Google Cloud, against Secret Manager over gRPC, Selvbetjening and HelseID."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from helseid_fn.context import Context
from helseid_fn.keys.endorsement import endorse
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.rotation.selvbetjening import Registration, Selvbetjening
from standin import faults, make_jwk, public_jwk, secret_faults
from tests.conftest import MovableClock
from tests.support.deployment import CLIENT_ID, OTHER_UNIT, PARENT, at_once, client_of, made
from tests.support.parts import to_number
from tests.support.rotating_function import PENDING, SECRET, Deploy, RotatingFunction

DAY = 86400.0
WITHOUT_KID = json.dumps({name: value for name, value in make_jwk("ES256", fresh=True).items() if name != "kid"})
THIRD_UNIT = {"organization": {"parent": PARENT}}
LIFETIME_DAYS = 180


def test_a_due_key_is_replaced_step_by_step(rotation: RotatingFunction, jwk: dict[str, Any]) -> None:
    report = rotation.rotate()
    assert (report["status"], report["rotation"]) == (200, "rotated")
    (new,) = rotation.new_keys()
    assert (new.kid, new.posted) == (report["kid"], 1)
    assert rotation.readable_kids(SECRET) == [jwk["kid"], new.kid]
    assert rotation.states(PENDING) == ["DESTROYED"]
    assert rotation.standin.signing_kids() == [jwk["kid"], new.kid]
    (posted,) = rotation.standin.exchanges("register")
    assert set(posted.json) == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    kinds = [exchange.kind for exchange in rotation.standin.received]
    assert kinds == [
        *("access", "list"),  # due, and nothing pending
        *("add", "list", "access", "access"),  # created
        *("metadata", "token", "token", "keys", "register"),  # registered, with a token of the key in use
        *("metadata", "token"),  # tested
        "add",  # promoted
        *("list", "destroy", "list"),  # tidied up
    ]


def test_the_new_key_signs_the_next_token_request(rotation: RotatingFunction, jwk: dict[str, Any]) -> None:
    assert rotation.call() == 200
    kid = rotation.rotate()["kid"]
    assert [rotation.call(), rotation.call(OTHER_UNIT), rotation.call(THIRD_UNIT)] == [200, 200, 200]
    assert rotation.standin.signing_kids() == [jwk["kid"], jwk["kid"], kid, kid, kid]
    assert rotation.standin.count("api") == 4


def test_a_key_that_is_not_due_is_left_alone(rotation: RotatingFunction, clock: MovableClock) -> None:
    rotation.rotate()
    rotation.standin.reset_record()
    clock.move(119 * DAY)
    report = rotation.rotate()
    assert (report["status"], report["rotation"], len(rotation.new_keys())) == (200, "not_due", 1)
    # The old version's grace is over, and the key in use obtains a token before that version is removed.
    assert set(made(rotation.standin)) == {"access", "list", "metadata", "token", "destroy"}


def test_a_key_is_due_after_two_thirds_of_its_life(rotation: RotatingFunction, clock: MovableClock) -> None:
    first = rotation.rotate()["kid"]
    clock.move(121 * DAY)
    report = rotation.rotate()
    assert (report["rotation"], [key.kid for key in rotation.new_keys()]) == ("rotated", [first, report["kid"]])
    assert rotation.call() == 200
    assert rotation.standin.signing_kids()[-1] == report["kid"] != first


def test_rotation_due_fraction_sets_when_a_key_is_due(deploy_rotation: Deploy, clock: MovableClock) -> None:
    rotation = deploy_rotation(ROTATION_DUE_FRACTION="0.1")
    rotation.rotate()
    clock.move(17 * DAY)
    assert rotation.rotate()["rotation"] == "not_due"
    clock.move(2 * DAY)
    assert rotation.rotate()["rotation"] == "rotated"


def test_every_log_line_says_when_the_key_expires(rotation: RotatingFunction, clock: MovableClock) -> None:
    rotation.rotate()
    lines = [rotation.line()]
    for advance, run in ((0.0, rotation.call), (300.0, rotation.call), (DAY, rotation.rotate)):
        clock.move(advance)
        run()
        lines.append(rotation.line())
    (key,) = rotation.new_keys()
    assert [line["key_expires_in_days"] for line in lines] == [LIFETIME_DAYS, LIFETIME_DAYS, LIFETIME_DAYS, LIFETIME_DAYS - 1]
    assert {line["key_expires"] for line in lines} == {"2027-07-14T08:00:00Z"}
    assert {line["kid"] for line in lines} == {key.kid}
    assert lines[2]["requests"] == {"secret_store": 0, "helseid": 0, "api": 1}, "its token was cached"


def test_a_log_line_says_that_an_expiry_is_unknown(rotation: RotatingFunction) -> None:
    rotation.call()
    line = rotation.line()
    assert [name for name in line if name.startswith("key_expires")] == ["key_expires_unknown"]
    assert line["key_expires_unknown"] is True


def use_key_of_today(rotation: RotatingFunction, jwk: dict[str, Any], clock: MovableClock) -> dict[str, Any]:
    made_today = {**jwk, "iat": int(clock())}
    rotation.standin.secret_manager.add(SECRET, json.dumps(made_today))
    return made_today


def test_an_expiry_that_selvbetjening_knows_is_stored(
    rotation: RotatingFunction, jwk: dict[str, Any], clock: MovableClock
) -> None:
    made_today = use_key_of_today(rotation, jwk, clock)
    (registered,) = rotation.standin.registered_keys(CLIENT_ID)
    registered.expires_at = clock() + 30 * DAY
    for run in (rotation.rotate, rotation.call, rotation.rotate):
        run()
        line = rotation.line()
        assert (line["key_expires_in_days"], "key_expires_assumed" in line) == (30, False)
    versions = rotation.standin.secret_manager.versions(SECRET)
    assert [version.jwk for version in versions[1:]] == [made_today, {**made_today, "exp": int(registered.expires_at)}]
    assert rotation.standin.count("keys") == 1


@pytest.mark.parametrize("fault", [None, faults.Status(500), faults.Status(404)], ids=["no expiry", "fails", "no list"])
def test_an_expiry_that_selvbetjening_does_not_tell_is_assumed(
    rotation: RotatingFunction, jwk: dict[str, Any], clock: MovableClock, fault: faults.Fault | None
) -> None:
    use_key_of_today(rotation, jwk, clock)
    if fault is not None:
        rotation.standin.selvbetjening.fail_always("keys", fault)
    assert (rotation.rotate()["rotation"], rotation.standin.count("keys") >= 1) == ("not_due", True)
    line = rotation.line()
    assert (line["key_expires_in_days"], line["key_expires_assumed"], "key_expires" in line) == (90, True, False)
    assert len(rotation.standin.secret_manager.versions(SECRET)) == 2


def test_a_key_added_while_selvbetjening_is_asked_stays_the_newest(
    rotation: RotatingFunction, jwk: dict[str, Any], clock: MovableClock
) -> None:
    made_today = use_key_of_today(rotation, jwk, clock)
    (registered,) = rotation.standin.registered_keys(CLIENT_ID)
    registered.expires_at = clock() + 30 * DAY
    ask = Selvbetjening.find

    def ask_while_somebody_adds(selvbetjening: Selvbetjening, kid: str, ctx: Context) -> Registration | None:
        rotation.standin.secret_manager.add(SECRET, json.dumps({**made_today, "use": "sig", "by": "hand"}))
        return ask(selvbetjening, kid, ctx)

    with mock.patch.object(Selvbetjening, "find", ask_while_somebody_adds):
        assert rotation.rotate()["rotation"] == "not_due"
    assert (rotation.standin.secret_manager.versions(SECRET)[-1].jwk or {})["by"] == "hand"


def test_new_keys_are_rsa_of_4096_bits_for_ps256_by_default(deploy_rotation: Deploy) -> None:
    rotation = deploy_rotation(ROTATION_ALG="")
    kid = rotation.rotate()["kid"]
    (key,) = rotation.new_keys()
    assert (key.jwk["alg"], to_number(key.jwk["n"]).bit_length()) == ("PS256", 4096)
    assert rotation.call() == 200
    assert rotation.standin.signing_kids()[-1] == kid


@pytest.mark.parametrize("alg", ["ES384", "ES512"])
def test_rotation_alg_sets_the_kind_of_new_keys(deploy_rotation: Deploy, alg: str) -> None:
    rotation = deploy_rotation(ROTATION_ALG=alg)
    rotation.rotate()
    assert [key.jwk["alg"] for key in rotation.new_keys()] == [alg]
    assert rotation.call() == 200


def test_a_new_key_is_given_time_until_helseid_knows_it(rotation: RotatingFunction) -> None:
    rotation.standin.selvbetjening.settings.activation_seconds = 6
    assert rotation.rotate()["rotation"] == "rotated"
    assert rotation.pauses == [1, 2, 4]
    assert rotation.call() == 200


def test_a_key_that_stays_refused_is_promoted_by_a_later_run(
    rotation: RotatingFunction, jwk: dict[str, Any], clock: MovableClock
) -> None:
    rotation.standin.selvbetjening.settings.activation_seconds = 60
    problem = rotation.rotate()
    assert (problem["status"], problem["code"]) == (500, "rotation.new_key_refused")
    assert 20 <= sum(rotation.pauses) <= 24
    assert rotation.readable_kids(SECRET) == [jwk["kid"]]
    assert rotation.call() == 200
    clock.move(60)
    report = rotation.rotate()
    (new,) = rotation.new_keys()
    assert (report["rotation"], report["kid"], new.posted) == ("rotated", new.kid, 1)


def test_a_run_uses_no_more_time_than_it_has(deploy_rotation: Deploy) -> None:
    rotation = deploy_rotation(DEADLINE_SECONDS="0.9")
    rotation.standin.selvbetjening.settings.activation_seconds = 60
    assert rotation.rotate()["code"] == "rotation.new_key_refused"
    assert rotation.pauses == []


def test_rotations_at_once_in_threads_register_one_key(rotation: RotatingFunction, jwk: dict[str, Any]) -> None:
    reports = at_once(4, rotation.rotate)
    assert {report["status"] for report in reports} == {200}
    (new,) = rotation.new_keys()
    assert "rotated" in {report["rotation"] for report in reports}
    assert set(rotation.readable_kids(SECRET)) == {jwk["kid"], new.kid}
    assert set(rotation.states(PENDING)) == {"DESTROYED"}
    assert rotation.call() == 200
    assert rotation.standin.signing_kids()[-1] == new.kid


def test_a_key_promoted_by_another_run_is_not_followed_by_one(rotation: RotatingFunction) -> None:
    """The other run finishes after this one has read the key in use and before it reads the pending key."""
    original = rotation.standin.secret_manager.vault.add
    raced: list[str] = []

    def add(name: str, data: bytes, **options: Any) -> Any:
        if name == PENDING and not raced:
            raced.append(name)
            rotation.rotate()
        return original(name, data, **options)

    rotation.standin.secret_manager.vault.add = add  # type: ignore[method-assign]
    report = rotation.rotate()
    (new,) = rotation.new_keys()
    assert (raced, report["rotation"], report["kid"]) == ([PENDING], "not_due", new.kid)
    assert set(rotation.states(PENDING)) == {"DESTROYED"}


def test_an_expired_key_yields_the_public_key_to_register(rotation: RotatingFunction, jwk: dict[str, Any]) -> None:
    rotation.standin.expire_key(jwk["kid"])
    report = rotation.rotate()
    assert (report["status"], report["code"]) == (500, "rotation.current_key_refused")
    shown = json.loads(report["detail"][report["detail"].index("{") :])
    assert set(shown) == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    assert rotation.readable_kids(PENDING) == [shown["kid"]]
    assert rotation.rotate()["detail"] == report["detail"], "the key to register stays the same"
    rotation.standin.register(client_of(jwk, jwks=[public_jwk(jwk), shown]))
    rotation.standin.expire_key(jwk["kid"])
    report = rotation.rotate()
    assert (report["rotation"], report["kid"]) == ("rotated", shown["kid"])
    assert rotation.call() == 200
    assert rotation.standin.count("register") == 0


@pytest.mark.parametrize(
    "text",
    ["{", "", " ", '{"kty": "EC"}', json.dumps(public_jwk(make_jwk("ES256"))), WITHOUT_KID],
    ids=["cut", "empty", "blank", "no key", "public", "no kid"],
)
def test_a_broken_pending_key_is_named_with_the_remedy(rotation: RotatingFunction, text: str) -> None:
    broken = rotation.standin.secret_manager.add(PENDING, text or "\n")
    report = rotation.rotate()
    assert (report["status"], report["code"]) == (500, "rotation.pending_unusable")
    assert "gcloud secrets versions destroy VERSION --secret=helseid-key-pending --project=p (" in report["detail"]
    assert "gcloud secrets versions list helseid-key-pending --project=p)" in report["detail"]
    assert rotation.call() == 200
    rotation.standin.secret_manager.destroy(broken)
    assert rotation.rotate()["rotation"] == "rotated"


@pytest.mark.parametrize("made_by", ["nobody", "another key", "another client", "another secret"])
def test_a_pending_key_of_somebody_else_is_not_registered(
    rotation: RotatingFunction, jwk: dict[str, Any], made_by: str
) -> None:
    by = parse_signing_key(json.dumps(make_jwk("ES256", fresh=True) if made_by == "another key" else jwk))
    client = "another-client" if made_by == "another client" else CLIENT_ID
    secret = "projects/p/secrets/another" if made_by == "another secret" else SECRET
    text = json.dumps(make_jwk("ES256", fresh=True))
    rotation.standin.secret_manager.add(
        PENDING, text if made_by == "nobody" else endorse(text, by, f"{client} {secret}/versions/latest")
    )
    report = rotation.rotate()
    assert (report["status"], report["code"]) == (500, "rotation.pending_not_ours")
    assert "gcloud secrets versions destroy VERSION" in report["detail"]
    assert (rotation.standin.count("register"), rotation.new_keys(), rotation.readable_kids(SECRET)) == (0, [], [jwk["kid"]])


def test_selvbetjening_is_asked_without_an_organization(rotation: RotatingFunction) -> None:
    """A customer who withdraws the delegation must not stop the rotation of a multi-tenant client's key."""
    rotation.rotate()
    named = ["assertion_details" in exchange.claims["assertion"] for exchange in rotation.standin.exchanges("token")]
    assert named == [False, False, True], "for Selvbetjening, again with HelseID's nonce, and to test the new key"


def test_the_organization_is_named_if_helseid_demands_it(rotation: RotatingFunction) -> None:
    helseid = rotation.standin.helseid
    helseid.settings = replace(helseid.settings, organization_always_required=True)
    assert rotation.rotate()["rotation"] == "rotated"
    named = ["assertion_details" in exchange.claims["assertion"] for exchange in rotation.standin.exchanges("token")]
    assert named == [False, True, True, True]


def test_an_expired_pending_key_is_not_promoted(rotation: RotatingFunction, clock: MovableClock, jwk: dict[str, Any]) -> None:
    rotation.standin.secret_manager.fail_next("add", secret_faults.Fail(), after=1)
    rotation.rotate()
    clock.move((LIFETIME_DAYS + 1) * DAY)
    assert rotation.rotate()["code"] == "rotation.pending_unusable"
    assert rotation.readable_kids(SECRET) == [jwk["kid"]]
    for version in rotation.standin.secret_manager.versions(PENDING):
        rotation.standin.secret_manager.destroy(version.name)
    assert (rotation.rotate()["rotation"], len(rotation.new_keys())) == ("rotated", 2)


def test_a_disabled_pending_key_is_skipped_and_destroyed(rotation: RotatingFunction) -> None:
    rotation.standin.secret_manager.disable(rotation.standin.secret_manager.add(PENDING, "{"))
    assert rotation.rotate()["rotation"] == "rotated"
    assert rotation.states(PENDING) == ["DESTROYED", "DESTROYED"]


@pytest.mark.parametrize(
    ("settings", "hours", "states"),
    [
        ({}, 23, ["ENABLED", "ENABLED"]),
        ({}, 25, ["DISABLED", "ENABLED"]),
        ({}, 24 * 30 + 23, ["DISABLED", "ENABLED"]),
        ({}, 24 * 30 + 25, ["DESTROYED", "ENABLED"]),
        ({"ROTATION_GRACE_HOURS": "2"}, 3, ["DISABLED", "ENABLED"]),
        ({"ROTATION_GRACE_HOURS": "0", "ROTATION_DESTROY_AFTER_DAYS": "0"}, 0, ["DESTROYED", "ENABLED"]),
        ({"ROTATION_DESTROY_AFTER_DAYS": "1"}, 50, ["DESTROYED", "ENABLED"]),
    ],
)
def test_a_replaced_version_is_retired_as_the_settings_say(
    deploy_rotation: Deploy, clock: MovableClock, settings: dict[str, str], hours: float, states: list[str]
) -> None:
    rotation = deploy_rotation(**settings)
    rotation.rotate()
    clock.move(hours * 3600)
    rotation.rotate()
    rotation.rotate()
    assert rotation.states(SECRET) == states
    assert rotation.call() == 200


def test_the_key_in_use_stays_while_no_other_replaces_it(rotation: RotatingFunction, clock: MovableClock) -> None:
    rotation.rotate()
    rotation.standin.selvbetjening.stop()
    clock.move(170 * DAY)
    rotation.rotate()
    assert rotation.states(SECRET)[-1] == "ENABLED"
    assert rotation.call() == 200


def test_no_version_is_retired_for_one_that_helseid_refuses(
    rotation: RotatingFunction, clock: MovableClock, jwk: dict[str, Any]
) -> None:
    unknown = make_jwk("ES256", fresh=True) | {"iat": int(clock())}
    rotation.standin.secret_manager.add(SECRET, json.dumps(unknown))
    clock.move(40 * DAY)
    assert rotation.rotate()["code"] == "helseid.refused.invalid_client"
    assert rotation.readable_kids(SECRET) == [jwk["kid"], unknown["kid"]]


def test_a_rollback_by_hand_lasts(rotation: RotatingFunction, clock: MovableClock) -> None:
    """The newest version has been disabled by hand, so nothing is changed."""
    rotation.rotate()
    rotation.standin.secret_manager.disable(f"{SECRET}/versions/2")
    clock.move(40 * DAY)
    assert rotation.rotate()["code"] == "secret_manager.refused.disabled"
    assert rotation.states(SECRET) == ["ENABLED", "DISABLED"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"SELVBETJENING_URL": ""}, "SELVBETJENING_URL"),
        ({"HELSEID_PENDING_KEY": ""}, "HELSEID_PENDING_KEY"),
        ({"HELSEID_PENDING_KEY": SECRET}, "HELSEID_PENDING_KEY"),
        ({"HELSEID_KEY": f"{SECRET}/versions/1"}, "/versions/latest"),
    ],
)
def test_a_missing_setting_is_named(deploy_rotation: Deploy, settings: dict[str, str], named: str) -> None:
    rotation = deploy_rotation(**settings)
    report = rotation.rotate()
    assert (report["status"], report["code"]) == (500, "rotation.not_set_up")
    assert named in report["detail"]
    assert made(rotation.standin) == {}
    assert rotation.call() == 200


def test_a_key_in_a_file_is_not_rotated(deploy_rotation: Deploy, key_file: Path) -> None:
    rotation = deploy_rotation(HELSEID_KEY=f"file:{key_file}")
    assert rotation.rotate()["code"] == "rotation.not_set_up"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_a_post_starts_a_rotation(rotation: RotatingFunction, method: str) -> None:
    report = rotation.rotate(method)
    assert (report["status"], report["code"]) == (400, "invocation.method")
    assert made(rotation.standin) == {}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/.env", 404), ("/rotate", 404)])
def test_another_path_starts_no_rotation(rotation: RotatingFunction, path: str, status: int, method: str) -> None:
    report = rotation.rotate(method, path)
    assert ("rotation" in report, report["status"]) == (False, status)
    assert made(rotation.standin) == {}


def test_a_missing_pending_secret_is_named_with_the_remedy(deploy_rotation: Deploy) -> None:
    rotation = deploy_rotation(HELSEID_PENDING_KEY="projects/p/secrets/elsewhere")
    report = rotation.rotate()
    assert report["code"] == "secret_manager.refused.not_found"
    assert "HELSEID_PENDING_KEY" in report["detail"]
    assert "gcloud secrets create elsewhere --project=p" in report["detail"]


def test_selvbetjening_may_ask_for_a_nonce(rotation: RotatingFunction) -> None:
    rotation.standin.selvbetjening.settings.nonce_required = True
    assert rotation.rotate()["rotation"] == "rotated"
    assert [key.posted for key in rotation.new_keys()] == [1]


def test_no_call_fails_during_a_rotation(rotation: RotatingFunction) -> None:
    """Before each response to the rotation, a call is made for which no token is cached."""
    statuses: list[int] = []
    begin = rotation.standin.record.begin

    def call_in_between(exchange: Any) -> Any:
        begun = begin(exchange)
        if not busy:
            busy.append(True)
            rotation.standin.api.revoke(rotation.standin.helseid.issued)
            statuses.append(rotation.call())
            busy.clear()
        return begun

    busy: list[bool] = []
    rotation.standin.record.begin = call_in_between  # type: ignore[method-assign]
    assert rotation.rotate()["rotation"] == "rotated"
    assert len(statuses) >= 16
    assert set(statuses) == {200}
