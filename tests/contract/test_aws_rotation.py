"""Key rotation on AWS: Secrets Manager's protocol, step by step, against moto, Selvbetjening and HelseID."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest

from helseid_fn.errors import HelseidFnError
from helseid_fn.keys.endorsement import endorse
from helseid_fn.keys.signing_key import parse_signing_key
from helseid_fn.rotation.aws import STEPS
from standin import StandIn, faults, make_jwk, public_jwk
from standin.aws.quick_clients import share_models
from standin.aws.secrets_manager import Extension, SecretsManager
from standin.aws.server import refuse
from standin.registered_keys import RegisteredKey
from tests.conftest import MovableClock
from tests.support.deployment import (
    CLIENT_ID,
    OTHER_UNIT,
    Function,
    LambdaContext,
    client_of,
    fragments_of,
    log_lines,
)
from tests.support.faults.secrecy import debug_logs_written, enable_debug_logs, leaks

DAY = 86400.0
WRITES = {"PutSecretValue", "UpdateSecretVersionStage"}


class OnAws:
    """The rotating function and the one whose key it replaces, Secrets Manager between them, on one clock."""

    def __init__(self, standin: StandIn, manager: SecretsManager, arn: str, function: Function, clock: MovableClock) -> None:
        self.standin, self.manager, self.arn, self.function, self.clock = standin, manager, arn, function, clock
        self.raised: list[str] = []

    def step(self, name: str, version: str, **members: object) -> str:
        """Do one step, and return what it did, or the code of the error that it raised."""
        event = {"Step": name, "SecretId": self.arn, "ClientRequestToken": version, **members}
        try:
            return str(self.function.module.rotate_lambda(event, LambdaContext())["rotation"])
        except HelseidFnError as error:
            self.raised.append(f"{error!r} {error} {error.__cause__!r} {error.__context__!r} {vars(error)}")
            return error.code

    def rotate(self, version: str | None = None) -> list[str]:
        """Do every step as Secrets Manager does: in order, up to the first that fails."""
        version, done = version or self.manager.reserve(self.arn), []
        for name in STEPS:
            done.append(self.step(name, version))
            if "." in done[-1]:
                break
        return done

    def call(self, members: object = None) -> int:
        """Call the function and return the status."""
        return self.function.call(members).status_code

    def labels(self) -> list[list[str]]:
        """Return the labels of each version, the current version last."""
        return sorted(self.manager.labels(self.arn).values(), key=lambda labels: "AWSCURRENT" in labels)

    def new_keys(self) -> list[RegisteredKey]:
        """Return the keys that were registered in Selvbetjening by a program."""
        return [key for key in self.standin.registered_keys(CLIENT_ID) if key.origin == "Api"]


Deploy = Callable[..., OnAws]


@pytest.fixture(scope="module")
def manager() -> Iterator[SecretsManager]:
    with SecretsManager() as manager:
        yield manager


@pytest.fixture(autouse=True)
def healthy(manager: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(botocore.session, "create_loader", botocore.session.create_loader)
    share_models()
    yield
    manager.forget_faults()
    manager.operations = {"GetSecretValue"}


@pytest.fixture
def deploy_on_aws(
    manager: SecretsManager,
    start_standin: Callable[..., StandIn],
    deploy: Callable[..., Function],
    clock: MovableClock,
    jwk: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Deploy]:
    """Return a function that deploys both functions; when the test ends, no output may contain a secret."""
    deployed: list[OnAws] = []

    def start(**settings: str) -> OnAws:
        standin, arn = start_standin(clock=clock), manager.add(json.dumps(jwk))
        environment = {**manager.environment(arn), "ROTATION_ALG": "ES256", **settings}
        function = deploy(standin, now=clock, sleep=clock.move, **environment)
        deployed.append(OnAws(standin, manager, arn, function, clock))
        return deployed[-1]

    yield start
    written = capsys.readouterr()
    for each in deployed:
        output = [written.out, written.err, *each.raised]
        secrets = fragments_of([*each.standin.secrets(), *private_texts(each)], jwk)
        assert [piece for piece in secrets if any(piece in text for text in output)] == []


def private_texts(on_aws: OnAws) -> list[str]:
    """Return the private member of every key in Secrets Manager."""
    client = on_aws.manager.client
    texts: list[str] = []
    for version in on_aws.manager.labels(on_aws.arn):
        try:
            texts.append(json.loads(client.get_secret_value(SecretId=on_aws.arn, VersionId=version)["SecretString"])["d"])
        except (client.exceptions.ResourceNotFoundException, ValueError, KeyError):
            continue
    return texts


@pytest.fixture
def on_aws(deploy_on_aws: Deploy) -> OnAws:
    return deploy_on_aws()


@pytest.fixture
def lines(on_aws: OnAws, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that returns the log lines with an outcome since its last call."""

    def read() -> list[dict[str, Any]]:
        out = capsys.readouterr().out
        on_aws.raised.append(out)
        return [line for line in log_lines(out) if "outcome" in line]

    return read


def test_the_four_steps_replace_a_key_that_is_due(on_aws: OnAws, jwk: dict[str, Any]) -> None:
    assert on_aws.rotate() == ["created", "registered", "tested", "rotated"]
    (new,) = on_aws.new_keys()
    assert on_aws.labels() == [["AWSPREVIOUS"], ["AWSCURRENT", "expires-20270714T080000Z"]]
    current = json.loads(on_aws.manager.current(on_aws.arn)["SecretString"])
    assert (current["kid"], new.posted) == (new.kid, 1)
    previous = on_aws.manager.client.get_secret_value(SecretId=on_aws.arn, VersionStage="AWSPREVIOUS")
    assert json.loads(previous["SecretString"]) == jwk


def test_the_new_key_signs_the_next_token_request(on_aws: OnAws, jwk: dict[str, Any]) -> None:
    on_aws.call()
    on_aws.rotate()
    (new,) = on_aws.new_keys()
    assert [on_aws.call(), on_aws.call(OTHER_UNIT)] == [200, 200]
    assert on_aws.standin.signing_kids() == [jwk["kid"], jwk["kid"], *[new.kid] * 3], "tested twice: the last step does too"


def test_the_key_in_use_is_as_it_was_until_the_last_step(on_aws: OnAws, jwk: dict[str, Any]) -> None:
    version = on_aws.manager.reserve(on_aws.arn)
    for name in STEPS[:3]:
        on_aws.step(name, version)
        on_aws.standin.revoke_tokens()
        assert on_aws.call() == 200
    assert set(on_aws.standin.signing_kids()) == {jwk["kid"], on_aws.new_keys()[0].kid}
    assert on_aws.standin.signing_kids()[-1] == jwk["kid"]


def test_a_log_line_names_the_step_and_the_keys_expiry(on_aws: OnAws, lines: Callable[[], list[dict[str, Any]]]) -> None:
    on_aws.rotate()
    steps = [(line["rotation_step"], line["rotation"], line["request_id"]) for line in lines()]
    assert steps == [
        (step, done, "request-1") for step, done in zip(STEPS, ["created", "registered", "tested", "rotated"], strict=True)
    ]
    on_aws.rotate()
    on_aws.call()
    on_aws.call()
    later = lines()
    assert [line["key_expires_in_days"] for line in later] == [180.0] * 6
    assert {line["key_expires"] for line in later} == {"2027-07-14T08:00:00Z"}
    assert later[-1]["requests"]["helseid"] == 0, "its token was cached"


def test_the_extension_knows_the_expiry_too(
    on_aws: OnAws, deploy: Callable[..., Function], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    on_aws.rotate()
    with Extension(on_aws.manager, on_aws.clock) as extension:
        function = deploy(on_aws.standin, now=on_aws.clock, **extension.environment(on_aws.arn))
        assert function.call().status_code == 200
        assert len(extension.reads) == 1
    assert lines()[-1]["key_expires_in_days"] == 180.0


def test_a_key_that_is_not_due_is_carried_over(on_aws: OnAws) -> None:
    on_aws.rotate()
    before = on_aws.manager.current(on_aws.arn)
    on_aws.clock.move(100 * DAY)
    assert on_aws.rotate() == ["not_due", "not_due", "tested", "not_due"]
    after = on_aws.manager.current(on_aws.arn)
    assert json.loads(after["SecretString"])["kid"] == json.loads(before["SecretString"])["kid"]
    assert after["VersionId"] != before["VersionId"]
    assert on_aws.labels() == [["AWSPREVIOUS"], ["AWSCURRENT"]]
    assert json.loads(after["SecretString"])["exp"] == 1_815_552_000
    assert len(on_aws.new_keys()) == 1


def test_a_carried_over_key_has_the_expiry_that_selvbetjening_knows(
    on_aws: OnAws, jwk: dict[str, Any], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    on_aws.manager.replace(on_aws.arn, json.dumps({**jwk, "iat": int(on_aws.clock())}))
    (registered,) = on_aws.standin.registered_keys(CLIENT_ID)
    registered.expires_at = on_aws.clock() + 30 * DAY
    assert on_aws.rotate() == ["not_due", "not_due", "tested", "not_due"]
    assert json.loads(on_aws.manager.current(on_aws.arn)["SecretString"])["exp"] == int(registered.expires_at)
    on_aws.call()
    assert (lines()[-1]["key_expires_in_days"], on_aws.standin.count("keys")) == (30, 1)


def test_a_key_without_any_time_is_as_old_as_its_version(
    on_aws: OnAws, deploy: Callable[..., Function], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    stored_at = on_aws.manager.current(on_aws.arn)["CreatedDate"].timestamp()
    expected = round(90 + (int(stored_at) - on_aws.clock()) / DAY, 2)
    on_aws.call()
    with Extension(on_aws.manager, on_aws.clock) as extension:
        deploy(on_aws.standin, now=on_aws.clock, **extension.environment(on_aws.arn)).call()
        assert len(extension.reads) == 1
    for line in lines()[-2:]:
        assert (line["key_expires_in_days"], line["key_expires_assumed"]) == (expected, True)


def test_a_key_that_was_carried_over_is_replaced_when_it_is_due(on_aws: OnAws) -> None:
    on_aws.rotate()
    on_aws.clock.move(100 * DAY)
    on_aws.rotate()
    on_aws.clock.move(21 * DAY)
    assert on_aws.rotate()[-1] == "rotated"
    assert [key.posted for key in on_aws.new_keys()] == [1, 1]
    assert on_aws.call() == 200


def test_a_second_rotation_leaves_no_label_on_an_old_version(on_aws: OnAws) -> None:
    on_aws.rotate()
    on_aws.clock.move(121 * DAY)
    assert on_aws.rotate() == ["created", "registered", "tested", "rotated"]
    assert on_aws.labels() == [["AWSPREVIOUS"], ["AWSCURRENT", "expires-20271112T080000Z"]]
    assert on_aws.call() == 200
    assert on_aws.standin.signing_kids()[-1] == on_aws.new_keys()[-1].kid


def test_a_step_that_is_repeated_changes_nothing(on_aws: OnAws) -> None:
    version = on_aws.manager.reserve(on_aws.arn)
    assert [on_aws.step(name, version) for name in STEPS for _ in range(3)] == [
        *["created"] * 3,
        *["registered"] * 3,
        *["tested"] * 3,
        *["rotated", "done", "done"],
    ]
    assert [key.posted for key in on_aws.new_keys()] == [1]
    assert on_aws.labels() == [["AWSPREVIOUS"], ["AWSCURRENT", "expires-20270714T080000Z"]]


def test_a_repeated_rotation_goes_on_with_the_same_key(on_aws: OnAws) -> None:
    on_aws.standin.selvbetjening.settings.activation_seconds = 60
    version = on_aws.manager.reserve(on_aws.arn)
    assert on_aws.rotate(version) == ["created", "registered", "rotation.new_key_refused"]
    assert on_aws.call() == 200
    on_aws.clock.move(60)
    assert on_aws.rotate(version) == ["created", "registered", "tested", "rotated"]
    assert [key.posted for key in on_aws.new_keys()] == [1]


def test_a_late_step_leaves_the_next_pending_key_alone(on_aws: OnAws) -> None:
    first = on_aws.manager.reserve(on_aws.arn)
    on_aws.rotate(first)
    on_aws.clock.move(121 * DAY)
    second = on_aws.manager.reserve(on_aws.arn)
    assert [on_aws.step(name, second) for name in STEPS[:2]] == ["created", "registered"]
    assert on_aws.step("finishSecret", first) == "done"
    assert set(on_aws.manager.labels(on_aws.arn)[second]) == {"AWSPENDING", "expires-20271112T080000Z"}


def test_of_two_first_steps_at_once_the_first_key_stays(on_aws: OnAws, jwk: dict[str, Any]) -> None:
    """AWS refuses to store another text under an existing id; moto would accept it."""
    version, by = on_aws.manager.reserve(on_aws.arn), parse_signing_key(json.dumps(jwk))
    first = endorse(json.dumps(make_jwk("ES256", fresh=True)), by, f"{CLIENT_ID} {on_aws.arn}")

    def rotate_first(environ: dict[str, Any], start_response: Any) -> Any:
        client = on_aws.manager.client
        client.put_secret_value(
            SecretId=on_aws.arn, ClientRequestToken=version, SecretString=first, VersionStages=["AWSPENDING"]
        )
        return refuse(400, "ResourceExistsException")(environ, start_response)

    on_aws.manager.operations = {"PutSecretValue"}
    on_aws.manager.fail_next(rotate_first)
    assert on_aws.rotate(version) == ["created", "registered", "tested", "rotated"]
    assert on_aws.manager.current(on_aws.arn)["SecretString"] == first


def test_a_secret_whose_rotation_is_off_is_refused(on_aws: OnAws) -> None:
    assert on_aws.step("createSecret", "0" * 36) == "rotation.event"
    assert "on in Secrets Manager" in on_aws.raised[-1]


def test_a_version_that_was_not_reserved_is_refused(on_aws: OnAws) -> None:
    on_aws.manager.reserve(on_aws.arn)
    assert on_aws.step("createSecret", "0" * 36) == "rotation.event"
    assert "ClientRequestToken" in on_aws.raised[-1]


def test_a_version_that_is_not_pending_is_refused(on_aws: OnAws) -> None:
    on_aws.rotate()
    on_aws.manager.reserve(on_aws.arn)
    (previous,) = (version for version, labels in on_aws.manager.labels(on_aws.arn).items() if "AWSPREVIOUS" in labels)
    assert on_aws.step("createSecret", previous) == "rotation.event"
    assert "not labelled AWSPENDING" in on_aws.raised[-1]


def test_the_test_of_an_empty_version_is_a_success(on_aws: OnAws, lines: Callable[[], list[dict[str, Any]]]) -> None:
    assert on_aws.step("testSecret", on_aws.manager.reserve(on_aws.arn)) == "ready"
    (line,) = lines()
    assert (line["outcome"], line["message"], line["severity"]) == ("ok", "Key rotation: ready.", "INFO")
    assert on_aws.standin.received == []


@pytest.mark.parametrize("name", ["setSecret", "finishSecret"])
def test_a_step_before_the_first_is_refused(on_aws: OnAws, name: str) -> None:
    assert on_aws.step(name, on_aws.manager.reserve(on_aws.arn)) == "rotation.event"
    assert "createSecret has not stored one" in on_aws.raised[-1]


@pytest.mark.parametrize("steps", [STEPS[:1], STEPS[:2]], ids=["not registered", "not known yet"])
def test_a_last_step_out_of_turn_promotes_no_unproven_key(on_aws: OnAws, jwk: dict[str, Any], steps: tuple[str, ...]) -> None:
    on_aws.standin.selvbetjening.settings.activation_seconds = 60
    version = on_aws.manager.reserve(on_aws.arn)
    for name in steps:
        on_aws.step(name, version)
    assert on_aws.step("finishSecret", version) == "rotation.new_key_refused"
    assert json.loads(on_aws.manager.current(on_aws.arn)["SecretString"]) == jwk


def test_a_pending_key_of_somebody_else_is_not_registered(on_aws: OnAws, jwk: dict[str, Any]) -> None:
    version = on_aws.manager.reserve(on_aws.arn)
    on_aws.manager.client.put_secret_value(
        SecretId=on_aws.arn,
        ClientRequestToken=version,
        SecretString=json.dumps(make_jwk("ES256", fresh=True)),
        VersionStages=["AWSPENDING"],
    )
    assert on_aws.rotate(version) == ["created", "rotation.pending_not_ours"]
    assert (on_aws.standin.count("register"), on_aws.new_keys()) == (0, [])
    assert json.loads(on_aws.manager.current(on_aws.arn)["SecretString"]) == jwk


def test_a_registered_key_of_somebody_else_is_not_promoted(on_aws: OnAws, jwk: dict[str, Any]) -> None:
    theirs, version = make_jwk("ES256", fresh=True), on_aws.manager.reserve(on_aws.arn)
    on_aws.standin.register(client_of(jwk, jwks=[public_jwk(jwk), public_jwk(theirs)]))
    on_aws.manager.client.put_secret_value(
        SecretId=on_aws.arn, ClientRequestToken=version, SecretString=json.dumps(theirs), VersionStages=["AWSPENDING"]
    )
    assert on_aws.step("finishSecret", version) == "rotation.pending_not_ours"
    assert json.loads(on_aws.manager.current(on_aws.arn)["SecretString"]) == jwk


def test_a_last_step_that_comes_late_puts_back_no_replaced_key(on_aws: OnAws) -> None:
    on_aws.rotate()
    on_aws.clock.move(DAY)
    version, by_hand = on_aws.manager.reserve(on_aws.arn), make_jwk("ES256", fresh=True)
    assert [on_aws.step(name, version) for name in STEPS[:3]] == ["not_due", "not_due", "tested"]
    client = on_aws.manager.client
    replaced = on_aws.manager.current(on_aws.arn)["VersionId"]
    stored = client.put_secret_value(SecretId=on_aws.arn, SecretString=json.dumps(by_hand), VersionStages=["by-hand"])
    client.update_secret_version_stage(
        SecretId=on_aws.arn,
        VersionStage="AWSCURRENT",
        RemoveFromVersionId=replaced,
        MoveToVersionId=stored["VersionId"],
    )
    assert on_aws.step("finishSecret", version) == "rotation.pending_not_ours"
    assert json.loads(on_aws.manager.current(on_aws.arn)["SecretString"]) == by_hand


def test_a_step_for_another_secret_is_refused(on_aws: OnAws) -> None:
    version = on_aws.manager.reserve(on_aws.arn)
    assert on_aws.step("createSecret", version, SecretId=on_aws.manager.add("{}")) == "rotation.event"


def test_an_event_may_name_the_secret_without_its_suffix(on_aws: OnAws) -> None:
    name = on_aws.manager.client.describe_secret(SecretId=on_aws.arn)["Name"]
    assert on_aws.step("createSecret", on_aws.manager.reserve(on_aws.arn), SecretId=name) == "created"


@pytest.mark.parametrize("text", ["{", '{"kty": "EC"}', "\x00"], ids=repr)
def test_a_broken_pending_key_is_named_with_the_remedy(on_aws: OnAws, text: str) -> None:
    version = on_aws.manager.reserve(on_aws.arn)
    on_aws.manager.client.put_secret_value(
        SecretId=on_aws.arn, ClientRequestToken=version, SecretString=text, VersionStages=["AWSPENDING"]
    )
    assert on_aws.rotate(version) == ["created", "rotation.pending_unusable"]
    command = f"update-secret-version-stage --region eu-north-1 --secret-id {on_aws.arn} --version-stage AWSPENDING"
    assert command in on_aws.raised[-1]
    assert on_aws.call() == 200


def test_a_refused_key_without_a_kid_ends_the_rotation(on_aws: OnAws, jwk: dict[str, Any]) -> None:
    nameless = {name: value for name, value in jwk.items() if name != "kid"} | {"iat": int(on_aws.clock())}
    version = on_aws.manager.reserve(on_aws.arn)
    on_aws.manager.client.put_secret_value(SecretId=on_aws.arn, SecretString=json.dumps(nameless))
    on_aws.standin.expire_key(jwk["kid"])
    assert on_aws.rotate(version) == ["not_due", "not_due", "rotation.new_key_refused"]


def test_an_expired_key_yields_the_public_key_to_register(on_aws: OnAws, jwk: dict[str, Any]) -> None:
    version = on_aws.manager.reserve(on_aws.arn)
    on_aws.standin.expire_key(jwk["kid"])
    assert on_aws.rotate(version) == ["created", "rotation.current_key_refused"]
    shown = json.loads(on_aws.raised[-1][on_aws.raised[-1].index('{"kty"') :].partition("}")[0] + "}")
    assert set(shown) == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    on_aws.standin.register(client_of(shown))
    assert on_aws.rotate(version) == ["created", "registered", "tested", "rotated"]
    assert on_aws.labels() == [["AWSPREVIOUS"], ["AWSCURRENT"]], "a key that was registered by hand does not expire"
    assert on_aws.call() == 200


# The write that fails, and whether it was processed anyway.
@pytest.mark.parametrize("is_carried_out", [False, True], ids=["not carried out", "carried out"])
@pytest.mark.parametrize("write", range(4))
def test_one_failed_write_is_repeated_within_the_step(on_aws: OnAws, write: int, *, is_carried_out: bool) -> None:
    on_aws.manager.operations = WRITES
    on_aws.manager.fail_after(write, handled=is_carried_out)
    assert on_aws.rotate() == ["created", "registered", "tested", "rotated"]
    assert on_aws.labels() == [["AWSPREVIOUS"], ["AWSCURRENT", "expires-20270714T080000Z"]]
    assert [key.posted for key in on_aws.new_keys()] == [1]


@pytest.mark.parametrize(("write", "step"), [(0, 1), (1, 2), (2, 4), (3, 4)])
def test_a_refused_write_is_reported_and_the_next_run_finishes(on_aws: OnAws, write: int, step: int) -> None:
    on_aws.manager.operations = WRITES
    version = on_aws.manager.reserve(on_aws.arn)
    on_aws.manager.fail_after(write, refuse(400, "AccessDeniedException"))
    done = on_aws.rotate(version)
    assert (len(done), done[-1]) == (step, "secret_manager.refused.denied")
    assert '"Action": "secretsmanager:' in on_aws.raised[-1]
    assert on_aws.call() == 200
    on_aws.rotate(version)
    assert on_aws.labels() == [["AWSPREVIOUS"], ["AWSCURRENT", "expires-20270714T080000Z"]]
    assert [key.posted for key in on_aws.new_keys()] == [1]
    assert on_aws.call(OTHER_UNIT) == 200


def test_a_refusal_by_selvbetjening_keeps_the_key_in_use(on_aws: OnAws) -> None:
    version = on_aws.manager.reserve(on_aws.arn)
    on_aws.standin.selvbetjening.fail_next("register", faults.Problem(400, "Too many keys."), times=2)
    assert on_aws.rotate(version) == ["created", "selvbetjening.refused.other"]
    assert "Too many keys" in on_aws.raised[-1]
    assert on_aws.call() == 200
    assert on_aws.rotate(version) == ["created", "registered", "tested", "rotated"]


def test_a_registration_without_a_response_is_looked_up(on_aws: OnAws) -> None:
    on_aws.standin.selvbetjening.fail_next("register", faults.Reset(handled=True))
    assert on_aws.rotate() == ["created", "registered", "tested", "rotated"]
    assert [key.posted for key in on_aws.new_keys()] == [1]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"SELVBETJENING_URL": ""}, "SELVBETJENING_URL"),
        ({"HELSEID_KEY": "projects/p/secrets/s/versions/latest"}, "must be the ARN"),
        ({"HELSEID_KEY": "file:x"}, "must be the ARN"),
        ({"HELSEID_KEY": "arn:aws:secretsmanager:eu-north-1:123456789012:secret:x-AbCdEf::AWSPREVIOUS:"}, "without a version"),
    ],
)
def test_a_missing_setting_is_named(deploy_on_aws: Deploy, settings: dict[str, str], named: str) -> None:
    on_aws = deploy_on_aws(**settings)
    assert on_aws.rotate() == ["rotation.not_set_up"]
    assert named in on_aws.raised[-1]
    assert on_aws.standin.received == []


def test_the_entry_point_for_google_is_not_set_up_here(on_aws: OnAws) -> None:
    with on_aws.function.flask.test_request_context("/", method="POST") as context:
        body, status, _ = on_aws.function.module.rotate(context.request)
    assert (status, json.loads(body)["code"]) == (500, "rotation.not_set_up")


def test_no_library_logs_a_key_at_debug(deploy_on_aws: Deploy, capsys: pytest.CaptureFixture[str], jwk: dict[str, Any]) -> None:
    on_aws = deploy_on_aws(LOG_LEVEL="DEBUG")
    version = on_aws.manager.reserve(on_aws.arn)
    on_aws.standin.selvbetjening.fail_next("register", faults.Problem(400), times=2)
    with debug_logs_written():
        enable_debug_logs()
        assert [on_aws.rotate(version)[-1] for _ in range(2)] == ["selvbetjening.refused.other", "rotated"]
    written = capsys.readouterr()
    keys = [jwk, json.loads(on_aws.manager.current(on_aws.arn)["SecretString"])]
    assert written.err != ""
    assert leaks(on_aws.standin, keys, *on_aws.raised, written.out, written.err) == []
